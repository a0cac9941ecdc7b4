// Package mailinggroups is a client of the MailingGroups service.
//
// A [Client] holds the generated stubs, which add the tenant, the token, a deadline and a request
// id to each call and repeat it if the service is unavailable. Its methods import any number of
// contacts and memberships, and read members, exports and changes over as many connections as it
// takes. All errors of the service are of the type [Error].
package mailinggroups

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// Version is the version of the package, which is that of the service it was made for.
const Version = "0.2.0"

const (
	defaultTimeout  = 60 * time.Second
	defaultRetryFor = 60 * time.Second
	// The service sends something every 15 seconds; here three messages are missing.
	silenceLimit = 50 * time.Second
	// A page with every field at its longest fits.
	largestMessage = 64 << 20
)

// Which calls grpc-go repeats, and when.
//
//go:embed service_config.json
var serviceConfig string

// Config says whose data a client works on, and how it connects. The zero value is plaintext,
// the service's default tenant, and no token.
type Config struct {
	// Tenant is sent with each call: 1 to 63 of a-z 0-9 and '-'. Without it, the service uses its
	// tenant `default`, or the only one that the token grants. The metadata x-tenant of a single
	// call takes precedence.
	Tenant string
	// Token is the token or API key that each call sends.
	Token string
	// TokenSource returns the token of each call, instead of Token. Its errors become those of the
	// call.
	TokenSource func(context.Context) (string, error)
	// AllowPlaintextToken lets the token go to another computer without TLS, where others may read
	// it.
	AllowPlaintextToken bool
	// TLS is nil for plaintext. An empty configuration trusts the authorities of the system;
	// [LoadTLS] reads others from files.
	TLS *tls.Config
	// Timeout is the deadline of unary calls whose context has none. 0 means 60 s.
	Timeout time.Duration
	// RetryFor is how long a broken stream or import is continued without progress. 0 means 60 s,
	// and a negative value never.
	RetryFor time.Duration
	// DialOptions are applied last.
	DialOptions []grpc.DialOption
}

// Client calls one service for one tenant. It is safe for concurrent use, and one is enough for a
// process.
type Client struct {
	MailingGroups pb.MailingGroupsClient
	Contacts      pb.ContactsClient
	Segments      pb.SegmentsClient
	Tenants       pb.TenantsClient
	Identity      pb.IdentityClient

	conn     *grpc.ClientConn
	retryFor time.Duration
	silence  time.Duration
}

// New makes a client of the service at an address such as `localhost:50051` or
// `dns:///mailing-groups.example.com:443`. It connects with the first call. It fails if the
// configuration is contradictory, or if a token would go to another computer in the clear.
func New(address string, config Config) (*Client, error) {
	if strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://") {
		return nil, fmt.Errorf("mailinggroups: %s is a URL; write host:port, and set TLS if it is https", address)
	}
	token, err := config.token(address)
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if config.TLS != nil {
		transport = credentials.NewTLS(config.TLS)
	}
	calls := calls{tenant: config.Tenant, token: token, timeout: orDefault(config.Timeout, defaultTimeout)}
	options := append([]grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithChainUnaryInterceptor(calls.unary),
		grpc.WithChainStreamInterceptor(calls.stream),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestMessage)),
		grpc.WithUserAgent("mailing-groups-go/" + Version),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		// The default waits up to two minutes before it connects again.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}, config.DialOptions...)
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, fmt.Errorf("mailinggroups: %w", err)
	}
	return &Client{
		MailingGroups: pb.NewMailingGroupsClient(conn),
		Contacts:      pb.NewContactsClient(conn),
		Segments:      pb.NewSegmentsClient(conn),
		Tenants:       pb.NewTenantsClient(conn),
		Identity:      pb.NewIdentityClient(conn),
		conn:          conn,
		retryFor:      orDefault(config.RetryFor, defaultRetryFor),
		silence:       silenceLimit,
	}, nil
}

// Close closes the connection. Open calls end with code Canceled.
func (c *Client) Close() error { return c.conn.Close() }

// Conn is the connection, for stubs of other services such as grpc.health.v1.
func (c *Client) Conn() grpc.ClientConnInterface { return c.conn }

// LoadTLS reads PEM files: authorities to trust instead of those of the system, and the
// certificate chain and key of the client. Empty names leave out what they stand for.
func LoadTLS(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("mailinggroups: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("mailinggroups: no certificate in %s", ca)
		}
	}
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("mailinggroups: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// token is what gives each call its token; nil without one.
func (config Config) token(address string) (func(context.Context) (string, error), error) {
	source := config.TokenSource
	if config.Token != "" {
		if source != nil {
			return nil, errors.New("mailinggroups: both Token and TokenSource are set")
		}
		source = func(context.Context) (string, error) { return config.Token, nil }
	}
	if source != nil && config.TLS == nil && !config.AllowPlaintextToken && !isLoopback(address) {
		return nil, fmt.Errorf("mailinggroups: the token would go to %s without TLS, where others may read it; "+
			"set TLS, or AllowPlaintextToken in a network that you trust", address)
	}
	return source, nil
}

// isLoopback says whether what is sent to an address stays on this computer.
func isLoopback(address string) bool {
	if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "unix-abstract:") {
		return true
	}
	for _, scheme := range []string{"dns:///", "dns:", "passthrough:///"} {
		if rest, ok := strings.CutPrefix(address, scheme); ok {
			address = rest
			break
		}
	}
	host := address
	if name, _, err := net.SplitHostPort(address); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func orDefault(value, standard time.Duration) time.Duration {
	if value == 0 {
		return standard
	}
	return value
}

// newID is a random UUID.
func newID() string {
	var id [16]byte
	// Never fails.
	_, _ = rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
