package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stepUpstream answers each request with one piece after the other, each when the test asks for it.
func stepUpstream(t testing.TB) (address string, say chan<- string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pieces := make(chan string)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				for piece := range pieces {
					if piece == "" {
						break
					}
					_, _ = io.WriteString(conn, piece)
				}
			}
			conn.Close()
		}
	}()
	return "http://" + ln.Addr().String(), pieces
}

// Whatever may go on for long reaches the client as it comes, from the header on.
func TestBothWaysFlushAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		header string
		piece  func(i int) string
	}{
		"event stream":             {"Content-Type: text/event-stream\r\n", func(i int) string { return fmt.Sprintf("data: %d\n\n", i) }},
		"event stream, length":     {"Content-Type: text/event-stream; charset=utf-8\r\nContent-Length: 27\r\n", func(i int) string { return fmt.Sprintf("data: %d\n\n", i) }},
		"event stream in chunks":   {"Content-Type: TEXT/EVENT-STREAM\r\nTransfer-Encoding: chunked\r\n", func(i int) string { return fmt.Sprintf("9\r\ndata: %d\n\n\r\n", i) }},
		"chunks of unknown":        {"Transfer-Encoding: chunked\r\n", func(i int) string { return fmt.Sprintf("7\r\ndata: %d\r\n", i) }},
		"unknown up to the end":    {"Content-Type: application/grpc-web\r\n", func(i int) string { return fmt.Sprintf("data: %d", i) }},
		"an odd type is no matter": {"Content-Type: text/event-stream;;=\r\n", func(i int) string { return fmt.Sprintf("data: %d", i) }},
	} {
		for i := range 2 {
			address, say := stepUpstream(t)
			way := startWays(t, address, nil)[i]
			t.Run(name+"/"+way.name, func(t *testing.T) {
				conn, err := net.Dial("tcp", way.Addr())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				fmt.Fprintf(conn, "GET /a HTTP/1.1\r\n%s\r\n", wireAuth)
				say <- "HTTP/1.1 200 OK\r\n" + tt.header + "\r\n"
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatalf("no header before the body: %v", err)
				}
				for i := range 3 {
					say <- tt.piece(i)
					got := make([]byte, len("data: 0"))
					if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != fmt.Sprintf("data: %d", i) {
						t.Fatalf("got %q, %v", got, err)
					}
					if strings.Contains(tt.piece(i), "\n\n") {
						_, _ = io.ReadFull(res.Body, got[:2])
					}
				}
				say <- ""
			})
		}
	}
}

// A client that goes away ends the request at the upstream, whether it has begun to answer or not, both ways.
func TestBothWaysEndWithTheClient(t *testing.T) {
	for name, said := range map[string]string{
		"before the answer": "",
		"in the header":     "HTTP/1.1 200 OK\r\n",
		"after a hint":      "HTTP/1.1 103 Early Hints\r\n\r\n",
		"in the body":       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
		"in the chunks":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		for _, way := range startWays(t, "http://"+ln.Addr().String(), nil) {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				client, err := net.Dial("tcp", way.Addr())
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(client, "GET /a HTTP/1.1\r\n%s\r\n", wireAuth)
				conn, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				in := bufio.NewReader(conn)
				if _, err := http.ReadRequest(in); err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(conn, said)
				client.Close()
				if _, err := in.ReadByte(); err == nil {
					t.Error("the upstream got more")
				} else if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // of the connection itself
					t.Error("the request goes on at the upstream")
				}
				waitFor(t, "the end of the request", func() bool { return way.gate.underWay.Load() == 0 })
			})
		}
	}
}
