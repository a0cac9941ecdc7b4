package mailinggroups

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// ExportPart is a part of an export. To import it, send the groups, then the contacts, then the
// assignments, which belong to contacts of this page only.
type ExportPart struct {
	// MailingGroups are with the first page, and with the first one after a broken connection
	// those that changed since.
	MailingGroups []*pb.MailingGroup
	Contacts      []*pb.Contact
	Assignments   []*pb.Assignment
	// ResumeToken continues the export after this page; empty if no contact has come yet.
	ResumeToken string
}

// Export is all data of a tenant. The summary counts what the last connection sent.
type Export = Stream[ExportPart, pb.ExportContactsResponse_Summary]

// ExportContacts reads all groups, contacts and memberships. The request may be nil. Memberships are those of one revision; if a
// connection broke, what changed meanwhile comes again, and the summary says so.
func (c *Client) ExportContacts(ctx context.Context, request *pb.ExportContactsRequest) *Export {
	return &Export{read: func(yield func(*ExportPart) bool) (*pb.ExportContactsResponse_Summary, error) {
		export := exporting{request: &pb.ExportContactsRequest{}, yield: yield, page: &ExportPart{}}
		if request != nil {
			export.request = proto.CloneOf(request)
		}
		err := read(ctx, c, resumable[pb.ExportContactsResponse]{
			open: func(ctx context.Context) (grpc.ServerStreamingClient[pb.ExportContactsResponse], error) {
				return c.Contacts.ExportContacts(ctx, export.request)
			},
			handle:    export.handle,
			reopening: func() { export.page = &ExportPart{} },
		})
		return export.summary, err
	}}
}

type exporting struct {
	request *pb.ExportContactsRequest
	yield   func(*ExportPart) bool
	// What has come since the last position at which a stream can be continued.
	page    *ExportPart
	summary *pb.ExportContactsResponse_Summary
}

func (e *exporting) handle(response *pb.ExportContactsResponse) step {
	switch message := response.GetMessage().(type) {
	case *pb.ExportContactsResponse_MailingGroups_:
		e.page.MailingGroups = append(e.page.MailingGroups, message.MailingGroups.GetMailingGroups()...)
	case *pb.ExportContactsResponse_Page_:
		return e.add(message.Page)
	case *pb.ExportContactsResponse_Summary_:
		// Groups without contacts are still to be delivered.
		e.page.ResumeToken = e.request.GetResumeToken()
		if len(e.page.MailingGroups)+len(e.page.Contacts)+len(e.page.Assignments) > 0 && !e.yield(e.page) {
			return stopped
		}
		e.summary = message.Summary
		return done
	}
	return alive
}

// add takes a page. Its token changes with the last page of the same contacts: until then the
// stream would be continued before them.
func (e *exporting) add(page *pb.ExportContactsResponse_Page) step {
	e.page.Contacts = append(e.page.Contacts, page.GetContacts()...)
	e.page.Assignments = append(e.page.Assignments, page.GetAssignments()...)
	if page.GetResumeToken() == e.request.GetResumeToken() {
		return alive
	}
	e.request.ResumeToken = page.GetResumeToken()
	complete := e.page
	complete.ResumeToken = page.GetResumeToken()
	e.page = &ExportPart{}
	if !e.yield(complete) {
		return stopped
	}
	return progress
}
