package mailinggroups

import (
	"context"
	"iter"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// ContactImportOptions are the options of [Client.ImportContacts]. The zero value imports all
// fields, under a random id.
type ContactImportOptions struct {
	// ImportID names the import: 1 to 64 of A-Z a-z 0-9 . _ : -. With that of an import that ended
	// early, within 7 days, the items that it committed are read and not sent.
	ImportID string
	// KnownCount is the number of items whose rejections an earlier run delivered: only later ones
	// are delivered again.
	KnownCount int64
	// Fingerprint identifies the content, such as a digest of a file: at most 128 bytes. An import
	// is not continued with another one.
	Fingerprint string
	// ValidateOnly changes nothing: each item gets the outcome that it would have. It cannot be
	// continued if the connection breaks.
	ValidateOnly bool
	// UpdateMask has the fields that the items carry besides id: other fields of contacts that
	// exist stay as they are. Empty means all fields.
	UpdateMask []string
	// ReuseFormer lets new contacts take ids of merged ones.
	ReuseFormer bool
	// OnRejection is called for each item that is rejected, in order and once, instead of
	// collecting the first 10,000. An error ends the import, and is returned as it is.
	OnRejection func(*pb.ImportContactsResponse_Rejection) error
}

// ContactImport is the result of [Client.ImportContacts].
type ContactImport = ImportResult[pb.ImportContactsResponse_Rejection, pb.ImportContactsResponse_Summary]

// ImportContacts creates or changes any number of contacts, over as many connections as it takes.
// Items are read as they are sent; at most 8,001 are held. They must not be changed after they
// were yielded. An error of the source ends the import, and is returned as it is. The result is
// never nil: with an error, it says how far the import came.
func (c *Client) ImportContacts(ctx context.Context, contacts iter.Seq2[*pb.Contact, error],
	options ContactImportOptions,
) (*ContactImport, error) {
	var mask *fieldmaskpb.FieldMask
	if len(options.UpdateMask) > 0 {
		mask = &fieldmaskpb.FieldMask{Paths: options.UpdateMask}
	}
	kind := kind[*pb.Contact, pb.ImportContactsRequest, pb.ImportContactsResponse,
		pb.ImportContactsResponse_Rejection, pb.ImportContactsResponse_Summary]{
		open: c.Contacts.ImportContacts,
		start: func(importID string, known int64) *pb.ImportContactsRequest {
			start := &pb.ImportContactsRequest_Start{
				ImportId: importID, KnownCount: known, Fingerprint: options.Fingerprint,
				ValidateOnly: options.ValidateOnly, UpdateMask: mask, ReuseFormer: options.ReuseFormer,
			}
			return &pb.ImportContactsRequest{Message: &pb.ImportContactsRequest_Start_{Start: start}}
		},
		chunk: func(items []*pb.Contact) *pb.ImportContactsRequest {
			chunk := &pb.ImportContactsRequest_Chunk{Contacts: items}
			return &pb.ImportContactsRequest{Message: &pb.ImportContactsRequest_Chunk_{Chunk: chunk}}
		},
		finish: func() *pb.ImportContactsRequest {
			finish := &pb.ImportContactsRequest_Finish{}
			return &pb.ImportContactsRequest{Message: &pb.ImportContactsRequest_Finish_{Finish: finish}}
		},
		answer: contactAnswer,
		name: func(rejection *pb.ImportContactsResponse_Rejection, contact *pb.Contact) {
			rejection.Id = contact.GetId()
		},
		onRejection: options.OnRejection,
	}
	return newImport(c, kind, options.ImportID, options.KnownCount, options.ValidateOnly).run(ctx, contacts)
}

func contactAnswer(response *pb.ImportContactsResponse) (
	answer answer[pb.ImportContactsResponse_Rejection, pb.ImportContactsResponse_Summary],
) {
	switch message := response.GetMessage().(type) {
	case *pb.ImportContactsResponse_Rejection_:
		answer.rejection, answer.index = message.Rejection, message.Rejection.GetIndex()
	case *pb.ImportContactsResponse_Progress_:
		answer.processed, answer.finished = message.Progress.GetProcessedCount(), message.Progress.GetFinished()
	case *pb.ImportContactsResponse_Summary_:
		answer.processed, answer.summary = message.Summary.GetProcessedCount(), message.Summary
	default:
		answer.processed = -1
	}
	return answer
}

// MembershipImportOptions are the options of [Client.ImportMemberships]; see [ContactImportOptions].
type MembershipImportOptions struct {
	ImportID     string
	KnownCount   int64
	Fingerprint  string
	ValidateOnly bool
	OnRejection  func(*pb.ImportMembershipsResponse_Rejection) error
}

// MembershipImport is the result of [Client.ImportMemberships].
type MembershipImport = ImportResult[pb.ImportMembershipsResponse_Rejection, pb.ImportMembershipsResponse_Summary]

// ImportMemberships assigns any number of groups to contacts, as [Client.ImportContacts] imports
// contacts.
func (c *Client) ImportMemberships(ctx context.Context, assignments iter.Seq2[*pb.Assignment, error],
	options MembershipImportOptions,
) (*MembershipImport, error) {
	kind := kind[*pb.Assignment, pb.ImportMembershipsRequest, pb.ImportMembershipsResponse,
		pb.ImportMembershipsResponse_Rejection, pb.ImportMembershipsResponse_Summary]{
		open: c.MailingGroups.ImportMemberships,
		start: func(importID string, known int64) *pb.ImportMembershipsRequest {
			start := &pb.ImportMembershipsRequest_Start{
				ImportId: importID, KnownCount: known, Fingerprint: options.Fingerprint,
				ValidateOnly: options.ValidateOnly,
			}
			return &pb.ImportMembershipsRequest{Message: &pb.ImportMembershipsRequest_Start_{Start: start}}
		},
		chunk: func(items []*pb.Assignment) *pb.ImportMembershipsRequest {
			chunk := &pb.ImportMembershipsRequest_Chunk{Assignments: items}
			return &pb.ImportMembershipsRequest{Message: &pb.ImportMembershipsRequest_Chunk_{Chunk: chunk}}
		},
		finish: func() *pb.ImportMembershipsRequest {
			finish := &pb.ImportMembershipsRequest_Finish{}
			return &pb.ImportMembershipsRequest{Message: &pb.ImportMembershipsRequest_Finish_{Finish: finish}}
		},
		answer: membershipAnswer,
		name: func(rejection *pb.ImportMembershipsResponse_Rejection, assignment *pb.Assignment) {
			rejection.Assignment = assignment
		},
		onRejection: options.OnRejection,
	}
	return newImport(c, kind, options.ImportID, options.KnownCount, options.ValidateOnly).run(ctx, assignments)
}

func membershipAnswer(response *pb.ImportMembershipsResponse) (
	answer answer[pb.ImportMembershipsResponse_Rejection, pb.ImportMembershipsResponse_Summary],
) {
	switch message := response.GetMessage().(type) {
	case *pb.ImportMembershipsResponse_Rejection_:
		answer.rejection, answer.index = message.Rejection, message.Rejection.GetIndex()
	case *pb.ImportMembershipsResponse_Progress_:
		answer.processed, answer.finished = message.Progress.GetProcessedCount(), message.Progress.GetFinished()
	case *pb.ImportMembershipsResponse_Summary_:
		answer.processed, answer.summary = message.Summary.GetProcessedCount(), message.Summary
	default:
		answer.processed = -1
	}
	return answer
}
