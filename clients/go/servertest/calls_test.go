package servertest

import (
	"testing"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// An answer is lost, and grpc-go calls again: the segment goes back by one action only.
func TestRepeatedCallHasOneEffect(t *testing.T) {
	direct := connect(t, shared.address)
	createGroups(t, direct, "MOVE")
	importPersons(t, direct, 3)
	segment := &pb.Segment{Id: "S"}
	_, err := direct.Segments.CreateSegment(t.Context(), &pb.CreateSegmentRequest{Segment: segment})
	check(t, err)
	for range 3 {
		request := &pb.AddContactsRequest{SegmentId: "S", Expression: "kind = PERSON"}
		_, err := direct.Segments.AddContacts(t.Context(), request)
		check(t, err)
	}
	lossy := newProxy(t, shared.address)
	client := connectAs(t, lossy.address, mailinggroups.Config{Tenant: tenant(t)})
	_, err = client.Segments.GetSegment(t.Context(), &pb.GetSegmentRequest{Id: "S"})
	check(t, err)
	lossy.losesAnswers.Store(true)
	_, err = client.Segments.GoBack(t.Context(), &pb.GoBackRequest{SegmentId: "S"})
	check(t, err)
	equal(t, "connections", lossy.connections.Load(), 2)
	got, err := direct.Segments.GetSegment(t.Context(), &pb.GetSegmentRequest{Id: "S"})
	check(t, err)
	equal(t, "actions", got.GetSegment().GetActionCount(), 2)
}
