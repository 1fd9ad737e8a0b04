package proxy

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// saidOnce is an upstream that answers each request with the same bytes and closes. The second function waits until the gate
// has let go of its connections too: whether it notices in time that one is closed must not matter.
func saidOnce(t testing.TB, said string) (address string, got func() string, settle func(way)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	heads := make(chan string, 100)
	var open atomic.Int64
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() {
				defer open.Add(-1)
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				var head strings.Builder
				in := bufio.NewReader(io.TeeReader(conn, &head))
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				heads <- head.String()
				_, _ = io.WriteString(conn, said)
				_ = conn.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, in)
			}()
		}
	}()
	got = func() string {
		select {
		case h := <-heads:
			return h
		default:
			return ""
		}
	}
	settle = func(w way) {
		waitFor(t, "the end of the connections to the upstream", func() bool {
			w.letGo()
			return open.Load() == 0
		})
	}
	return "http://" + ln.Addr().String(), got, settle
}

// sorted puts the lines of a header in order, but for the first. What depends on the moment is left out.
func sorted(head string) []string {
	lines := strings.Split(head, "\r\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Date: ") && !strings.Contains(l, "1970") })
	var trailers []string // one line each, or all in one
	lines = slices.DeleteFunc(lines, func(l string) bool {
		names, ok := strings.CutPrefix(l, "Trailer: ")
		if ok {
			trailers = append(trailers, strings.Split(names, ", ")...)
		}
		return ok
	})
	if len(trailers) > 0 {
		slices.Sort(trailers)
		lines = append(lines, "Trailer: "+strings.Join(trailers, ", "))
	}
	slices.Sort(lines[1:])
	return lines
}

// A told is all that a client gets on a connection, less what the two ways may differ in: the order of header lines, and
// where one chunk ends and the next begins.
type told struct {
	Heads    [][]string
	Body     string
	Trailers []string
	Whole    bool
}

func readTold(all, method string) told {
	var got told
	for {
		head, rest, found := strings.Cut(all, "\r\n\r\n")
		if !found {
			return got
		}
		lines := sorted(head)
		got.Heads = append(got.Heads, lines)
		all = rest
		if strings.HasPrefix(lines[0], "HTTP/1.1 1") && !strings.HasPrefix(lines[0], "HTTP/1.1 101") {
			continue
		}
		if slices.Contains(lines, "Transfer-Encoding: chunked") {
			body, rest, ok := readChunks(all)
			body, trailers, _ := strings.Cut(body, "|")
			got.Body, got.Whole = body+rest, ok
			got.Trailers = strings.Split(trailers, "\r\n")
			slices.Sort(got.Trailers)
			return got
		}
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head+"\r\n\r\n"+rest)), &http.Request{Method: method})
		if err != nil {
			return got
		}
		_, err = io.ReadAll(res.Body)
		got.Body, got.Whole = rest, err == nil
		return got
	}
}

// unframe takes out of an answer without a body how that was said.
func (a *told) unframe() {
	for i := range a.Heads {
		a.Heads[i] = slices.DeleteFunc(a.Heads[i], func(l string) bool { return l == "Transfer-Encoding: chunked" || l == "Content-Length: 0" })
	}
	if slices.Equal(a.Trailers, []string{""}) {
		a.Trailers = nil
	}
}

