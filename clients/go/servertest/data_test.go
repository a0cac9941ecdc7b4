package servertest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// person is a contact with the id `P000042` of a number.
func person(number int) *pb.Contact {
	return &pb.Contact{
		Id:   fmt.Sprintf("P%06d", number),
		Kind: pb.ContactKind_CONTACT_KIND_PERSON,
		Name: fmt.Sprintf("Person %d", number),
	}
}

// persons are so many contacts, of which one in `invalid` has no valid address; 0 for none.
func persons(count, invalid int) iter.Seq2[*pb.Contact, error] {
	return func(yield func(*pb.Contact, error) bool) {
		for number := range count {
			contact := person(number)
			if invalid > 0 && number%invalid == 0 {
				contact.Email = "nobody"
			}
			if !yield(contact, nil) {
				return
			}
		}
	}
}

// assignments give the group to so many persons.
func assignments(count int, code string) iter.Seq2[*pb.Assignment, error] {
	return func(yield func(*pb.Assignment, error) bool) {
		for number := range count {
			if !yield(&pb.Assignment{ContactId: person(number).GetId(), Code: code}, nil) {
				return
			}
		}
	}
}

func createGroups(t *testing.T, client *mailinggroups.Client, codes ...string) {
	t.Helper()
	for _, code := range codes {
		group := &pb.MailingGroup{Code: code}
		_, err := client.MailingGroups.CreateMailingGroup(t.Context(), &pb.CreateMailingGroupRequest{MailingGroup: group})
		check(t, err)
	}
}

func importPersons(t *testing.T, client *mailinggroups.Client, count int) {
	t.Helper()
	imported, err := client.ImportContacts(t.Context(), persons(count, 0), mailinggroups.ContactImportOptions{})
	check(t, err)
	equal(t, "created", imported.Summary.GetCreatedCount(), int64(count))
}

func importAssignments(t *testing.T, client *mailinggroups.Client, count int, code string) {
	t.Helper()
	imported, err := client.ImportMemberships(t.Context(), assignments(count, code), mailinggroups.MembershipImportOptions{})
	check(t, err)
	equal(t, "assigned", imported.Summary.GetChangedCount(), int64(count))
}

func countMembers(ctx context.Context, client *mailinggroups.Client, expression string) (int64, error) {
	counts, err := client.MailingGroups.CountSegmentMembers(ctx, &pb.CountSegmentMembersRequest{
		Selection: mailinggroups.Expression(expression),
	})
	return counts.GetMemberCount(), err
}

// readMembers reads the ids of a selection, and checks that the summary counts them.
func readMembers(t *testing.T, client *mailinggroups.Client, request *pb.StreamSegmentMembersRequest) []string {
	t.Helper()
	var ids []string
	members := client.Members(t.Context(), request)
	for member, err := range members.All() {
		check(t, err)
		ids = append(ids, member.GetContactId())
	}
	equal(t, "summary", members.Summary().GetMemberCount(), int64(len(ids)))
	return ids
}

// expectPersons checks that each person came once, in order.
func expectPersons(t *testing.T, ids []string, first, count int) {
	t.Helper()
	equal(t, "count", len(ids), count)
	if !slices.IsSorted(ids) {
		t.Fatal("not in the order in which they were created")
	}
	for number := range count {
		equal(t, "id", ids[number], person(first+number).GetId())
	}
}
