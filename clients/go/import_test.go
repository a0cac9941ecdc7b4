package mailinggroups

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

type importStream = grpc.BidiStreamingServer[pb.ImportContactsRequest, pb.ImportContactsResponse]

func contacts(count int, pulled *atomic.Int64) iter.Seq2[*pb.Contact, error] {
	return func(yield func(*pb.Contact, error) bool) {
		for n := range count {
			pulled.Add(1)
			if !yield(&pb.Contact{Id: fmt.Sprint(n)}, nil) {
				return
			}
		}
	}
}

func sendProgress(stream importStream, processed int64, finished bool) {
	_ = stream.Send(&pb.ImportContactsResponse{Message: &pb.ImportContactsResponse_Progress_{
		Progress: &pb.ImportContactsResponse_Progress{ProcessedCount: processed, Finished: finished},
	}})
}

func sendSummary(stream importStream, processed int64) {
	_ = stream.Send(&pb.ImportContactsResponse{Message: &pb.ImportContactsResponse_Summary_{
		Summary: &pb.ImportContactsResponse_Summary{ProcessedCount: processed},
	}})
}

func sendRejection(stream importStream, index int64) {
	_ = stream.Send(&pb.ImportContactsResponse{Message: &pb.ImportContactsResponse_Rejection_{
		Rejection: &pb.ImportContactsResponse_Rejection{Index: index},
	}})
}

// store commits chunks, and rejects each item whose id ends in 5.
type store struct {
	ids      []string
	rejected []int64
	finished bool
	// The end of a stream after so many chunks; nil means that it goes on.
	breaks func(chunk int) error
	chunk  int
}

func (s *store) serve(stream importStream) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	for _, index := range s.rejected {
		if index >= first.GetStart().GetKnownCount() {
			sendRejection(stream, index)
		}
	}
	sendProgress(stream, int64(len(s.ids)), s.finished)
	for !s.finished {
		request, err := stream.Recv()
		if err != nil {
			return err
		}
		s.finished = request.GetFinish() != nil
		for _, contact := range request.GetChunk().GetContacts() {
			if strings.HasSuffix(contact.GetId(), "5") {
				s.rejected = append(s.rejected, int64(len(s.ids)))
			}
			s.ids = append(s.ids, contact.GetId())
		}
		s.chunk++
		if err := s.breaks(s.chunk); err != nil {
			return err
		}
		for _, index := range s.rejected {
			if index >= int64(len(s.ids)-len(request.GetChunk().GetContacts())) {
				sendRejection(stream, index)
			}
		}
		sendProgress(stream, int64(len(s.ids)), false)
	}
	sendSummary(stream, int64(len(s.ids)))
	return nil
}

// The connection breaks after chunks were committed and before their answers, also after `finish`.
func TestAnImportIsContinuedHoweverItBreaks(t *testing.T) {
	const count = 20_500
	service := &store{breaks: func(chunk int) error {
		if chunk%4 == 0 || chunk == 22 {
			return unavailable()
		}
		return nil
	}}
	client := (&fake{importContact: service.serve}).serve(t, Config{})
	var pulled atomic.Int64
	var rejected []string
	result, err := client.ImportContacts(t.Context(), contacts(count, &pulled), ContactImportOptions{
		OnRejection: func(rejection *pb.ImportContactsResponse_Rejection) error {
			rejected = append(rejected, rejection.GetId())
			equal(t, "id", rejection.GetId(), fmt.Sprint(rejection.GetIndex()))
			return nil
		},
	})
	check(t, err)
	equal(t, "committed", result.Committed, count)
	equal(t, "summary", result.Summary.GetProcessedCount(), count)
	equal(t, "rejected", len(rejected), count/10)
	for n, id := range service.ids {
		equal(t, "stored", id, fmt.Sprint(n))
	}
	equal(t, "stored", len(service.ids), count)
}

func TestMemoryIsBounded(t *testing.T) {
	var pulled atomic.Int64
	server := &fake{importContact: func(stream importStream) error {
		sendProgress(stream, 0, false)
		time.Sleep(100 * time.Millisecond)
		if read := pulled.Load(); read > maxInFlight*maxChunkItems+1 {
			return status.Errorf(codes.OutOfRange, "%d items were read", read)
		}
		return status.Error(codes.PermissionDenied, "enough")
	}}
	_, err := server.serve(t, Config{}).ImportContacts(t.Context(), contacts(100_000, &pulled), ContactImportOptions{})
	equal(t, "code", status.Code(err), codes.PermissionDenied)
}