func TestBothWaysAnswerAlike(t *testing.T) {
	log.SetOutput(io.Discard) // http.Transport tells of each answer that nobody asked for
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	for name, said := range wayAnswers {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits more than it works
			address, upstreamGot, settle := saidOnce(t, said)
			ways := startWays(t, address, nil)
			for what, raw := range wayRequests {
				if strings.HasPrefix(name, "broken") && strings.Contains(raw, "HTTP/1.0") {
					continue // where the end of the connection is that of the body, nothing tells that it came too soon
				}
				var answers [2]told
				var heads [2][]string
				for i, way := range ways {
					before := way.byReverse.Load()
					ask := raw + wireAuth
					if !strings.Contains(raw, "Connection: keep-alive") {
						ask += "Connection: close\r\n"
					}
					all, _ := readAll(t, way.runningGate, ask+"\r\n"+second, 20*time.Second)
					if strings.Contains(raw, "Connection: keep-alive") { // the refusal of the second is no part of it
						all, _, _ = strings.Cut(all, "HTTP/1.1 401 ")
					}
					settle(way)
					method, _, _ := strings.Cut(raw, " ")
					answers[i], heads[i] = readTold(all, method), sorted(upstreamGot())
					if byReverse := way.byReverse.Load() > before; byReverse != (i == 1) {
						t.Errorf("%s, %s: by ReverseProxy: %t", what, way.name, byReverse)
					}
				}
				if answers[0].Body == "" && answers[1].Body == "" { // no chunks and no bytes are the same
					for i := range answers {
						answers[i].unframe()
					}
				}
				if !answers[0].Whole && !answers[1].Whole { // how much of it came is a matter of luck
					for i := range answers {
						answers[i].Body, answers[i].Heads = "", nil
					}
				}
				if diff := cmp.Diff(answers[1], answers[0]); diff != "" {
					t.Errorf("%s: (-reverse +short)\n%s", what, diff)
				}
				if diff := cmp.Diff(heads[1], heads[0]); diff != "" {
					t.Errorf("%s: at the upstream (-reverse +short)\n%s", what, diff)
				}
			}
		})
	}
}

// What clients say in headers that go the short way.
func TestBothWaysAskAlike(t *testing.T) {
	address, upstreamGot, settle := saidOnce(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	ways := startWays(t, address, nil)
	for _, headers := range []string{
		"Accept: a\r\nAccept: b\r\naccept-encoding: gzip\r\n", "User-Agent: x\r\n", "User-Agent: \r\n", "User-Agent:  a b \r\nUser-Agent: c\r\n",
		"Cookie: a=b\r\nCookie: c=d; e=\"f\"\r\n", "Content-Length: 0\r\n", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
		"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nForwarded: for=x\r\n", "X-Real-Ip: 1\r\nVia: 1.1 x\r\nMax-Forwards: 0\r\n",
		"X:\r\nY: \t a \t b \r\nZ: \xff\r\n", "x_y: a\r\nX.Y: b\r\n!#$%&'*+-.^_`|~: c\r\n", "If-None-Match: \"a\"\r\nRange: bytes=0-1\r\nIf-Range: x\r\n",
		"Content-Language: x\r\nLast-Modified: x\r\nDate: x\r\n", "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Mode: navigate\r\nPriority: u=1\r\n",
		"Origin: null\r\nReferer: http://x/\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n", "Http2-Settings: x\r\nProxy-Status: x\r\n", "Transfer_Encoding: chunked\r\nContent_Length: 3\r\n",
	} {
		for _, line := range []string{"GET /a?b;c=%zz&d HTTP/1.1\r\n", "HEAD //a/%2e%2e/\xff? HTTP/1.0\r\n", "GET http://other:81/x HTTP/1.1\r\n", "GET http://other? HTTP/1.1\r\n"} {
			var heads [2][]string
			for i, way := range ways {
				if res := sendRaw(t, way.runningGate, line+wireAuth+headers+"Connection: close\r\n\r\n"); res == nil || res.StatusCode != http.StatusOK {
					t.Errorf("%s, %q: %v", way.name, headers, res)
				}
				settle(way)
				heads[i] = sorted(upstreamGot())
			}
			if diff := cmp.Diff(heads[1], heads[0]); diff != "" {
				t.Errorf("%q%q: (-reverse +short)\n%s", line, headers, diff)
			}
		}
	}
	if ways[0].byReverse.Load() > 0 {
		t.Error("some went by ReverseProxy")
	}
}
