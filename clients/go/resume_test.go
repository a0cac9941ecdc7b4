package mailinggroups

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func page(token string, ids ...string) *pb.StreamSegmentMembersResponse {
	page := &pb.StreamSegmentMembersResponse_Page{ResumeToken: token}
	for _, id := range ids {
		page.Members = append(page.Members, &pb.SegmentMember{ContactId: id})
	}
	return &pb.StreamSegmentMembersResponse{Message: &pb.StreamSegmentMembersResponse_Page_{Page: page}}
}

type memberSender = grpc.ServerStreamingServer[pb.StreamSegmentMembersResponse]

// sendMembers ends each stream in another way.
func sendMembers(request *pb.StreamSegmentMembersRequest, stream memberSender) error {
	switch request.GetResumeToken() {
	case "":
		_ = stream.Send(page("2", "a", "b"))
		return unavailable()
	case "2":
		_ = stream.Send(page("3", "c"))
		return nil
	case "3":
		_ = stream.Send(page("4", "d"))
		return status.Error(codes.DeadlineExceeded, "an hour is over")
	case "4":
		_ = stream.Send(page("5", "e"))
		<-stream.Context().Done()
		return nil
	case "5":
		_ = stream.Send(page("6", "f"))
		return status.Error(codes.Unauthenticated, "the token has expired")
	default:
		summary := &pb.StreamSegmentMembersResponse_Summary{MemberCount: 6}
		return stream.Send(&pb.StreamSegmentMembersResponse{Message: &pb.StreamSegmentMembersResponse_Summary_{Summary: summary}})
	}
}

func TestAStreamIsContinuedHoweverItBreaks(t *testing.T) {
	client := (&fake{members: sendMembers}).serve(t, Config{})
	client.silence = 300 * time.Millisecond
	members := client.Members(t.Context(), &pb.StreamSegmentMembersRequest{})
	for range 2 {
		var ids strings.Builder
		for member, err := range members.All() {
			check(t, err)
			ids.WriteString(member.GetContactId())
		}
		equal(t, "ids", ids.String(), "abcdef")
		equal(t, "summary", members.Summary().GetMemberCount(), 6)
	}
	for range members.All() {
		break
	}
	if members.Summary() != nil {
		t.Fatal("a summary of a part")
	}
}

func TestContinuingEnds(t *testing.T) {
	attempts := 0
	server := &fake{members: func(_ *pb.StreamSegmentMembersRequest, stream memberSender) error {
		attempts++
		// A heartbeat is no progress.
		_ = stream.Send(&pb.StreamSegmentMembersResponse{Message: &pb.StreamSegmentMembersResponse_Heartbeat_{}})
		return unavailable()
	}}
	for limit, atLeast := range map[time.Duration]int{-1: 1, 2 * time.Second: 3} {
		attempts = 0
		client := server.serve(t, Config{RetryFor: limit})
		for _, err := range client.Members(t.Context(), &pb.StreamSegmentMembersRequest{}).All() {
			equal(t, "code", status.Code(err), codes.Unavailable)
		}
		if attempts < atLeast || limit < 0 && attempts > atLeast {
			t.Fatalf("%d attempts", attempts)
		}
	}
	client := server.serve(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for _, err := range client.Members(ctx, &pb.StreamSegmentMembersRequest{}).All() {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

func exported(token string, ids string, assignments int) *pb.ExportContactsResponse {
	page := &pb.ExportContactsResponse_Page{ResumeToken: token, Assignments: make([]*pb.Assignment, assignments)}
	for n := range page.Assignments {
		page.Assignments[n] = &pb.Assignment{}
	}
	for _, id := range ids {
		page.Contacts = append(page.Contacts, &pb.Contact{Id: string(id)})
	}
	return &pb.ExportContactsResponse{Message: &pb.ExportContactsResponse_Page_{Page: page}}
}

// A stream breaks within the pages of the same contacts.
func TestPartsOfAnExportAreDiscarded(t *testing.T) {
	streams := 0
	groups := &pb.ExportContactsResponse{Message: &pb.ExportContactsResponse_MailingGroups_{
		MailingGroups: &pb.ExportContactsResponse_MailingGroups{MailingGroups: []*pb.MailingGroup{{Code: "G"}}},
	}}
	summary := &pb.ExportContactsResponse{Message: &pb.ExportContactsResponse_Summary_{}}
	server := &fake{export: func(request *pb.ExportContactsRequest, stream grpc.ServerStreamingServer[pb.ExportContactsResponse]) error {
		streams++
		token := request.GetResumeToken()
		parts := map[string][]*pb.ExportContactsResponse{
			"":  {groups, exported("", "a", 2), exported("1", "", 1), exported("1", "b", 2)},
			"1": {exported("1", "b", 2), exported("1", "", 2), exported("2", "", 2), summary},
		}[token]
		if streams == 1 {
			parts = parts[:2]
		}
		for _, part := range parts {
			_ = stream.Send(part)
		}
		if token == "" {
			return unavailable()
		}
		return nil
	}}
	var log strings.Builder
	for page, err := range server.serve(t, Config{}).ExportContacts(t.Context(), nil).All() {
		check(t, err)
		log.WriteString(strings.Repeat("g", len(page.MailingGroups)))
		for _, contact := range page.Contacts {
			log.WriteString(contact.GetId())
		}
		log.WriteString(strings.Repeat(".", len(page.Assignments)) + page.ResumeToken + " ")
	}
	equal(t, "pages", log.String(), "ga...1 b......2 ")
}
