package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A shape is what a client writes, and what comes of it.
type shape struct {
	name, raw string
	answers   string   // the statuses that the client gets; "!" for a connection that ends without an answer
	reached   []string // what the upstream gets: "METHOD target", and the body after a blank if there is one
}

const (
	wireAuth = "Host: app\r\nAuthorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n"
	// What follows another request, on the same connection, from somebody who has no password.
	second = "GET /second HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"
)

// runShapes sends each shape both ways, alone on a connection. Nobody gets two answers to one request, and the upstream
// never a request that is not in the table.
func runShapes(t *testing.T, shapes []shape) {
	t.Helper()
	w := startWire(t, wireAnswer)
	for _, way := range startWays(t, "http://"+w.ln.Addr().String(), nil) {
		for _, s := range shapes {
			t.Run(way.name+"/"+s.name, func(t *testing.T) {
				if got := talk(t, way.Addr(), s.raw); got != s.answers {
					t.Errorf("the client got %q, want %q", got, s.answers)
				}
				var reached []string
				for _, r := range w.take(t, way.runningGate) {
					r.mine(t)
					reached = append(reached, strings.TrimSuffix(r.line+" "+r.body, " "))
				}
				if diff := cmp.Diff(s.reached, reached); diff != "" {
					t.Errorf("at the upstream (-want +got)\n%s", diff)
				}
			})
		}
	}
}

// talk writes raw and returns the statuses of all answers until the gate closes the connection.
func talk(t testing.TB, address, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(conn, raw) }() // a refusal may come before it was read
	in := bufio.NewReader(conn)
	method, _, _ := strings.Cut(raw, " ")
	var statuses []string
	for {
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // of the connection itself
				t.Error("the connection stays open")
			}
			if len(statuses) == 0 {
				return "!"
			}
			return strings.Join(statuses, " ")
		}
		statuses = append(statuses, strconv.Itoa(res.StatusCode))
		_, _ = io.Copy(io.Discard, res.Body)
	}
}
