package servertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func TestErrors(t *testing.T) {
	client := connect(t, shared.address)
	createGroups(t, client, "MOVE", "FULL")
	expectErrors(t, client)
}

// expectErrors makes errors in a tenant with the groups MOVE and FULL.
func expectErrors(t *testing.T, client *mailinggroups.Client) {
	t.Helper()
	ctx := t.Context()
	_, err := client.MailingGroups.GetMailingGroup(ctx, &pb.GetMailingGroupRequest{Code: "NONE"})
	e := expect(t, err, codes.NotFound, pb.ErrorReason_ERROR_REASON_MAILING_GROUP_NOT_FOUND)
	equal(t, "resource", e.Resource.GetResourceName(), "NONE")
	if e.RequestID == "" {
		t.Error("no request id")
	}

	_, err = client.MailingGroups.RenameMailingGroup(ctx, &pb.RenameMailingGroupRequest{Code: "MOVE", NewCode: "RELOCATE"})
	check(t, err)
	_, err = client.MailingGroups.GetMailingGroup(ctx, &pb.GetMailingGroupRequest{Code: "MOVE"})
	e = expect(t, err, codes.NotFound, pb.ErrorReason_ERROR_REASON_MAILING_GROUP_RENAMED)
	equal(t, "former", e.Metadata["former"], "MOVE")
	equal(t, "current", e.Metadata["current"], "RELOCATE")

	contact := person(1)
	contact.Name, contact.Email = "", "nobody"
	_, err = client.Contacts.CreateContact(ctx, &pb.CreateContactRequest{Contact: contact})
	e = expect(t, err, codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if len(e.FieldViolations) == 0 || e.FieldViolations[0].GetField() != "contact.name" {
		t.Fatalf("violations: %v", e.FieldViolations)
	}

	importPersons(t, client, 1)
	importAssignments(t, client, 1, "FULL")
	_, err = client.MailingGroups.DeleteMailingGroup(ctx, &pb.DeleteMailingGroupRequest{Code: "FULL"})
	e = expect(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_MAILING_GROUP_HAS_MEMBERS)
	equal(t, "count", e.Metadata["count"], "1")
	equal(t, "subject", e.PreconditionViolations[0].GetSubject(), "FULL")

	stale := &pb.MailingGroup{Code: "FULL", Description: "new", Etag: `W/"r1-1"`}
	_, err = client.MailingGroups.UpdateMailingGroup(ctx, &pb.UpdateMailingGroupRequest{MailingGroup: stale})
	expect(t, err, codes.Aborted, pb.ErrorReason_ERROR_REASON_ETAG_MISMATCH)

	// In a stream and an import, too.
	selection := &pb.StreamSegmentMembersRequest{Selection: mailinggroups.Expression("NONE")}
	for _, err := range client.Members(ctx, selection).All() {
		e = expect(t, err, codes.NotFound, pb.ErrorReason_ERROR_REASON_MAILING_GROUP_NOT_FOUND)
		if e.RequestID == "" {
			t.Error("no request id in a stream")
		}
	}
	options := mailinggroups.ContactImportOptions{UpdateMask: []string{"nonsense"}}
	_, err = client.ImportContacts(ctx, persons(1, 0), options)
	expect(t, err, codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
}

func expect(t *testing.T, err error, code codes.Code, reason pb.ErrorReason) *mailinggroups.Error {
	t.Helper()
	e, ok := errors.AsType[*mailinggroups.Error](err)
	if !ok || e.Code != code || e.Reason != reason {
		t.Fatalf("%v instead of %s, %s", err, code, reason)
	}
	equal(t, "code", status.Code(err), code)
	equal(t, "reason", mailinggroups.ReasonOf(err), reason)
	return e
}

func TestQuota(t *testing.T) {
	client := connect(t, shared.address)
	limits := &pb.TenantLimits{MaxMailingGroups: 1}
	_, err := client.Tenants.CreateTenant(t.Context(), &pb.CreateTenantRequest{
		Tenant: &pb.Tenant{Name: tenant(t), Limits: limits},
	})
	check(t, err)
	createGroups(t, client, "ONE")
	_, err = client.MailingGroups.CreateMailingGroup(t.Context(), &pb.CreateMailingGroupRequest{
		MailingGroup: &pb.MailingGroup{Code: "TWO"},
	})
	e := expect(t, err, codes.ResourceExhausted, pb.ErrorReason_ERROR_REASON_TENANT_LIMIT_REACHED)
	equal(t, "limit", e.Metadata["limit"], "max_mailing_groups")
	equal(t, "violations", len(e.QuotaViolations), 1)
}

func TestDeadline(t *testing.T) {
	client := connect(t, shared.address)
	ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
	defer cancel()
	_, err := countMembers(ctx, client, "kind = PERSON")
	equal(t, "code", status.Code(err), codes.DeadlineExceeded)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

// A tenant may have one stream at a time: a second one shows whether the first has ended.
func TestLeavingTheLoopCancels(t *testing.T) {
	client := connect(t, shared.address)
	_, err := client.Tenants.CreateTenant(t.Context(), &pb.CreateTenantRequest{
		Tenant: &pb.Tenant{Name: tenant(t), Limits: &pb.TenantLimits{MaxStreams: 1}},
	})
	check(t, err)
	for _, err := range client.Watch(t.Context(), mailinggroups.FromNow()) {
		check(t, err)
		expectRefusedWatch(t)
		break
	}
	// This waits until the server has seen that the first one ended.
	for _, err := range client.Watch(t.Context(), mailinggroups.FromNow()) {
		check(t, err)
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range client.Watch(ctx, mailinggroups.FromNow()) {
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	for _, err := range client.Watch(t.Context(), mailinggroups.FromNow()) {
		check(t, err)
		break
	}
}

// expectRefusedWatch opens watches until the server, which follows limits within seconds, refuses.
func expectRefusedWatch(t *testing.T) {
	t.Helper()
	client := connectAs(t, shared.address, mailinggroups.Config{Tenant: tenant(t), RetryFor: -1})
	for begun := time.Now(); time.Since(begun) < patience; {
		for _, err := range client.Watch(t.Context(), mailinggroups.FromNow()) {
			if err == nil {
				break
			}
			e := expect(t, err, codes.ResourceExhausted, pb.ErrorReason_ERROR_REASON_TENANT_LIMIT_REACHED)
			equal(t, "limit", e.Metadata["limit"], "max_streams")
			if e.RetryDelay == 0 {
				t.Fatal("no delay")
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the server grants a second stream")
}
