// The tour: defines groups, creates and imports contacts, selects them, watches changes and reads
// an error. Run it against a service of your own:
//
//	go run ./examples/tour -address localhost:50051
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func main() {
	address := flag.String("address", "localhost:50051", "where the service listens")
	tenant := flag.String("tenant", "tour", "whose data; nothing of the tour may exist in it")
	ca := flag.String("ca", "", "PEM file of the authority; plaintext without it")
	flag.Parse()
	config := mailinggroups.Config{Tenant: *tenant, Token: os.Getenv("MAILING_GROUPS_TOKEN")}
	if *ca != "" {
		var err error
		if config.TLS, err = mailinggroups.LoadTLS(*ca, "", ""); err != nil {
			log.Fatal(err)
		}
	}
	client, err := mailinggroups.New(*address, config)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close() // The program ends.
	if err := tour(context.Background(), client); err != nil {
		log.Fatal(err)
	}
}

func tour(ctx context.Context, client *mailinggroups.Client) error {
	for _, step := range []func(context.Context, *mailinggroups.Client) error{
		define, create, count, importContacts, members, watch, readError,
	} {
		if err := step(ctx, client); err != nil {
			return err
		}
	}
	return nil
}

func define(ctx context.Context, client *mailinggroups.Client) error {
	for code, description := range map[string]string{"MOVE": "Office move", "GIFT": "Year-end gift"} {
		group := &pb.MailingGroup{Code: code, Description: description}
		_, err := client.MailingGroups.CreateMailingGroup(ctx, &pb.CreateMailingGroupRequest{MailingGroup: group})
		if err != nil {
			return err
		}
	}
	return nil
}

func create(ctx context.Context, client *mailinggroups.Client) error {
	for _, contact := range []*pb.Contact{
		{Id: "C100", Kind: pb.ContactKind_CONTACT_KIND_COMPANY, Name: "Lighthouse Paper Mill"},
		{Id: "P101", Kind: pb.ContactKind_CONTACT_KIND_PERSON, Name: "Ada Winterbourne", CompanyId: "C100"},
	} {
		if _, err := client.Contacts.CreateContact(ctx, &pb.CreateContactRequest{Contact: contact}); err != nil {
			return err
		}
		request := &pb.AssignMailingGroupRequest{ContactId: contact.GetId(), Code: "MOVE"}
		if _, err := client.MailingGroups.AssignMailingGroup(ctx, request); err != nil {
			return err
		}
	}
	return nil
}

func count(ctx context.Context, client *mailinggroups.Client) error {
	counts, err := client.MailingGroups.CountSegmentMembers(ctx, &pb.CountSegmentMembersRequest{
		Selection: mailinggroups.Expression("MOVE AND NOT GIFT"),
	})
	if err != nil {
		return err
	}
	fmt.Printf("count: %d members, %d of them persons\n", counts.GetMemberCount(), counts.GetPersonCount())
	return nil
}

func importContacts(ctx context.Context, client *mailinggroups.Client) error {
	contacts := func(yield func(*pb.Contact, error) bool) {
		for n := range 5_000 {
			contact := &pb.Contact{
				Id: fmt.Sprintf("I%d", n), Kind: pb.ContactKind_CONTACT_KIND_PERSON, Name: fmt.Sprintf("Person %d", n),
			}
			if n == 7 {
				contact.Email = "nobody"
			}
			if !yield(contact, nil) {
				return
			}
		}
	}
	imported, err := client.ImportContacts(ctx, contacts, mailinggroups.ContactImportOptions{})
	if err != nil {
		return fmt.Errorf("after %d contacts: %w", imported.Committed, err)
	}
	fmt.Printf("import: %d created, %d rejected\n", imported.Summary.GetCreatedCount(), imported.Summary.GetRejectedCount())
	for _, it := range imported.Rejections {
		fmt.Printf("rejected: %d %s: %s %s\n", it.GetIndex(), it.GetId(), it.GetField(), it.GetMessage())
	}
	assignments := []*pb.Assignment{{ContactId: "I0", Code: "GIFT"}, {ContactId: "P101", Code: "GIFT"}}
	assigned, err := client.ImportMemberships(ctx, mailinggroups.Items(slices.Values(assignments)),
		mailinggroups.MembershipImportOptions{})
	if err != nil {
		return err
	}
	fmt.Printf("import: %d assigned\n", assigned.Summary.GetChangedCount())
	return nil
}

func members(ctx context.Context, client *mailinggroups.Client) error {
	members := client.Members(ctx, &pb.StreamSegmentMembersRequest{
		Selection: mailinggroups.Expression("MOVE OR GIFT"),
		View:      pb.SegmentMemberView_SEGMENT_MEMBER_VIEW_FULL,
	})
	for member, err := range members.All() {
		if err != nil {
			return err
		}
		fmt.Printf("member: %s %s\n", member.GetContactId(), member.GetContact().GetName())
	}
	fmt.Printf("members: %d in all\n", members.Summary().GetMemberCount())
	return nil
}

// watch reads the change that it makes itself.
func watch(ctx context.Context, client *mailinggroups.Client) error {
	request := &pb.UnassignMailingGroupRequest{ContactId: "P101", Code: "GIFT"}
	made, err := client.MailingGroups.UnassignMailingGroup(ctx, request)
	if err != nil {
		return err
	}
	for event, err := range client.Watch(ctx, mailinggroups.FromRevision(made.GetRevision()-1)) {
		if err != nil {
			return err
		}
		for _, change := range event.Changes.GetChanges() {
			removed := change.GetMembersRemoved()
			fmt.Printf("watch: %s lost %v\n", removed.GetCode(), removed.GetContactIds())
		}
		// Leaving the loop cancels the watch. A service would keep event.ResumeToken and go on.
		break
	}
	return nil
}

func readError(ctx context.Context, client *mailinggroups.Client) error {
	rename := &pb.RenameMailingGroupRequest{Code: "MOVE", NewCode: "RELOCATE"}
	if _, err := client.MailingGroups.RenameMailingGroup(ctx, rename); err != nil {
		return err
	}
	_, err := client.MailingGroups.GetMailingGroup(ctx, &pb.GetMailingGroupRequest{Code: "MOVE"})
	if e, ok := errors.AsType[*mailinggroups.Error](err); ok {
		if e.Reason == pb.ErrorReason_ERROR_REASON_MAILING_GROUP_RENAMED {
			fmt.Printf("error: %s is %s now\n", e.Metadata["former"], e.Metadata["current"])
			return nil
		}
	}
	return fmt.Errorf("no error, or another one: %w", err)
}
