// Package servertest tests the client with a real server. The variable MAILING_GROUPS names the
// program; without it nothing is tested.
package servertest

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	mailinggroups "github.com/mailing-groups/mailing-groups/clients/go"
)

// patience is how long the slowest machine may take.
const patience = 2 * time.Minute

// shared serves the tests that do not stop it, each in a tenant of its own.
var shared *server

func TestMain(m *testing.M) {
	if os.Getenv("MAILING_GROUPS") == "" {
		fmt.Println("servertest: MAILING_GROUPS is not set; skipped")
		return
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	folder, err := os.MkdirTemp("", "mg-go-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder) // A temporary folder.
	if shared, err = start(folder, freeAddress()); err != nil {
		log.Print(err)
		return 1
	}
	defer shared.stop(syscall.SIGTERM)
	return m.Run()
}

// server is a running server.
type server struct {
	address string
	folder  string
	flags   []string
	command *exec.Cmd
	log     *os.File
}

// start starts a server on the data of a folder, and waits until it serves.
func start(folder, address string, flags ...string) (*server, error) {
	s := &server{address: address, folder: folder, flags: flags}
	return s, s.start()
}

func (s *server) start() error {
	var err error
	if s.log, err = os.Create(filepath.Join(s.folder, "log")); err != nil {
		return err
	}
	arguments := append([]string{"--data-dir", filepath.Join(s.folder, "data"), "--listen", s.address}, s.flags...)
	s.command = exec.Command(os.Getenv("MAILING_GROUPS"), arguments...)
	s.command.Stdout, s.command.Stderr = s.log, s.log
	// Ends with the tests, however they end.
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := s.command.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if s.serves() {
			return nil
		}
	}
	text, _ := os.ReadFile(s.log.Name())
	s.stop(syscall.SIGKILL)
	return fmt.Errorf("the server does not serve:\n%s", text)
}

// serves asks the health check.
func (s *server) serves() bool {
	config := mailinggroups.Config{}
	if len(s.flags) > 0 {
		var err error
		if config.TLS, err = mailinggroups.LoadTLS(tlsFile("ca.pem"), "", ""); err != nil {
			log.Fatal(err)
		}
	}
	client, err := mailinggroups.New(s.address, config)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close() // Nothing is lost.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	answer, err := healthpb.NewHealthClient(client.Conn()).Check(ctx, &healthpb.HealthCheckRequest{})
	return err == nil && answer.GetStatus() == healthpb.HealthCheckResponse_SERVING
}

// stop ends the server with a signal.
func (s *server) stop(signal syscall.Signal) {
	_ = s.command.Process.Signal(signal)
	_ = s.command.Wait()
	_ = s.log.Close()
}

func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close() // Its port is what matters.
	return listener.Addr().String()
}

// tlsFile is a file of the folder with the certificates and the token.
func tlsFile(name string) string {
	return filepath.Join(os.Getenv("MAILING_GROUPS_TLS"), name)
}

// connect makes a client of a tenant that is named after the test.
func connect(t *testing.T, address string) *mailinggroups.Client {
	t.Helper()
	return connectAs(t, address, mailinggroups.Config{Tenant: tenant(t)})
}

func connectAs(t *testing.T, address string, config mailinggroups.Config) *mailinggroups.Client {
	t.Helper()
	client, err := mailinggroups.New(address, config)
	check(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func tenant(t *testing.T) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	return name[:min(len(name), 63)]
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, actual, expected T) {
	t.Helper()
	if actual != expected {
		t.Fatalf("%s: %v instead of %v", what, actual, expected)
	}
}
