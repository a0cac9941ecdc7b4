package mailinggroups

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

const (
	maxChunkItems = 1000
	maxChunkBytes = 1 << 20
	// The tag and the length of an item in its chunk.
	maxItemOverhead = 6
	// Chunks sent and not yet acknowledged: enough to keep the service busy while an
	// acknowledgement travels, few enough that memory stays small.
	maxInFlight = 8
	// Rejections that a result keeps if there is no callback.
	maxRejections = 10_000
)

// Items is a source of an import that cannot fail: use it with [slices.Values].
func Items[T any](items iter.Seq[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// ImportResult says how far an import came. R is the type of rejections, S that of the summary.
type ImportResult[R, S any] struct {
	// ImportID continues the import, with the same items.
	ImportID string
	// Committed is the number of items known to be committed or rejected.
	Committed int64
	// Rejections are the first 10,000, if there is no callback.
	Rejections []*R
	// Summary has the counts of the whole import; nil if it did not finish.
	Summary *S
}

// kind is what differs between imports.
type kind[T, Req, Res, R, S any] struct {
	open   func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Req, Res], error)
	start  func(importID string, known int64) *Req
	chunk  func([]T) *Req
	finish func() *Req
	answer func(*Res) answer[R, S]
	// name sets the item of a rejection, which is not sent again over another connection.
	name func(*R, T)
	// onRejection is the callback; nil to collect rejections.
	onRejection func(*R) error
}

// answer is a message of the service: a rejection, or progress, with the summary at the end.
type answer[R, S any] struct {
	rejection *R
	index     int64
	// The number of items committed or rejected; -1 in a message of a later version.
	processed int64
	// Whether the import was finished before the connection.
	finished bool
	summary  *S
}

// importing is an import, across connections.
type importing[T proto.Message, Req, Res, R, S any] struct {
	kind[T, Req, Res, R, S]
	result       *ImportResult[R, S]
	validateOnly bool
	retry        retry
	silence      time.Duration
	next         func() (T, error, bool)
	// Items in flight, by chunk.
	chunks [][]T
	// Items whose results are known. Some can still be in flight: rejections come before the
	// progress that covers them.
	known int64
	// Whether the service has said how far the import came, over the present connection.
	ready bool
	// The item that did not fit into the last chunk, if there is one.
	held []T
	// Whether the source has ended.
	exhausted bool
}

func newImport[T proto.Message, Req, Res, R, S any](
	c *Client, kind kind[T, Req, Res, R, S], importID string, known int64, validateOnly bool,
) *importing[T, Req, Res, R, S] {
	if importID == "" {
		importID = newID()
	}
	return &importing[T, Req, Res, R, S]{
		kind:         kind,
		result:       &ImportResult[R, S]{ImportID: importID},
		validateOnly: validateOnly,
		retry:        retry{limit: c.retryFor},
		silence:      c.silence,
		known:        known,
	}
}

// callerError is an error of the source or the callback: it ends the import whatever it is.
type callerError struct{ error }

// run imports items, over as many connections as it takes.
func (i *importing[T, Req, Res, R, S]) run(ctx context.Context, items iter.Seq2[T, error]) (*ImportResult[R, S], error) {
	next, stop := iter.Pull2(items)
	defer stop()
	i.next = next
	for {
		err := i.once(ctx)
		if err == nil {
			return i.result, nil
		}
		if own, ok := errors.AsType[callerError](err); ok {
			return i.result, own.error
		}
		// What is only validated is not recorded: it cannot be continued.
		if i.validateOnly && i.known > 0 {
			return i.result, err
		}
		if err := i.retry.wait(ctx, err); err != nil {
			return i.result, err
		}
	}
}

// once imports over one connection.
func (i *importing[T, Req, Res, R, S]) once(ctx context.Context) error {
	link, err := connect(ctx, i.open)
	if err != nil {
		return err
	}
	defer link.close()
	i.ready = false
	link.send(i.start(i.result.ImportID, i.known))
	for {
		// Answers go first. More is sent only if there is none.
		var limit time.Duration
		if !i.ready || i.exhausted || len(i.chunks) >= maxInFlight {
			limit = i.silence
		}
		response, err := link.receive(limit)
		switch {
		case err != nil:
			return err
		case response == nil:
			err = i.sendNext(link)
		default:
			err = i.handle(link, i.answer(response))
		}
		if err != nil {
			return err
		}
		if i.result.Summary != nil {
			// So that the service sees a complete call, not a cancelled one.
			_, _ = link.receive(i.silence)
			return nil
		}
	}
}

func (i *importing[T, Req, Res, R, S]) handle(link *link[Req, Res], answer answer[R, S]) error {
	known := i.known
	defer func() {
		if i.known > known {
			i.retry.reset()
		}
	}()
	switch {
	case answer.rejection != nil:
		return i.rejected(answer.index, answer.rejection)
	case answer.processed < 0:
		return nil
	case answer.summary != nil:
		if err := i.acknowledge(answer.processed); err != nil {
			return err
		}
		if !i.exhausted || answer.processed != i.total() {
			return fmt.Errorf("%w: its summary is of %d items", ErrProtocol, answer.processed)
		}
		i.result.Summary = answer.summary
		return nil
	case i.ready:
		return i.acknowledge(answer.processed)
	default:
		return i.begin(link, answer)
	}
}

// begin continues where the service says: what it has not committed is sent again.
func (i *importing[T, Req, Res, R, S]) begin(link *link[Req, Res], answer answer[R, S]) error {
	if lost := i.known - answer.processed; lost > 0 {
		return fmt.Errorf("%w: %d of import %s", ErrItemsLost, lost, i.result.ImportID)
	}
	if _, err := i.skip(answer.processed); err != nil {
		return err
	}
	i.known = max(i.known, answer.processed)
	i.ready = true
	if answer.finished {
		return i.expectEnd()
	}
	for _, chunk := range i.chunks {
		link.send(i.chunk(chunk))
	}
	if i.exhausted {
		link.finish(i.finish())
	}
	return nil
}

// expectEnd reads the end of the source of a finished import.
func (i *importing[T, Req, Res, R, S]) expectEnd() error {
	if !i.exhausted {
		if _, err := i.pull(); err != nil {
			return err
		}
	}
	if !i.exhausted || len(i.chunks) > 0 {
		return fmt.Errorf("%w: import %s was finished with %d", ErrSourceChanged, i.result.ImportID, i.result.Committed)
	}
	return nil
}

// sendNext sends the next chunk, or the end.
func (i *importing[T, Req, Res, R, S]) sendNext(link *link[Req, Res]) error {
	items, err := i.pullChunk()
	if err != nil {
		return err
	}
	if len(items) > 0 {
		i.chunks = append(i.chunks, items)
		link.send(i.chunk(items))
	}
	if i.exhausted {
		link.finish(i.finish())
	}
	return nil
}
