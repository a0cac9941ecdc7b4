// Calls the service at an address with the code that protoc generates for Go, and prints how long
// an import of many small messages took.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"reflect"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/mailing-groups/mailing-groups/gen/go/mailinggroups/v1"
)

const imported = 20_000

type client struct {
	groups   pb.MailingGroupsClient
	contacts pb.ContactsClient
}

func main() {
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-tenant", "go")
	c := client{pb.NewMailingGroupsClient(conn), pb.NewContactsClient(conn)}
	c.create(ctx)
	c.selectMembers(ctx)
	c.readError(ctx)
	took := c.importWatched(ctx)
	fmt.Printf("go: %d messages of one contact in %.1f s\n", imported, took.Seconds())
}

func (c client) create(ctx context.Context) {
	for _, code := range []string{"NEWS", "GIFT"} {
		group := &pb.MailingGroup{Code: code, Description: "A group"}
		_, err := c.groups.CreateMailingGroup(ctx, &pb.CreateMailingGroupRequest{MailingGroup: group})
		check(err)
	}
	for _, contact := range []*pb.Contact{
		{Id: "C", Kind: pb.ContactKind_CONTACT_KIND_COMPANY, Name: "Company"},
		{Id: "P", Kind: pb.ContactKind_CONTACT_KIND_PERSON, Name: "Person", CompanyId: "C"},
	} {
		_, err := c.contacts.CreateContact(ctx, &pb.CreateContactRequest{Contact: contact})
		check(err)
	}
	for _, pair := range [][2]string{{"C", "NEWS"}, {"P", "NEWS"}, {"C", "GIFT"}} {
		request := &pb.AssignMailingGroupRequest{ContactId: pair[0], Code: pair[1]}
		_, err := c.groups.AssignMailingGroup(ctx, request)
		check(err)
	}
}

func (c client) selectMembers(ctx context.Context) {
	count, err := c.groups.CountSegmentMembers(ctx, &pb.CountSegmentMembersRequest{
		Selection: selection("NEWS AND NOT GIFT"),
	})
	check(err)
	equal(count.GetMemberCount(), int64(1))
	stream, err := c.groups.StreamSegmentMembers(ctx, &pb.StreamSegmentMembersRequest{
		Selection: selection("NEWS"),
	})
	check(err)
	var ids []string
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		check(err)
		for _, member := range message.GetPage().GetMembers() {
			ids = append(ids, member.GetContactId())
		}
	}
	equal(ids, []string{"C", "P"})
}

func selection(expression string) *pb.Selection {
	return &pb.Selection{
		Source:  &pb.Selection_Expression{Expression: expression},
		Options: &pb.SelectionOptions{IncludeExcluded: true},
	}
}

func (c client) readError(ctx context.Context) {
	_, err := c.groups.GetMailingGroup(ctx, &pb.GetMailingGroupRequest{Code: "NONE"})
	equal(status.Code(err), codes.NotFound)
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			reason := pb.ErrorReason_value["ERROR_REASON_"+info.GetReason()]
			equal(pb.ErrorReason(reason), pb.ErrorReason_ERROR_REASON_MAILING_GROUP_NOT_FOUND)
			return
		}
	}
	log.Fatalf("no ErrorInfo in %v", err)
}

// importWatched imports contacts, a message for each, while a watch on the same connection sees
// them. It returns how long the import took.
func (c client) importWatched(ctx context.Context) time.Duration {
	watch, err := c.groups.WatchChanges(ctx, &pb.WatchChangesRequest{
		Start: &pb.WatchChangesRequest_Now_{Now: &pb.WatchChangesRequest_Now{}},
	})
	check(err)
	// The watch is open once it has sent its position.
	_, err = watch.Recv()
	check(err)
	begun := time.Now()
	stream, err := c.contacts.ImportContacts(ctx)
	check(err)
	go upload(stream)
	var created int64
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		check(err)
		if summary := message.GetSummary(); summary != nil {
			created = summary.GetCreatedCount()
		}
	}
	took := time.Since(begun)
	equal(created, int64(imported))
	for seen := 0; seen < imported; {
		message, err := watch.Recv()
		check(err)
		for _, change := range message.GetChanges().GetChanges() {
			seen += len(change.GetContactsCreated().GetContacts())
		}
	}
	return took
}

func upload(stream pb.Contacts_ImportContactsClient) {
	send := func(request *pb.ImportContactsRequest) { check(stream.Send(request)) }
	send(&pb.ImportContactsRequest{
		Message: &pb.ImportContactsRequest_Start_{Start: &pb.ImportContactsRequest_Start{}},
	})
	for n := 0; n < imported; n++ {
		contact := &pb.Contact{
			Id:   fmt.Sprintf("I%d", n),
			Kind: pb.ContactKind_CONTACT_KIND_PERSON,
			Name: fmt.Sprintf("Person %d", n),
		}
		chunk := &pb.ImportContactsRequest_Chunk{Contacts: []*pb.Contact{contact}}
		send(&pb.ImportContactsRequest{Message: &pb.ImportContactsRequest_Chunk_{Chunk: chunk}})
	}
	send(&pb.ImportContactsRequest{
		Message: &pb.ImportContactsRequest_Finish_{Finish: &pb.ImportContactsRequest_Finish{}},
	})
	check(stream.CloseSend())
}

func equal(actual, expected any) {
	if !reflect.DeepEqual(actual, expected) {
		log.Fatalf("%v instead of %v", actual, expected)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
