package servertest

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

func TestTLSAndToken(t *testing.T) {
	if os.Getenv("MAILING_GROUPS_TLS") == "" {
		t.Skip("MAILING_GROUPS_TLS is not set")
	}
	own, err := start(t.TempDir(), freeAddress(),
		"--tls-cert", tlsFile("server.pem"), "--tls-key", tlsFile("server.key"), "--auth-config", tlsFile("auth.toml"))
	check(t, err)
	defer own.stop(syscall.SIGTERM)
	config := mailinggroups.Config{Tenant: tenant(t)}
	config.TLS, err = mailinggroups.LoadTLS(tlsFile("ca.pem"), "", "")
	check(t, err)

	client := connectAs(t, own.address, config)
	_, err = client.Identity.WhoAmI(t.Context(), &pb.WhoAmIRequest{})
	expect(t, err, codes.Unauthenticated, pb.ErrorReason_ERROR_REASON_CREDENTIALS_MISSING)
	config.Token = "mgk_wrong"
	client = connectAs(t, own.address, config)
	_, err = client.Identity.WhoAmI(t.Context(), &pb.WhoAmIRequest{})
	expect(t, err, codes.Unauthenticated, pb.ErrorReason_ERROR_REASON_CREDENTIALS_INVALID)
	for _, err := range client.Watch(t.Context(), mailinggroups.FromNow()) {
		expect(t, err, codes.Unauthenticated, pb.ErrorReason_ERROR_REASON_CREDENTIALS_INVALID)
	}

	calls := 0
	config.Token = ""
	config.TokenSource = func(context.Context) (string, error) {
		calls++
		token, err := os.ReadFile(tlsFile("token"))
		return string(token), err
	}
	client = connectAs(t, own.address, config)
	who, err := client.Identity.WhoAmI(t.Context(), &pb.WhoAmIRequest{})
	check(t, err)
	equal(t, "principal", who.GetPrincipal(), "tests")
	createGroups(t, client, "MOVE", "FULL", "NEWS")
	expectErrors(t, client)
	imported, err := client.ImportContacts(t.Context(), persons(20_000, 0), mailinggroups.ContactImportOptions{})
	check(t, err)
	equal(t, "processed", imported.Summary.GetProcessedCount(), 20_000)
	importAssignments(t, client, 20_000, "NEWS")
	request := &pb.StreamSegmentMembersRequest{Selection: mailinggroups.Expression("NEWS")}
	expectPersons(t, readMembers(t, client, request), 0, 20_000)
	if calls < 10 {
		t.Fatalf("the token was asked for %d times", calls)
	}

	token, err := config.TokenSource(t.Context())
	check(t, err)
	t.Setenv("MAILING_GROUPS_TOKEN", strings.TrimSpace(token))
	output := tour(t, "-address", own.address, "-tenant", "tour", "-ca", tlsFile("ca.pem"))
	equal(t, "output", output, tourOutput)
}
