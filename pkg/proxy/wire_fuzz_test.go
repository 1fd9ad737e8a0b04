package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/proxy/front"
)

// pipes is a listener whose connections are in memory, since TCP runs out of ports after some ten thousand.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Net: "pipe"} }

// What an application might take for the word of a proxy, however it is spelled. This list is not the gate's.
var identity = regexp.MustCompile(`(?i)^(x.forwarded.|forwarded$|x.real.ip$|x.auth.request.|x.auth.user|x.remote.|remote.|x.webauth.|x.kauth.|x.original.|x.user$|proxy$)`)

// Only the right password; its base64 has four endings that mean the same.
var rightPassword = regexp.MustCompile(`YWxpY2U6b3BlbiBzZXNhbW[UVWX]=`)

// FuzzRawRequest: whatever comes on a connection, as many requests reach the upstream as there were right passwords in it at
// most, each is one that no reader could take for something else, says who sent it, and says nothing that the client made up.
func FuzzRawRequest(f *testing.F) {
	for _, shapes := range [][]shape{framingShapes(), headerShapes(), pipelinedShapes(), targetShapes(), lineShapes()} {
		for _, s := range shapes {
			if len(s.raw) < 32<<10 {
				f.Add([]byte(s.raw))
			}
		}
	}
	w := startWireOn(f, "unix", filepath.Join(f.TempDir(), "upstream"), wireAnswer)
	var closed atomic.Int64
	var doors []*pipes
	ways := startWays(f, "http://127.0.0.1:1", func(s *Server) {
		dial := func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", w.ln.Addr().String())
		}
		s.upstream.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
		if short := s.gate.forward.(*forwarder).short; short != nil {
			short.Dial = dial
		}
		s.gate.access = nil
		told := s.servers[0].ConnState
		s.servers[0].ConnState = func(c net.Conn, state http.ConnState) {
			told(c, state)
			if state == http.StateClosed || state == http.StateHijacked {
				closed.Add(1)
			}
		}
		door := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		doors = append(doors, door)
		if s.plain {
			go func() { _ = s.servers[0].Serve(door) }()
			return
		}
		inside := front.New(door, s.servers[0])
		f.Cleanup(func() { inside.Cut() })
		go func() { _ = s.servers[0].Serve(inside) }()
	})
	send := func(t *testing.T, i int, raw []byte) []wireRequest {
		way := ways[i]
		before := closed.Load()
		client, server := net.Pipe()
		doors[i].conns <- server
		go func() { _, _ = io.Copy(io.Discard, client) }()
		_ = client.SetWriteDeadline(time.Now().Add(time.Second)) // a gate that is done with it reads no more
		_, _ = client.Write(raw)
		// The byte more is read when all before it was, or while a request is served.
		if _, err := client.Write([]byte("\r")); err == nil {
			for end := time.Now().Add(20 * time.Millisecond); way.gate.underWay.Load() > 0 && time.Now().Before(end); {
				time.Sleep(20 * time.Microsecond)
			}
		}
		client.Close()
		waitFor(t, "the end of the connection", func() bool { return closed.Load() > before && way.gate.underWay.Load() == 0 })
		requests, _ := w.takeAll(t, way.runningGate)
		return requests
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		most := len(rightPassword.FindAll(raw, -1))
		for i, way := range ways {
			requests := send(t, i, raw)
			// On a busy machine the upstream may only now read what an earlier input, given up since, had sent.
			for try := 0; len(requests) > most && try < 3; try++ {
				requests = send(t, i, raw)
			}
			if len(requests) > most {
				t.Errorf("%s: %d requests reached the upstream, with %d passwords", way.name, len(requests), most)
			}
			for _, r := range requests {
				judge(t, r)
			}
		}
	})
}

func judge(t *testing.T, r wireRequest) {
	t.Helper()
	ours := map[string]string{
		"x-forwarded-user": testUser, "x-forwarded-proto": "http", "x-forwarded-host": strings.Join(r.fields["host"], ","),
	}
	if ours["x-forwarded-host"] == "127.0.0.1:1" && slices.Equal(r.fields["x-forwarded-host"], []string{""}) {
		ours["x-forwarded-host"] = "" // of HTTP/1.0 without a host
	}
	for name, values := range r.fields {
		want, is := ours[name]
		if is && !slices.Equal(values, []string{want}) || !is && identity.MatchString(name) || name == "authorization" {
			t.Errorf("%s: the upstream got %s: %q", r.line, name, values)
		}
	}
	if r.fields["x-forwarded-user"] == nil {
		t.Errorf("%s: nobody's request", r.line)
	}
	_, trailers, _ := strings.Cut(r.body, "|")
	for l := range strings.SplitSeq(trailers, "\r\n") {
		if identity.MatchString(strings.SplitN(l, ":", 2)[0]) {
			t.Errorf("%s: the upstream got the trailer %q", r.line, l)
		}
	}
}
