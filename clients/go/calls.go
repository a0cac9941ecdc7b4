package mailinggroups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// calls adds to each call what the service needs, and makes its errors ours.
type calls struct {
	tenant  string
	token   func(context.Context) (string, error)
	timeout time.Duration
}

func (c calls) unary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	ctx, err := c.withMetadata(ctx)
	if err != nil {
		return err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	var header, trailer metadata.MD
	options = slices.Concat(options, []grpc.CallOption{grpc.Header(&header), grpc.Trailer(&trailer)})
	// grpc-go repeats the call below this interceptor: all attempts have the same id.
	err = invoke(ctx, method, withRequestID(request), reply, conn, options...)
	return identify(convert(ctx, err), header, trailer)
}

func (c calls) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	ctx, err := c.withMetadata(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := open(ctx, desc, conn, method, options...)
	if err != nil {
		return nil, convert(ctx, err)
	}
	return convertedStream{stream, ctx}, nil
}

// withMetadata adds the tenant and the token, unless the caller set others for this call.
func (c calls) withMetadata(ctx context.Context) (context.Context, error) {
	given, _ := metadata.FromOutgoingContext(ctx)
	if c.tenant != "" && len(given.Get("x-tenant")) == 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, "x-tenant", c.tenant)
	}
	if c.token != nil && len(given.Get("authorization")) == 0 {
		token, err := c.token(ctx)
		if err != nil {
			return nil, fmt.Errorf("mailinggroups: no token: %w", err)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+strings.TrimSpace(token))
	}
	return ctx, nil
}

// withRequestID fills in an empty request_id, in a copy: the same message can be sent again as
// another request.
func withRequestID(request any) any {
	message, ok := request.(proto.Message)
	if !ok || !message.ProtoReflect().IsValid() {
		return request
	}
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || message.ProtoReflect().Has(field) {
		return request
	}
	message = proto.Clone(message)
	message.ProtoReflect().Set(field, protoreflect.ValueOfString(newID()))
	return message
}

// convertedStream is a stream whose errors are of the type Error.
type convertedStream struct {
	grpc.ClientStream
	// That of the caller. The one of the stream ends with the stream, and asking for it keeps
	// grpc-go from calling again.
	ctx context.Context
}

func (s convertedStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	// The stream has ended: that does not wait.
	header, _ := s.ClientStream.Header()
	return identify(convert(s.ctx, err), header, s.Trailer())
}

func (s convertedStream) SendMsg(message any) error {
	return convert(s.ctx, s.ClientStream.SendMsg(message))
}

func (s convertedStream) Header() (metadata.MD, error) {
	header, err := s.ClientStream.Header()
	return header, convert(s.ctx, err)
}
