package mailinggroups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Stream is a sequence that ends with a summary.
type Stream[T, S any] struct {
	read    func(yield func(*T) bool) (*S, error)
	summary *S
}

// All reads the sequence, over as many connections as it takes: nothing is missing, nothing comes
// twice. An error ends it. Leaving the loop cancels the call. Each use reads from the beginning.
func (s *Stream[T, S]) All() iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		s.summary = nil
		summary, err := s.read(func(item *T) bool { return yield(item, nil) })
		if err != nil {
			yield(nil, err)
			return
		}
		s.summary = summary
	}
}

// Summary is what the service said at the end; nil before that.
func (s *Stream[T, S]) Summary() *S { return s.summary }

// step is what a message means for a stream.
type step int

const (
	// The stream is alive.
	alive step = iota
	// A resumed stream would start later than before.
	progress
	// The summary has come.
	done
	// The consumer wants no more.
	stopped
)

// resumable is a stream of the service that can be continued.
type resumable[T any] struct {
	// open opens it at the current position.
	open func(context.Context) (grpc.ServerStreamingClient[T], error)
	// handle takes a message and moves the position.
	handle func(*T) step
	// reopening discards what is incomplete.
	reopening func()
}

// read reads a stream to its end.
func read[T any](ctx context.Context, c *Client, stream resumable[T]) error {
	retry := retry{limit: c.retryFor}
	for {
		err := readOnce(ctx, c.silence, &retry, stream)
		if err == nil {
			return nil
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
		stream.reopening()
	}
}

// readOnce reads over one connection.
func readOnce[T any](ctx context.Context, limit time.Duration, retry *retry, stream resumable[T]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Runs only while the service is waited for, not while the consumer works.
	silence := time.AfterFunc(limit, func() { cancel(errSilent) })
	defer silence.Stop()
	messages, err := stream.open(ctx)
	for err == nil {
		silence.Reset(limit)
		var message *T
		if message, err = messages.Recv(); err != nil {
			break
		}
		silence.Stop()
		switch stream.handle(message) {
		case progress:
			retry.reset()
		case done:
			// So that the service sees a complete call, not a cancelled one.
			silence.Reset(limit)
			_, _ = messages.Recv()
			return nil
		case stopped:
			return nil
		case alive:
		}
	}
	return ended(ctx, err)
}

// ended is why a stream has ended without a summary.
func ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return errSilent
	case errors.Is(err, io.EOF):
		return errEnded
	default:
		return err
	}
}

const (
	firstDelay = 100 * time.Millisecond
	lastDelay  = 2500 * time.Millisecond
)

// retry says how long to wait before a stream is continued, and when to give up.
type retry struct {
	limit time.Duration
	// Whether there was progress since the last failure.
	progressed bool
	// The next delay; 0 before the first failure since the last progress.
	delay time.Duration
	// When that was.
	since time.Time
}

func (r *retry) reset() { r.progressed, r.delay = true, 0 }

// wait waits before the next attempt, at least as long as the service says. It returns why there
// is none: the cause is permanent, there was no progress for too long, or the context ended.
func (r *retry) wait(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// The service limits the age of every stream, and ends it when its token expires; there may be a
	// new one by now.
	code := status.Code(cause)
	aged := r.progressed && (code == codes.DeadlineExceeded || code == codes.Unauthenticated)
	r.progressed = false
	if !aged && !isTransient(cause) || r.limit < 0 {
		return cause
	}
	if r.delay == 0 {
		r.delay, r.since = firstDelay, time.Now()
	}
	// The jitter keeps many clients from returning at once.
	delay := r.delay + rand.N(r.delay)
	if e, ok := errors.AsType[*Error](cause); ok {
		delay = max(delay, e.RetryDelay)
	}
	r.delay = min(2*r.delay, lastDelay)
	if time.Since(r.since)+delay > r.limit {
		return fmt.Errorf("%w (gave up after %s without progress)", cause, time.Since(r.since).Round(time.Millisecond))
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
