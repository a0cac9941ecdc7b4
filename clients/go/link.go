package mailinggroups

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// link is the stream of an import over one connection. It sends and receives on its own: the
// service stops to receive while its answers are not read.
type link[Req, Res any] struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	requests chan *Req
	finished bool
	// Closed at the end; then err says why.
	answers chan *Res
	err     error
	group   sync.WaitGroup
}

func connect[Req, Res any](ctx context.Context,
	open func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Req, Res], error),
) (*link[Req, Res], error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stream, err := open(ctx)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	l := &link[Req, Res]{
		ctx:    ctx,
		cancel: cancel,
		// Everything in flight, start and finish: sending never waits for the service.
		requests: make(chan *Req, maxInFlight+2),
		// A rejection of everything in flight, and progress: receiving waits for the importer only
		// while the rejections of an earlier run come.
		answers: make(chan *Res, maxInFlight*maxChunkItems+100),
	}
	l.group.Go(func() { l.sendAll(stream) })
	l.group.Go(func() { l.receiveAll(stream) })
	return l, nil
}

func (l *link[Req, Res]) send(request *Req) {
	select {
	case l.requests <- request:
	case <-l.ctx.Done():
	}
}

// finish sends the last request and closes this side of the stream.
func (l *link[Req, Res]) finish(request *Req) {
	l.send(request)
	l.finished = true
	close(l.requests)
}

// receive returns the next answer. Without a limit it does not wait, and returns nil if there is
// none yet.
func (l *link[Req, Res]) receive(limit time.Duration) (*Res, error) {
	if limit == 0 {
		select {
		case answer, ok := <-l.answers:
			return l.received(answer, ok)
		default:
			return nil, nil
		}
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case answer, ok := <-l.answers:
		return l.received(answer, ok)
	case <-timer.C:
		return nil, errSilent
	}
}

func (l *link[Req, Res]) received(answer *Res, ok bool) (*Res, error) {
	if ok {
		return answer, nil
	}
	if own, ok := errors.AsType[callerError](context.Cause(l.ctx)); ok {
		return nil, own
	}
	if errors.Is(l.err, io.EOF) {
		return nil, errEnded
	}
	return nil, l.err
}

// close cancels the stream, and waits until nothing uses its messages any more.
func (l *link[Req, Res]) close() {
	l.cancel(nil)
	if !l.finished {
		close(l.requests)
	}
	l.group.Wait()
}

func (l *link[Req, Res]) sendAll(stream grpc.BidiStreamingClient[Req, Res]) {
	for request := range l.requests {
		err := stream.Send(request)
		switch {
		case err == nil:
			continue
		// An item cannot be encoded, such as text that is not UTF-8: no connection changes that.
		case status.Code(err) == codes.Internal, status.Code(err) == codes.ResourceExhausted:
			l.cancel(callerError{err})
		}
		// Otherwise the receiving side learns why.
		return
	}
	_ = stream.CloseSend()
}

func (l *link[Req, Res]) receiveAll(stream grpc.BidiStreamingClient[Req, Res]) {
	defer close(l.answers)
	for {
		answer, err := stream.Recv()
		if err != nil {
			l.err = err
			return
		}
		select {
		case l.answers <- answer:
		case <-l.ctx.Done():
			l.err = l.ctx.Err()
			return
		}
	}
}
