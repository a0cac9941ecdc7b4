package mailinggroups

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// FromNow watches changes that are made after the call.
func FromNow() *pb.WatchChangesRequest {
	return &pb.WatchChangesRequest{Start: &pb.WatchChangesRequest_Now_{Now: &pb.WatchChangesRequest_Now{}}}
}

// FromBeginning watches a snapshot of everything, and then the changes after it.
func FromBeginning() *pb.WatchChangesRequest {
	beginning := &pb.WatchChangesRequest_Beginning{}
	return &pb.WatchChangesRequest{Start: &pb.WatchChangesRequest_Beginning_{Beginning: beginning}}
}

// FromRevision watches the changes after a revision, such as that of a response to a write.
func FromRevision(revision int64) *pb.WatchChangesRequest {
	return &pb.WatchChangesRequest{Start: &pb.WatchChangesRequest_Revision{Revision: revision}}
}

// FromToken watches the changes after the event that had the token. Kinds and codes must be those
// of the watch that it comes from.
func FromToken(token string) *pb.WatchChangesRequest {
	return &pb.WatchChangesRequest{Start: &pb.WatchChangesRequest_ResumeToken{ResumeToken: token}}
}

// WatchEvent has one of Snapshot, SnapshotEnd, Changes and Progress.
type WatchEvent struct {
	// Snapshot is a part of the snapshot.
	Snapshot *pb.WatchChangesResponse_Snapshot
	// SnapshotRestart is true with the first event of a snapshot that is sent again because its
	// connection broke: discard the parts before.
	SnapshotRestart bool
	// SnapshotEnd completes the snapshot.
	SnapshotEnd *pb.WatchChangesResponse_SnapshotEnd
	// Changes are all changes of one revision, in the order in which they must be applied.
	Changes *pb.WatchChangesResponse_Changes
	// Progress says that everything up to its revision was sent or filtered out.
	Progress *pb.WatchChangesResponse_Progress
	// Revision is that of whichever is set.
	Revision int64
	// ResumeToken is where another watch goes on; empty in parts of a snapshot.
	ResumeToken string
}

// Watch reads changes from the start of the request, which the From functions make, each revision
// once and in order. It ends with an error only, or when the caller leaves the loop, which cancels
// the call. After reasons HISTORY_PRUNED and HISTORY_REPLACED, start at the beginning.
func (c *Client) Watch(ctx context.Context, request *pb.WatchChangesRequest) iter.Seq2[*WatchEvent, error] {
	return func(yield func(*WatchEvent, error) bool) {
		watch := watching{request: proto.CloneOf(request), yield: yield}
		err := read(ctx, c, resumable[pb.WatchChangesResponse]{
			open: func(ctx context.Context) (grpc.ServerStreamingClient[pb.WatchChangesResponse], error) {
				return c.MailingGroups.WatchChanges(ctx, watch.request)
			},
			handle:    watch.handle,
			reopening: watch.reopening,
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

type watching struct {
	// Always asks for what has not been delivered yet.
	request *pb.WatchChangesRequest
	yield   func(*WatchEvent, error) bool
	// The parts of a revision that is not complete.
	changes *pb.WatchChangesResponse_Changes
	// Whether a snapshot has started and is not complete, and whether it has to start again.
	inSnapshot, restart bool
}

func (w *watching) handle(response *pb.WatchChangesResponse) step {
	event := &WatchEvent{}
	switch message := response.GetMessage().(type) {
	case *pb.WatchChangesResponse_Snapshot_:
		event.Snapshot, event.Revision = message.Snapshot, message.Snapshot.GetRevision()
		event.SnapshotRestart = w.restart
		w.inSnapshot, w.restart = true, false
	case *pb.WatchChangesResponse_SnapshotEnd_:
		event.SnapshotEnd = message.SnapshotEnd
		event.Revision, event.ResumeToken = message.SnapshotEnd.GetRevision(), message.SnapshotEnd.GetResumeToken()
		event.SnapshotRestart = w.restart
		w.inSnapshot, w.restart = false, false
	case *pb.WatchChangesResponse_Changes_:
		if event.Changes = w.merge(message.Changes); event.Changes == nil {
			return progress
		}
		event.Revision, event.ResumeToken = event.Changes.GetRevision(), event.Changes.GetResumeToken()
	case *pb.WatchChangesResponse_Progress_:
		event.Progress = message.Progress
		event.Revision, event.ResumeToken = message.Progress.GetRevision(), message.Progress.GetResumeToken()
	default:
		// Of a later version.
		return alive
	}
	if event.ResumeToken != "" {
		w.request.Start = FromToken(event.ResumeToken).GetStart()
	}
	if !w.yield(event, nil) {
		return stopped
	}
	// Parts count too: a long snapshot may break more than once.
	return progress
}

// merge adds the parts of a revision; nil if more follow.
func (w *watching) merge(part *pb.WatchChangesResponse_Changes) *pb.WatchChangesResponse_Changes {
	if w.changes != nil {
		part.Changes = append(w.changes.GetChanges(), part.GetChanges()...)
	}
	w.changes = part
	if part.GetMore() {
		return nil
	}
	w.changes = nil
	return part
}

func (w *watching) reopening() {
	w.changes = nil
	w.restart = w.restart || w.inSnapshot
	w.inSnapshot = false
}
