package servertest

import (
	"errors"
	"iter"
	"testing"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

const many = 100_000

func TestImportsOverBrokenConnections(t *testing.T) {
	direct := connect(t, shared.address)
	createGroups(t, direct, "NEWS")
	cutting := newProxy(t, shared.address)
	cutting.cutAfterSent.Store(700 << 10)
	client := connectAs(t, cutting.address, mailinggroups.Config{Tenant: tenant(t)})

	var rejected []int64
	imported, err := client.ImportContacts(t.Context(), persons(many, 100), mailinggroups.ContactImportOptions{
		OnRejection: func(rejection *pb.ImportContactsResponse_Rejection) error {
			equal(t, "id", rejection.GetId(), person(int(rejection.GetIndex())).GetId())
			equal(t, "field", rejection.GetField(), "email")
			rejected = append(rejected, rejection.GetIndex())
			return nil
		},
	})
	check(t, err)
	equal(t, "created", imported.Summary.GetCreatedCount(), many-many/100)
	equal(t, "rejected", imported.Summary.GetRejectedCount(), many/100)
	equal(t, "committed", imported.Committed, many)
	expectEvery100th(t, rejected)
	expectCuts(t, cutting)

	cutting.cutAfterSent.Store(400 << 10)
	cutting.connections.Store(0)
	rejected = nil
	assigned, err := client.ImportMemberships(t.Context(), assignments(many, "NEWS"), mailinggroups.MembershipImportOptions{
		OnRejection: func(rejection *pb.ImportMembershipsResponse_Rejection) error {
			equal(t, "id", rejection.GetAssignment().GetContactId(), person(int(rejection.GetIndex())).GetId())
			equal(t, "outcome", rejection.GetOutcome(), pb.AssignmentOutcome_ASSIGNMENT_OUTCOME_UNKNOWN_CONTACT)
			rejected = append(rejected, rejection.GetIndex())
			return nil
		},
	})
	check(t, err)
	equal(t, "assigned", assigned.Summary.GetChangedCount(), many-many/100)
	expectEvery100th(t, rejected)
	expectCuts(t, cutting)
	members, err := countMembers(t.Context(), direct, "NEWS")
	check(t, err)
	equal(t, "members", members, many-many/100)
}

func expectEvery100th(t *testing.T, indexes []int64) {
	t.Helper()
	equal(t, "rejections", len(indexes), many/100)
	for n, index := range indexes {
		equal(t, "index", index, int64(n*100))
	}
}

func expectCuts(t *testing.T, proxy *proxy) {
	t.Helper()
	if proxy.connections.Load() < 4 {
		t.Fatalf("only %d connections", proxy.connections.Load())
	}
}

func TestImportGoesOnInAnotherRun(t *testing.T) {
	client := connect(t, shared.address)
	broken := errors.New("disk on fire")
	options := mailinggroups.ContactImportOptions{ImportID: "nightly", Fingerprint: "v1"}
	failing := func(yield func(*pb.Contact, error) bool) {
		count := 0
		for contact, err := range persons(20_000, 1_000) {
			if count++; count == 15_000 {
				yield(nil, broken)
				return
			}
			if !yield(contact, err) {
				return
			}
		}
	}
	imported, err := client.ImportContacts(t.Context(), failing, options)
	if err != broken { // It comes out unchanged.
		t.Fatal(err)
	}
	if imported.Committed == 0 || imported.Summary != nil {
		t.Fatalf("%d committed", imported.Committed)
	}
	// The second run delivers all rejections, those of the first one with their ids.
	imported, err = client.ImportContacts(t.Context(), persons(20_000, 1_000), options)
	check(t, err)
	equal(t, "created", imported.Summary.GetCreatedCount(), 19_980)
	equal(t, "rejections", len(imported.Rejections), 20)
	for n, rejection := range imported.Rejections {
		equal(t, "id", rejection.GetId(), person(n*1_000).GetId())
	}
	// A third one repeats the totals, and delivers what it does not know yet.
	options.KnownCount = 10_000
	imported, err = client.ImportContacts(t.Context(), persons(20_000, 1_000), options)
	check(t, err)
	equal(t, "created", imported.Summary.GetCreatedCount(), 19_980)
	equal(t, "rejections", len(imported.Rejections), 10)
	// Other items are noticed.
	for _, items := range []iter.Seq2[*pb.Contact, error]{persons(20_001, 0), persons(19_999, 0)} {
		if _, err := client.ImportContacts(t.Context(), items, options); !errors.Is(err, mailinggroups.ErrSourceChanged) {
			t.Fatal(err)
		}
	}
	options.Fingerprint = "v2"
	_, err = client.ImportContacts(t.Context(), persons(20_000, 0), options)
	equal(t, "reason", mailinggroups.ReasonOf(err), pb.ErrorReason_ERROR_REASON_IMPORT_ID_REUSED)
}

func TestImportOptions(t *testing.T) {
	client := connect(t, shared.address)
	dry, err := client.ImportContacts(t.Context(), persons(10, 0), mailinggroups.ContactImportOptions{ValidateOnly: true})
	check(t, err)
	equal(t, "created", dry.Summary.GetCreatedCount(), 10)
	importPersons(t, client, 10)
	renamed := func(yield func(*pb.Contact, error) bool) {
		yield(&pb.Contact{Id: person(3).GetId(), Email: "three@example.com"}, nil)
	}
	options := mailinggroups.ContactImportOptions{UpdateMask: []string{"email"}}
	updated, err := client.ImportContacts(t.Context(), renamed, options)
	check(t, err)
	equal(t, "updated", updated.Summary.GetUpdatedCount(), 1)
	got, err := client.Contacts.GetContact(t.Context(), &pb.GetContactRequest{Id: person(3).GetId()})
	check(t, err)
	equal(t, "name", got.GetContact().GetName(), person(3).GetName())
	empty, err := client.ImportContacts(t.Context(), persons(0, 0), mailinggroups.ContactImportOptions{})
	check(t, err)
	equal(t, "processed", empty.Summary.GetProcessedCount(), 0)
}
