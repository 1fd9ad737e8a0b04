package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Connections of those without a password are bounded, whether they say nothing, stop in the middle of their headers,
// or were refused and stay. Whoever got in keeps the connection, and newcomers get one.
func TestStrangersAreBounded(t *testing.T) {
	g := startGate(t, startUpstream(t, (&recorder{}).ServeHTTP), nil)
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", g.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		return conn
	}
	ask := func(conn net.Conn, headers string) int {
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: app\r\n%s\r\n", headers)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	authorization := "Authorization: " + basicAuth + "\r\n"
	known := dial()
	if got := ask(known, authorization); got != http.StatusOK {
		t.Fatal(got)
	}
	for i := range maxRush + 2*maxStrangers {
		switch conn := dial(); i % 3 {
		case 1:
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: app\r\nX: ")
		case 2:
			if got := ask(conn, ""); got != http.StatusUnauthorized {
				t.Fatal(got)
			}
		}
	}
	open := func() int {
		g.strangers[0].mu.Lock()
		defer g.strangers[0].mu.Unlock()
		return len(g.strangers[0].open)
	}
	waitFor(t, "as many to be left as may come at once", func() bool { return open() <= maxRush+1 })
	last := time.Now()
	waitFor(t, "as many to be left as may wait", func() bool {
		if time.Since(last) > moment/10 { // somebody comes now and then
			dial()
			last = time.Now()
		}
		return open() <= maxStrangers+2 // whoever got in, and the one who just came
	})
	if got := ask(known, authorization); got != http.StatusOK {
		t.Errorf("whoever got in before: %d", got)
	}
	if got := ask(dial(), authorization); got != http.StatusOK {
		t.Errorf("a newcomer: %d", got)
	}
}

// Many clients that come at once are none too many, as long as each sends its request soon.
func TestStrangersWhoRush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &strangers{open: map[net.Conn]*visitor{}}
		var all []*visitor
		arrive := func() {
			client, server := net.Pipe()
			t.Cleanup(func() { client.Close() })
			all = append(all, s.arrive(server))
		}
		for range maxRush {
			arrive()
		}
		if n := s.waiting.Len(); n != maxRush {
			t.Errorf("%d wait of %d who came at once", n, maxRush)
		}
		arrive()
		if n := s.waiting.Len(); n != maxRush || all[0].place != nil {
			t.Errorf("one too many: %d wait, and the oldest: %v", n, all[0].place)
		}
		time.Sleep(moment)
		arrive()
		if n := s.waiting.Len(); n != maxStrangers || all[len(all)-1].place == nil {
			t.Errorf("a moment later: %d wait, and the newest: %v", n, all[len(all)-1].place)
		}
	})
}

// A connection of HTTP/2 has several requests under way: as long as one of them is served, it is not waited for.
func TestStrangerOfSeveralRequests(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	s := &strangers{open: map[net.Conn]*visitor{}}
	v := s.arrive(server)
	for _, step := range []struct {
		what    string
		do      func(*visitor)
		waiting int
	}{
		{"the first begins", s.serve, 0},
		{"the second begins", s.serve, 0},
		{"the first ends", s.await, 0},
		{"the second waits for its body", s.await, 1},
		{"the second goes on", s.serve, 0},
		{"the second ends", s.await, 1},
		{"the connection ends", func(*visitor) { s.leave(server) }, 0},
	} {
		if step.do(v); s.waiting.Len() != step.waiting {
			t.Errorf("%s: %d wait, want %d", step.what, s.waiting.Len(), step.waiting)
		}
	}
}