func TestChunksAreSmall(t *testing.T) {
	var sizes []int
	server := &fake{importContact: func(stream importStream) error {
		sendProgress(stream, 0, false)
		for processed := int64(0); ; {
			request, err := stream.Recv()
			if err != nil {
				return err
			}
			if request.GetFinish() != nil {
				sendSummary(stream, processed)
				return nil
			}
			processed += int64(len(request.GetChunk().GetContacts()))
			if request.GetChunk() != nil {
				sizes = append(sizes, len(request.GetChunk().GetContacts()))
			}
			sendProgress(stream, processed, false)
		}
	}}
	large := func(yield func(*pb.Contact, error) bool) {
		for range 5 {
			if !yield(&pb.Contact{Name: strings.Repeat("x", 400<<10)}, nil) {
				return
			}
		}
	}
	result, err := server.serve(t, Config{}).ImportContacts(t.Context(), large, ContactImportOptions{})
	check(t, err)
	equal(t, "processed", result.Summary.GetProcessedCount(), 5)
	equal(t, "chunks", fmt.Sprint(sizes), "[2 2 1]")
}

func TestLostItemsAreNoticed(t *testing.T) {
	streams := 0
	server := &fake{importContact: func(stream importStream) error {
		if streams++; streams > 1 {
			sendProgress(stream, 500, false)
			<-stream.Context().Done()
			return nil
		}
		sendProgress(stream, 0, false)
		for range 2 {
			_, _ = stream.Recv()
		}
		sendProgress(stream, 1000, false)
		return unavailable()
	}}
	client := server.serve(t, Config{})
	var pulled atomic.Int64
	result, err := client.ImportContacts(t.Context(), contacts(9_000, &pulled), ContactImportOptions{})
	if !errors.Is(err, ErrItemsLost) {
		t.Fatal(err)
	}
	equal(t, "committed", result.Committed, 1000)
	// What is only validated is not recorded.
	streams = 0
	_, err = client.ImportContacts(t.Context(), contacts(9_000, &pulled), ContactImportOptions{ValidateOnly: true})
	equal(t, "code", status.Code(err), codes.Unavailable)
}

func TestASilentImportIsBroken(t *testing.T) {
	var streams atomic.Int64
	server := &fake{importContact: func(stream importStream) error {
		if streams.Add(1) < 3 {
			<-stream.Context().Done()
			return nil
		}
		sendProgress(stream, 0, true)
		sendSummary(stream, 0)
		return nil
	}}
	client := server.serve(t, Config{})
	client.silence = 300 * time.Millisecond
	var pulled atomic.Int64
	result, err := client.ImportContacts(t.Context(), contacts(0, &pulled), ContactImportOptions{})
	check(t, err)
	if streams.Load() < 3 {
		t.Fatalf("%d streams", streams.Load())
	}
	equal(t, "id", len(result.ImportID), 36)
}

func TestErrorsOfTheCallerComeOutUnchanged(t *testing.T) {
	ended := make(chan struct{}, 10)
	server := &fake{importContact: func(stream importStream) error {
		sendProgress(stream, 0, false)
		_, _ = stream.Recv()
		if _, err := stream.Recv(); err == nil {
			sendRejection(stream, 0)
		}
		<-stream.Context().Done()
		ended <- struct{}{}
		return nil
	}}
	client := server.serve(t, Config{})
	// An error that the import itself would retry.
	own := &Error{Code: codes.Unavailable, status: status.New(codes.Unavailable, "elsewhere")}
	broken := func(yield func(*pb.Contact, error) bool) {
		_ = yield(&pb.Contact{}, nil) && yield(nil, own)
	}
	if _, err := client.ImportContacts(t.Context(), broken, ContactImportOptions{}); err != error(own) {
		t.Fatal(err)
	}
	<-ended
	var pulled atomic.Int64
	refuse := func(*pb.ImportContactsResponse_Rejection) error { return own }
	_, err := client.ImportContacts(t.Context(), contacts(1, &pulled), ContactImportOptions{OnRejection: refuse})
	if err != error(own) {
		t.Fatal(err)
	}
	<-ended
	func() {
		defer func() { equal(t, "panic", recover(), any("source")) }()
		panics := func(func(*pb.Contact, error) bool) { panic("source") }
		_, _ = client.ImportContacts(t.Context(), panics, ContactImportOptions{})
	}()
	<-ended
	// No connection changes what cannot be encoded.
	invalid := func(yield func(*pb.Contact, error) bool) { yield(&pb.Contact{Id: "\xff"}, nil) }
	_, err = client.ImportContacts(t.Context(), invalid, ContactImportOptions{})
	equal(t, "code", status.Code(err), codes.Internal)
	<-ended
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = client.ImportContacts(ctx, contacts(1, &pulled), ContactImportOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
