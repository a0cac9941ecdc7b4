package servertest

import (
	"os/exec"
	"strings"
	"testing"
)

const tourOutput = `count: 2 members, 1 of them persons
import: 4999 created, 1 rejected
rejected: 7 I7: email must be an e-mail address such as ada@example.com
import: 2 assigned
member: C100 Lighthouse Paper Mill
member: P101 Ada Winterbourne
member: I0 Person 0
members: 3 in all
watch: GIFT lost [P101]
error: MOVE is RELOCATE now
`

func TestTour(t *testing.T) {
	equal(t, "output", tour(t, "-address", shared.address, "-tenant", tenant(t)), tourOutput)
}

// tour runs the example.
func tour(t *testing.T, arguments ...string) string {
	t.Helper()
	command := exec.Command("go", append([]string{"run", "../examples/tour"}, arguments...)...)
	var output, errors strings.Builder
	command.Stdout, command.Stderr = &output, &errors
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &output, &errors)
	}
	return output.String()
}
