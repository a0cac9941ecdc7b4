package servertest

import (
	"context"
	"strings"
	"syscall"
	"testing"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// The server is stopped and killed while changes are made and watched.
func TestWatchOverRestarts(t *testing.T) {
	own, err := start(t.TempDir(), freeAddress())
	check(t, err)
	defer func() { own.stop(syscall.SIGTERM) }()
	client := connect(t, own.address)
	made := make(chan int64, 1000)
	seen := make(chan *mailinggroups.WatchEvent, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := make(chan struct{})
	go watch(ctx, t, client, ready, seen)
	<-ready
	write := func(from int) {
		// A client that has just seen the server go waits for a moment before it connects again.
		client := connect(t, own.address)
		for number := range 20 {
			contact := person(from + number)
			created, err := client.Contacts.CreateContact(t.Context(), &pb.CreateContactRequest{Contact: contact})
			check(t, err)
			made <- created.GetRevision()
		}
	}
	write(0)
	for n, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		own.stop(signal)
		check(t, own.start())
		write(20 * (n + 1))
	}
	close(made)
	for revision := range made {
		event, ok := <-seen
		if !ok {
			t.FailNow()
		}
		equal(t, "revision", event.Revision, revision)
		equal(t, "changes", len(event.Changes.GetChanges()), 1)
	}
}

// watch forwards changes, from now on.
func watch(ctx context.Context, t *testing.T, client *mailinggroups.Client,
	ready chan<- struct{}, seen chan<- *mailinggroups.WatchEvent,
) {
	for event, err := range client.Watch(ctx, mailinggroups.FromNow()) {
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.Error(err)
			close(seen)
			return
		case event.Changes != nil:
			seen <- event
		case ready != nil:
			close(ready)
			ready = nil
		}
	}
}

// A revision of several parts, and a snapshot, come whole through a proxy that cuts connections.
func TestWatchOverBrokenConnections(t *testing.T) {
	const count = 30_000
	direct := connect(t, shared.address)
	createGroups(t, direct, "NEWS")
	long := func(yield func(*pb.Contact, error) bool) {
		for contact := range persons(count, 0) {
			contact.Name = strings.Repeat("é", 100)
			if !yield(contact, nil) {
				return
			}
		}
	}
	imported, err := direct.ImportContacts(t.Context(), long, mailinggroups.ContactImportOptions{})
	check(t, err)
	importAssignments(t, direct, count, "NEWS")
	last, err := direct.MailingGroups.UnassignMailingGroup(t.Context(), &pb.UnassignMailingGroupRequest{
		ContactId: person(0).GetId(), Code: "NEWS",
	})
	check(t, err)

	cutting := newProxy(t, shared.address)
	client := connectAs(t, cutting.address, mailinggroups.Config{Tenant: tenant(t)})
	cutting.cutAfterAnswered.Store(3 << 20)
	created, previous := 0, int64(0)
	var token string
	for event, err := range client.Watch(t.Context(), mailinggroups.FromRevision(0)) {
		check(t, err)
		if event.Changes == nil {
			continue
		}
		if event.Revision <= previous || event.ResumeToken == "" || event.Changes.GetMore() {
			t.Fatalf("revision %d after %d", event.Revision, previous)
		}
		previous, token = event.Revision, event.ResumeToken
		for _, change := range event.Changes.GetChanges() {
			created += len(change.GetContactsCreated().GetContacts())
		}
		if event.Revision == last.GetRevision() {
			break
		}
	}
	equal(t, "created", created, count)
	if cutting.connections.Load() < 2 {
		t.Fatal("no connection broke")
	}
	if imported.Summary.GetRevision() > previous {
		t.Fatalf("revision %d is missing", imported.Summary.GetRevision())
	}
	for event, err := range client.Watch(t.Context(), mailinggroups.FromToken(token)) {
		check(t, err)
		equal(t, "revision", event.Progress.GetRevision(), last.GetRevision())
		break
	}
	expectSnapshot(t, client, cutting, count)
}

// expectSnapshot reads a snapshot that is cut twice and then let through.
func expectSnapshot(t *testing.T, client *mailinggroups.Client, cutting *proxy, count int) {
	t.Helper()
	cutting.cutAfterAnswered.Store(1 << 20)
	_ = client.Close()
	client = connectAs(t, cutting.address, mailinggroups.Config{Tenant: tenant(t)})
	contacts, members, restarts := 0, 0, 0
	for event, err := range client.Watch(t.Context(), mailinggroups.FromBeginning()) {
		check(t, err)
		if event.SnapshotRestart {
			contacts, members = 0, 0
			if restarts++; restarts == 2 {
				cutting.cutAfterAnswered.Store(0)
			}
		}
		contacts += len(event.Snapshot.GetContacts())
		for _, it := range event.Snapshot.GetMembers() {
			members += len(it.GetContactIds())
		}
		if event.SnapshotEnd != nil {
			break
		}
	}
	equal(t, "contacts", contacts, count)
	equal(t, "members", members, count-1)
	if restarts < 2 {
		t.Fatalf("%d restarts", restarts)
	}
}

// One connection carries an import of many small chunks and a watch that sees it.
func TestWatchBesideAnImport(t *testing.T) {
	const count = 20_000
	client := connect(t, shared.address)
	seen := 0
	var imported *mailinggroups.ContactImport
	for event, err := range client.Watch(t.Context(), mailinggroups.FromNow()) {
		check(t, err)
		if imported == nil {
			imported, err = client.ImportContacts(t.Context(), persons(count, 0), mailinggroups.ContactImportOptions{})
			check(t, err)
		}
		for _, change := range event.Changes.GetChanges() {
			seen += len(change.GetContactsCreated().GetContacts())
		}
		if event.Revision == imported.Summary.GetRevision() {
			break
		}
	}
	equal(t, "created", seen, count)
}
