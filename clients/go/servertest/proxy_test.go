package servertest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy passes connections on to a server, and breaks them.
type proxy struct {
	address string
	// How many connections were made.
	connections atomic.Int64
	// A connection breaks after so many bytes from the server, or to it; 0 for never.
	cutAfterAnswered, cutAfterSent atomic.Int64
	// Answers are withheld, and after a while their connections break.
	losesAnswers atomic.Bool
}

func newProxy(t *testing.T, target string) *proxy {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	p := &proxy{address: listener.Addr().String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.connections.Add(1)
			go p.pass(client, target)
		}
	}()
	return p
}

func (p *proxy) pass(client net.Conn, target string) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	var closing sync.Once
	end := func() {
		closing.Do(func() {
			// Without lingering, what was not sent is lost.
			_ = client.(*net.TCPConn).SetLinger(0)
			_ = client.Close()
			_ = server.Close()
		})
	}
	go func() {
		defer end()
		limited(server, client, &p.cutAfterSent)
	}()
	defer end()
	limited(answers{client, p}, server, &p.cutAfterAnswered)
}

// limited copies until the end, or until the limit is reached.
func limited(to io.Writer, from io.Reader, limit *atomic.Int64) {
	buffer := make([]byte, 16<<10)
	for total := int64(0); ; {
		count, err := from.Read(buffer)
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:count]); err != nil {
			return
		}
		total += int64(count)
		if limit := limit.Load(); limit > 0 && total >= limit {
			return
		}
	}
}

// answers is the way to the client.
type answers struct {
	client net.Conn
	proxy  *proxy
}

func (a answers) Write(bytes []byte) (int, error) {
	if a.proxy.losesAnswers.Load() {
		// The server is done with the call by then.
		time.Sleep(time.Second)
		a.proxy.losesAnswers.Store(false)
		return 0, io.ErrClosedPipe
	}
	return a.client.Write(bytes)
}
