package mailinggroups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// Errors of this side.
var (
	// ErrItemsLost ends an import of which the service has less than it had acknowledged: a backup
	// of its database was restored, or a standby took over.
	ErrItemsLost = errors.New("mailinggroups: the service has lost items that it had acknowledged")
	// ErrSourceChanged ends an import that is continued with another number of items than it has.
	ErrSourceChanged = errors.New("mailinggroups: the items are not those that the import was started with")
	// ErrProtocol ends what cannot be continued because the service sent what it must not.
	ErrProtocol = errors.New("mailinggroups: the service violated the protocol")

	errSilent = errors.New("mailinggroups: the service sent nothing for too long")
	errEnded  = errors.New("mailinggroups: the service ended the stream before its summary")
)

// Error is an error of a call: the status that the service answered with, or the one that grpc-go
// made of a broken connection. [status.Code] and [status.FromError] understand it. If the context
// of the call ended, [errors.Is] finds the error of the context in it.
type Error struct {
	Code    codes.Code
	Message string
	// Reason says why, or is unspecified: programs should branch on it.
	Reason pb.ErrorReason
	// ReasonName is the reason as sent, such as MAILING_GROUP_NOT_FOUND: also one that this
	// version of the package does not know. Empty if the error is not the service's.
	ReasonName string
	// Metadata belongs to the reason: the new code of a renamed group is `current`.
	Metadata map[string]string
	// FieldViolations are the invalid fields, as paths in the request.
	FieldViolations        []*errdetails.BadRequest_FieldViolation
	PreconditionViolations []*errdetails.PreconditionFailure_Violation
	QuotaViolations        []*errdetails.QuotaFailure_Violation
	// Resource is what was not found, exists already or has another etag; nil otherwise.
	Resource *errdetails.ResourceInfo
	// RetryDelay is how long to wait before the call is repeated; 0 if the service does not say.
	RetryDelay time.Duration
	// RequestID is the id of the call in the service's log; empty if it did not answer.
	RequestID string

	// Whether the service says that the call can be repeated.
	retryable bool
	status    *status.Status
	cause     error
}

// Error is the code, the reason and the message.
func (e *Error) Error() string {
	if e.ReasonName == "" {
		return fmt.Sprintf("mailinggroups: %s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("mailinggroups: %s, %s: %s", e.Code, e.ReasonName, e.Message)
}

// GRPCStatus is the status as it came.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Unwrap is the error of the context, if it ended, or that of grpc-go.
func (e *Error) Unwrap() error { return e.cause }

// ReasonOf is the reason of an error; unspecified if it is none of the service's, or not known to
// this version of the package.
func ReasonOf(err error) pb.ErrorReason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
}

// convert makes an Error of an error of grpc-go.
func convert(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	e := &Error{Code: s.Code(), Message: s.Message(), status: s, cause: err}
	if ended := ctx.Err(); ended != nil {
		e.cause = ended
	}
	for _, detail := range s.Details() {
		e.add(detail)
	}
	return e
}

// add takes over one detail; they come in any order.
func (e *Error) add(detail any) {
	switch it := detail.(type) {
	case *errdetails.ErrorInfo:
		if it.GetDomain() == "mailinggroups" {
			e.ReasonName = it.GetReason()
			e.Reason = pb.ErrorReason(pb.ErrorReason_value["ERROR_REASON_"+it.GetReason()])
			e.Metadata = it.GetMetadata()
		}
	case *errdetails.BadRequest:
		e.FieldViolations = it.GetFieldViolations()
	case *errdetails.PreconditionFailure:
		e.PreconditionViolations = it.GetViolations()
	case *errdetails.QuotaFailure:
		e.QuotaViolations = it.GetViolations()
	case *errdetails.ResourceInfo:
		e.Resource = it
	case *errdetails.RetryInfo:
		e.retryable = true
		e.RetryDelay = it.GetRetryDelay().AsDuration()
	}
}

// identify adds the id of the call, which the service sends in the header or the trailer.
func identify(err error, answers ...metadata.MD) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	for _, answer := range answers {
		if ids := answer.Get("x-request-id"); len(ids) > 0 {
			e.RequestID = ids[0]
		}
	}
	return err
}

// isTransient says whether a stream that ended with the error can be continued a little later.
func isTransient(err error) bool {
	if errors.Is(err, errSilent) || errors.Is(err, errEnded) {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.Code {
	case codes.Unavailable:
		return true
	case codes.Internal, codes.Canceled:
		// What grpc-go makes of a stream that was reset on its way. The service always says a reason.
		return e.ReasonName == "" || e.retryable
	default:
		return e.retryable
	}
}
