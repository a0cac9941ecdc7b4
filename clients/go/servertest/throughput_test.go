package servertest

import (
	"fmt"
	"testing"
	"time"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// Prints how fast the client is.
func TestThroughput(t *testing.T) {
	client := connect(t, shared.address)
	createGroups(t, client, "NEWS")
	measure("contacts imported", func() { importPersons(t, client, many) })
	measure("memberships imported", func() { importAssignments(t, client, many, "NEWS") })
	for _, size := range []int32{0, 10_000} {
		request := &pb.StreamSegmentMembersRequest{Selection: mailinggroups.Expression("NEWS"), PageSize: size}
		measure(fmt.Sprintf("members read, page size %d", size), func() {
			expectPersons(t, readMembers(t, client, request), 0, many)
		})
	}
}

func measure(what string, run func()) {
	begun := time.Now()
	run()
	took := time.Since(begun).Seconds()
	fmt.Printf("go: %d %s in %.2f s: %.0f/s\n", many, what, took, many/took)
}
