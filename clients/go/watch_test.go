package mailinggroups

import (
	"fmt"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func changed(revision int64, changes int, more bool) *pb.WatchChangesResponse {
	it := &pb.WatchChangesResponse_Changes{Revision: revision, More: more, Changes: make([]*pb.Change, changes)}
	for n := range it.Changes {
		it.Changes[n] = &pb.Change{}
	}
	if !more {
		it.ResumeToken = fmt.Sprint(revision)
	}
	return &pb.WatchChangesResponse{Message: &pb.WatchChangesResponse_Changes_{Changes: it}}
}

func snapshot(contacts int) *pb.WatchChangesResponse {
	it := &pb.WatchChangesResponse_Snapshot{Revision: 1, Contacts: make([]*pb.Contact, contacts)}
	for n := range it.Contacts {
		it.Contacts[n] = &pb.Contact{}
	}
	return &pb.WatchChangesResponse{Message: &pb.WatchChangesResponse_Snapshot_{Snapshot: it}}
}

// Streams break within a snapshot and within a revision.
func TestAWatchYieldsWholeRevisions(t *testing.T) {
	end := &pb.WatchChangesResponse{Message: &pb.WatchChangesResponse_SnapshotEnd_{
		SnapshotEnd: &pb.WatchChangesResponse_SnapshotEnd{Revision: 1, ResumeToken: "1"},
	}}
	parts := [][]*pb.WatchChangesResponse{
		{snapshot(2)},
		{},
		{snapshot(1), snapshot(1), end, changed(2, 1, false), changed(3, 5, true)},
		{changed(3, 5, true), changed(3, 2, true), changed(3, 1, false)},
	}
	starts := []string{"", "", "", "2", "3"}
	streams := 0
	server := &fake{watch: func(request *pb.WatchChangesRequest, stream grpc.ServerStreamingServer[pb.WatchChangesResponse]) error {
		if request.GetResumeToken() != starts[streams] {
			return fmt.Errorf("starts at %s", request.GetResumeToken())
		}
		for _, part := range parts[streams] {
			_ = stream.Send(part)
		}
		streams++
		return unavailable()
	}}
	var log string
	// grpc-go itself calls again if a stream breaks before its first message.
	for event, err := range server.serve(t, Config{}).Watch(t.Context(), FromBeginning()) {
		check(t, err)
		log += fmt.Sprintf("%d/%s:%v,%d,%d ", event.Revision, event.ResumeToken, event.SnapshotRestart,
			len(event.Snapshot.GetContacts()), len(event.Changes.GetChanges()))
		if event.Revision == 3 {
			break
		}
	}
	equal(t, "events", log, "1/:false,2,0 1/:true,1,0 1/:false,1,0 1/1:false,0,0 2/2:false,0,1 3/3:false,0,8 ")
}
