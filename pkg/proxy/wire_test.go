package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A wire is an upstream that keeps every byte that reaches it. Where a request ends it learns from net/http, since it has to
// answer; what it got is judged by readWire, which is not net/http.
type wire struct {
	ln     net.Listener
	answer string

	mu    sync.Mutex
	conns []*bytes.Buffer
	open  atomic.Int64
}

const wireAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// startWire listens until the test ends, and answers each request with the same bytes.
func startWire(t testing.TB, answer string) *wire {
	t.Helper()
	return startWireOn(t, "tcp", "127.0.0.1:0", answer)
}

func startWireOn(t testing.TB, network, address, answer string) *wire {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{ln: ln, answer: answer}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			w.open.Add(1)
			go w.serve(conn)
		}
	}()
	return w
}

func (w *wire) serve(conn net.Conn) {
	defer w.open.Add(-1)
	defer conn.Close()
	got := &bytes.Buffer{}
	w.mu.Lock()
	w.conns = append(w.conns, got)
	w.mu.Unlock()
	in := bufio.NewReader(io.TeeReader(conn, lockedWriter{&w.mu, got}))
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			_, _ = io.Copy(io.Discard, in)
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		answer := w.answer
		if r.Method == http.MethodHead {
			answer = strings.TrimSuffix(answer, "ok")
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// take has the gate let go of its connections, waits for their end and returns all that came on them: whole requests, and
// nothing else.
func (w *wire) take(t testing.TB, g *runningGate) []wireRequest {
	t.Helper()
	all, rest := w.takeAll(t, g)
	if rest != "" {
		t.Errorf("the upstream got a request that is none, or not whole: %q", rest)
	}
	return all
}

// takeAll is take with what is no whole request.
func (w *wire) takeAll(t testing.TB, g *runningGate) (all []wireRequest, rest string) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for ; ; time.Sleep(50 * time.Microsecond) {
		g.letGo()
		if w.open.Load() == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a connection to the upstream does not end")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.conns {
		requests, more := readWire(b.String())
		all, rest = append(all, requests...), rest+more
	}
	w.conns = nil
	return all, rest
}

// A wireRequest is one request as it lay on the wire. Field names are in lower case.
type wireRequest struct {
	line   string // "METHOD target"
	fields map[string][]string
	body   string // with its chunks joined, and its trailers after a "|"
}

var (
	wireLine  = regexp.MustCompile(`^[!#$%&'*+.^_|~0-9A-Za-z-]+ /[^\x00-\x20\x7f]* HTTP/1\.1$`)
	wireField = regexp.MustCompile(`^([!#$%&'*+.^_|~0-9A-Za-z` + "`" + `-]+): ((?:\t|[^\x00-\x1f\x7f])*)$`)
	wireChunk = regexp.MustCompile(`^[0-9a-f]+$`)
)

// readWire reads requests as RFC 9112 writes them, with none of the liberties that it gives to readers: whatever is not so
// is a rest, since some upstream might read it in another way. Of a request that is not whole, the header is among them.
func readWire(raw string) (all []wireRequest, rest string) {
	for rest = raw; rest != ""; {
		head, after, ended := strings.Cut(rest, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		if !ended || !wireLine.MatchString(lines[0]) {
			return all, rest
		}
		r := wireRequest{line: strings.TrimSuffix(lines[0], " HTTP/1.1"), fields: map[string][]string{}}
		for _, l := range lines[1:] {
			f := wireField.FindStringSubmatch(l)
			if f == nil {
				return all, rest
			}
			name := strings.ToLower(f[1])
			r.fields[name] = append(r.fields[name], f[2])
		}
		length, coding := r.fields["content-length"], r.fields["transfer-encoding"]
		n := len(after) + 1
		switch {
		case len(length)+len(coding) > 1 || len(coding) == 1 && coding[0] != "chunked" || len(r.fields["host"]) != 1:
			return all, rest
		case len(coding) == 1:
			if body, more, ok := readChunks(after); ok {
				r.body, n = body, len(after)-len(more)
			}
		default:
			n = 0
			_, _ = fmt.Sscan(strings.Join(length, ""), &n)
			r.body = after[:min(n, len(after))]
		}
		all = append(all, r)
		if n > len(after) {
			return all, rest
		}
		rest = after[n:]
	}
	return all, ""
}

func readChunks(in string) (body, rest string, ok bool) {
	for {
		line, after, found := strings.Cut(in, "\r\n")
		if !found || !wireChunk.MatchString(line) {
			return "", "", false
		}
		n := 0
		_, _ = fmt.Sscanf(line, "%x", &n)
		if n == 0 {
			if strings.HasPrefix(after, "\r\n") {
				return body, after[2:], true
			}
			trailers, rest, found := strings.Cut(after, "\r\n\r\n")
			return body + "|" + trailers, rest, found
		}
		if len(after) < n+2 || after[n:n+2] != "\r\n" {
			return "", "", false
		}
		body, in = body+after[:n], after[n+2:]
	}
}

// mine fails if an upstream could take anything in a request for the gate's word that the client said; every value that a
// client forges in these tests has "mallory" in it.
func (r wireRequest) mine(t testing.TB) {
	t.Helper()
	if diff := cmp.Diff([]string{testUser}, r.fields["x-forwarded-user"]); diff != "" {
		t.Errorf("%s: X-Forwarded-User (-want +got)\n%s", r.line, diff)
	}
	for _, name := range []string{"authorization", "proxy-authorization", "connection", "keep-alive", "te", "http2-settings"} {
		if said := r.fields[name]; said != nil && !slices.Equal(said, []string{"Upgrade"}) {
			t.Errorf("%s: the upstream got %s: %q", r.line, name, said)
		}
	}
	for name, values := range r.fields {
		if strings.Contains(strings.Join(values, ","), "this hop only") {
			t.Errorf("%s: the upstream got %s: %q", r.line, name, values)
		}
		if isForged(name) && strings.Contains(strings.Join(values, ","), "mallory") {
			t.Errorf("%s: the upstream got %s: %q", r.line, name, values)
		}
	}
	if _, trailers, _ := strings.Cut(r.body, "|"); strings.Contains(trailers, "mallory") {
		t.Errorf("%s: the upstream got the trailers %q", r.line, trailers)
	}
}
