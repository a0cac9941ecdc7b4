package servertest

import (
	"fmt"
	"testing"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func TestMembersOverBrokenConnections(t *testing.T) {
	direct := connect(t, shared.address)
	createGroups(t, direct, "NEWS")
	importPersons(t, direct, many)
	importAssignments(t, direct, many, "NEWS")
	request := &pb.StreamSegmentMembersRequest{Selection: mailinggroups.Expression("NEWS")}
	expectPersons(t, readMembers(t, direct, request), 0, many)

	cutting := newProxy(t, shared.address)
	cutting.cutAfterAnswered.Store(200 << 10)
	client := connectAs(t, cutting.address, mailinggroups.Config{Tenant: tenant(t)})
	expectPersons(t, readMembers(t, client, request), 0, many)
	expectCuts(t, cutting)

	// A segment keeps its members.
	check(t, createSegment(t, direct, "S", "NEWS"))
	request = &pb.StreamSegmentMembersRequest{Selection: mailinggroups.SegmentMembers("S"), PageSize: 10_000}
	expectPersons(t, readMembers(t, direct, request), 0, many)
}

func createSegment(t *testing.T, client *mailinggroups.Client, id, expression string) error {
	request := &pb.CreateSegmentRequest{Segment: &pb.Segment{Id: id}}
	if _, err := client.Segments.CreateSegment(t.Context(), request); err != nil {
		return err
	}
	_, err := client.Segments.AddContacts(t.Context(), &pb.AddContactsRequest{SegmentId: id, Expression: expression})
	return err
}

// A page of 1,000 contacts has more assignments than a message holds.
func TestExportOverBrokenConnections(t *testing.T) {
	const count, groups = 5_000, 12
	direct := connect(t, shared.address)
	importPersons(t, direct, count)
	for group := range groups {
		code := fmt.Sprintf("G%d", group)
		createGroups(t, direct, code)
		importAssignments(t, direct, count, code)
	}
	cutting := newProxy(t, shared.address)
	cutting.cutAfterAnswered.Store(450 << 10)
	client := connectAs(t, cutting.address, mailinggroups.Config{Tenant: tenant(t)})
	var ids, codes []string
	assigned := map[string]int{}
	export := client.ExportContacts(t.Context(), nil)
	for page, err := range export.All() {
		check(t, err)
		for _, group := range page.MailingGroups {
			codes = append(codes, group.GetCode())
		}
		for _, contact := range page.Contacts {
			ids = append(ids, contact.GetId())
			assigned[contact.GetId()] = 0
		}
		for _, it := range page.Assignments {
			assigned[it.GetContactId()]++
		}
		for _, contact := range page.Contacts {
			equal(t, "groups of "+contact.GetId(), assigned[contact.GetId()], groups)
		}
	}
	equal(t, "groups", len(codes), groups)
	expectPersons(t, ids, 0, count)
	equal(t, "moved", export.Summary().GetRevisionMoved(), false)
	expectCuts(t, cutting)
}

func TestExportOfGroupsOnly(t *testing.T) {
	client := connect(t, shared.address)
	createGroups(t, client, "ONE", "TWO")
	export := client.ExportContacts(t.Context(), &pb.ExportContactsRequest{PageSize: 10})
	for page, err := range export.All() {
		check(t, err)
		equal(t, "groups", len(page.MailingGroups), 2)
	}
	equal(t, "groups", export.Summary().GetMailingGroupCount(), 2)
}
