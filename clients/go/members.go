package mailinggroups

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// Expression selects the contacts that match an expression such as `(MOVE OR GIFT) AND NOT OPTOUT`.
func Expression(expression string) *pb.Selection {
	return &pb.Selection{Source: &pb.Selection_Expression{Expression: expression}}
}

// SegmentMembers selects the members of a segment.
func SegmentMembers(segmentID string) *pb.Selection {
	return &pb.Selection{Source: &pb.Selection_SegmentId{SegmentId: segmentID}}
}

// Members are the contacts of a selection, in the order in which they were created. The summary
// has their number at one revision.
type Members = Stream[pb.SegmentMember, pb.StreamSegmentMembersResponse_Summary]

// Members selects contacts. Only the selection of the request is required. A resume token in it
// starts after that token's page.
func (c *Client) Members(ctx context.Context, request *pb.StreamSegmentMembersRequest) *Members {
	return &Members{read: func(yield func(*pb.SegmentMember) bool) (*pb.StreamSegmentMembersResponse_Summary, error) {
		// Always asks for what has not been read yet.
		request := proto.CloneOf(request)
		var summary *pb.StreamSegmentMembersResponse_Summary
		err := read(ctx, c, resumable[pb.StreamSegmentMembersResponse]{
			open: func(ctx context.Context) (grpc.ServerStreamingClient[pb.StreamSegmentMembersResponse], error) {
				return c.MailingGroups.StreamSegmentMembers(ctx, request)
			},
			handle: func(response *pb.StreamSegmentMembersResponse) step {
				if summary = response.GetSummary(); summary != nil {
					return done
				}
				page := response.GetPage()
				if page == nil {
					return alive
				}
				request.ResumeToken = page.GetResumeToken()
				for _, member := range page.GetMembers() {
					if !yield(member) {
						return stopped
					}
				}
				return progress
			},
			reopening: func() {},
		})
		return summary, err
	}}
}
