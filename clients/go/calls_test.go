package mailinggroups

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func TestCallsCarryWhatTheServiceNeeds(t *testing.T) {
	var ids []string
	tokens := 0
	server := &fake{create: func(ctx context.Context, request *pb.CreateMailingGroupRequest) error {
		ids = append(ids, request.GetRequestId())
		if incoming(ctx, "x-tenant") != "acme" || incoming(ctx, "authorization") != "Bearer secret" {
			return errors.New("not acme")
		}
		deadline, _ := ctx.Deadline()
		if left := time.Until(deadline); left < 50*time.Second || left > 60*time.Second {
			return errors.New("not a minute")
		}
		if len(ids) < 3 {
			return unavailable()
		}
		return nil
	}}
	client := server.serve(t, Config{Tenant: "acme", TokenSource: func(context.Context) (string, error) {
		tokens++
		return "secret\n", nil
	}})
	request := &pb.CreateMailingGroupRequest{}
	_, err := client.MailingGroups.CreateMailingGroup(t.Context(), request)
	check(t, err)
	equal(t, "attempts", len(ids), 3)
	equal(t, "second", ids[1], ids[0])
	equal(t, "third", ids[2], ids[0])
	equal(t, "length", len(ids[0]), 36)
	equal(t, "the caller's message", request.GetRequestId(), "")
	_, err = client.MailingGroups.CreateMailingGroup(t.Context(), request)
	check(t, err)
	if ids[3] == ids[0] {
		t.Fatal("two calls have the same id")
	}
	_, err = client.MailingGroups.CreateMailingGroup(t.Context(), &pb.CreateMailingGroupRequest{RequestId: "mine"})
	check(t, err)
	equal(t, "own id", ids[4], "mine")
	equal(t, "tokens", tokens, 3)
}

func TestMetadataOfOneCallTakesPrecedence(t *testing.T) {
	server := &fake{create: func(ctx context.Context, _ *pb.CreateMailingGroupRequest) error {
		if incoming(ctx, "x-tenant") != "other" || incoming(ctx, "authorization") != "Bearer other" {
			return errors.New("not other")
		}
		return nil
	}}
	client := server.serve(t, Config{Tenant: "acme", Token: "secret"})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-tenant", "other", "authorization", "Bearer other")
	_, err := client.MailingGroups.CreateMailingGroup(ctx, nil)
	check(t, err)
}

func TestErrorsOfTheTokenSource(t *testing.T) {
	broken := errors.New("no identity provider")
	client := (&fake{}).serve(t, Config{TokenSource: func(context.Context) (string, error) { return "", broken }})
	_, err := client.MailingGroups.CreateMailingGroup(t.Context(), nil)
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	for _, err := range client.Watch(t.Context(), FromNow()) {
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
}

func TestStreamsAreCalledAgainUntilTheirFirstMessage(t *testing.T) {
	attempts := 0
	server := &fake{members: func(*pb.StreamSegmentMembersRequest, memberSender) error {
		attempts++
		return unavailable()
	}}
	stream, err := server.serve(t, Config{}).MailingGroups.StreamSegmentMembers(t.Context(), nil)
	check(t, err)
	_, err = stream.Recv()
	equal(t, "code", status.Code(err), codes.Unavailable)
	equal(t, "attempts", attempts, 5)
	if errors.Is(err, context.Canceled) {
		t.Fatal("the context has not ended")
	}
}
