package mailinggroups

import (
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func converted(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) *Error {
	t.Helper()
	s, err := status.New(code, "because").WithDetails(details...)
	check(t, err)
	e, ok := errors.AsType[*Error](convert(t.Context(), s.Err()))
	if !ok {
		t.Fatal("not an Error")
	}
	return e
}

func TestDetailsAreFoundByTheirType(t *testing.T) {
	e := converted(t, codes.Unavailable,
		&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)},
		&errdetails.ErrorInfo{Domain: "elsewhere", Reason: "INTERNAL"},
		&errdetails.ErrorInfo{Domain: "mailinggroups", Reason: "OVERLOADED", Metadata: map[string]string{"k": "v"}},
	)
	equal(t, "reason", e.Reason, pb.ErrorReason_ERROR_REASON_OVERLOADED)
	equal(t, "delay", e.RetryDelay, time.Second)
	equal(t, "metadata", e.Metadata["k"], "v")
	equal(t, "text", e.Error(), "mailinggroups: Unavailable, OVERLOADED: because")
	equal(t, "status", len(e.GRPCStatus().Details()), 3)
}

func TestAnUnknownReasonKeepsItsText(t *testing.T) {
	e := converted(t, codes.Aborted, &errdetails.ErrorInfo{Domain: "mailinggroups", Reason: "NEW"})
	equal(t, "reason", ReasonOf(e), pb.ErrorReason_ERROR_REASON_UNSPECIFIED)
	equal(t, "text", e.ReasonName, "NEW")
	equal(t, "no reason", ReasonOf(io.EOF), pb.ErrorReason_ERROR_REASON_UNSPECIFIED)
}

func TestWhatIsTransient(t *testing.T) {
	internal := &errdetails.ErrorInfo{Domain: "mailinggroups", Reason: "INTERNAL"}
	wait := &errdetails.RetryInfo{}
	for _, err := range []error{
		converted(t, codes.Unavailable), converted(t, codes.Internal), converted(t, codes.Canceled), errSilent, errEnded,
		converted(t, codes.ResourceExhausted, wait), converted(t, codes.Internal, internal, wait),
	} {
		equal(t, err.Error(), isTransient(err), true)
	}
	for _, err := range []error{
		converted(t, codes.Internal, internal), converted(t, codes.NotFound), converted(t, codes.ResourceExhausted),
		converted(t, codes.DeadlineExceeded), io.EOF,
	} {
		equal(t, err.Error(), isTransient(err), false)
	}
}
