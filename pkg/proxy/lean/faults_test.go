package lean

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

func reset(p *peer) { _ = p.halfConn.(*net.TCPConn).SetLinger(0) } // by the Close to come

// Sent twice is only what got no answer at all on a connection that had been used before.
func TestRetry(t *testing.T) {
	for name, tt := range map[string]struct {
		used  bool        // a request was answered on the connection before
		fate  func(*peer) // what becomes of the request; then the connection is closed
		fails bool
	}{
		"used, closed":                   {true, func(*peer) {}, false},
		"used, reset":                    {true, reset, false},
		"used, closed after a byte":      {true, func(p *peer) { p.say("H") }, true},
		"used, closed in the header":     {true, func(p *peer) { p.say("HTTP/1.1 200 OK\r\n") }, true},
		"used, reset in the header":      {true, func(p *peer) { p.say("HTTP/1.1 200 OK\r\n"); reset(p) }, true},
		"used, closed after a 103":       {true, func(p *peer) { p.say("HTTP/1.1 103 Early Hints\r\n\r\n") }, true},
		"used, closed after 103 and one": {true, func(p *peer) { p.say("HTTP/1.1 103 Early Hints\r\n\r\nH") }, true},
		"used, malformed":                {true, func(p *peer) { p.say("SSH\r\n") }, true},
		"new, closed":                    {false, func(*peer) {}, true},
		"new, reset":                     {false, reset, true},
		"new, closed in the header":      {false, func(p *peer) { p.say("HTTP/1.1 200 OK\r\n") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				for i := 0; ; i++ {
					_, came := p.request()
					switch {
					case !came:
						return
					case p.n == 0 && (i > 0 || !tt.used):
						tt.fate(p)
						return
					}
					p.say(ok)
				}
			})
			l := u.lean()
			if tt.used {
				if got := ask(l, request(t, http.MethodGet)); got.Body != "ok" {
					t.Fatalf("first answer: %+v", got)
				}
			}
			got := ask(l, request(t, http.MethodGet))
			if got.Failed != tt.fails || !tt.fails && got.Body != "ok" {
				t.Errorf("got %+v", got)
			}
			if want := map[bool]int{true: 1, false: 2}[tt.fails]; u.dialled() != want {
				t.Errorf("%d connections, want %d", u.dialled(), want)
			}
			if again := ask(l, request(t, http.MethodGet)); again.Body != "ok" {
				t.Errorf("next answer: %+v", again)
			}
		})
	}
}

// What an upstream says or does on an idle connection is nobody's answer.
func TestUnasked(t *testing.T) {
	for name, fate := range map[string]func(*peer){
		"408":        func(p *peer) { p.say("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"); p.gone() },
		"an answer":  func(p *peer) { p.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"); p.gone() },
		"a byte":     func(p *peer) { p.say("\n"); p.gone() },
		"half-close": func(p *peer) { _ = p.CloseWrite(); p.gone() },
		"close":      func(*peer) {},
		"reset":      reset,
	} {
		t.Run(name, func(t *testing.T) {
			idle := make(chan struct{})
			u := newUpstream(t, func(p *peer) {
				for {
					if _, came := p.request(); !came {
						return
					}
					p.say(ok)
					if p.n == 0 {
						<-idle
						fate(p)
						return
					}
				}
			})
			l := u.lean()
			ask(l, request(t, http.MethodGet))
			l.mu.Lock()
			ear := l.idle[0].ear
			l.mu.Unlock()
			if !ear.quiet() {
				t.Fatal("not quiet before anything happened")
			}
			close(idle)
			until(t, "the idle connection hears something", func() bool { return !ear.quiet() })
			if got := ask(l, request(t, http.MethodGet)); got.Body != "ok" || u.dialled() != 2 {
				t.Errorf("%d connections, and %+v", u.dialled(), got)
			}
		})
	}
}

// Who leaves is not waited for, whatever the upstream does, and its connection is closed at once, also when nobody
// closes the body.
func TestCallerLeaves(t *testing.T) {
	for name, tt := range map[string]struct {
		said string // by the upstream, which then waits for ever
		body bool   // there is an answer by then
	}{
		"before the answer":          {"", false},
		"in the header":              {"HTTP/1.1 200 OK\r\nX:", false},
		"after a 103":                {"HTTP/1.1 103 Early Hints\r\n\r\n", false},
		"in the body":                {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", true},
		"in the chunks":              {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", true},
		"in a body to the end":       {"HTTP/1.1 200 OK\r\n\r\nok", true},
		"before the trailer's end":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", true},
		"before the body's 1st byte": {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true},
	} {
		for _, used := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, used=%t", name, used), func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				left := errors.New("left")
				u := newUpstream(t, func(p *peer) {
					_, _ = p.request()
					if used {
						p.say(ok)
						_, _ = p.request()
					}
					p.say(tt.said)
					if !tt.body {
						cancel(left)
					}
					p.gone()
				})
				l := u.lean()
				if used {
					ask(l, request(t, http.MethodGet))
				}
				res, err := l.RoundTrip(request(t, http.MethodGet).WithContext(ctx))
				if tt.body {
					if err != nil {
						t.Fatal(err)
					}
					time.AfterFunc(time.Millisecond, func() { cancel(left) })
					_, err = io.ReadAll(res.Body)
				}
				if !errors.Is(err, left) {
					t.Errorf("got %v", err)
				}
				u.allGone()
				if l.idling() != 0 || u.dialled() != 1 {
					t.Errorf("%d idle of %d", l.idling(), u.dialled())
				}
			})
		}
	}
}

// After the last byte a connection is no longer the request's: that one's end must not touch it.
func TestCallerLeavesAfterTheEnd(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		for _, came := p.request(); came; _, came = p.request() {
			p.say(ok)
		}
	})
	l := u.lean()
	ctx, cancel := context.WithCancel(t.Context())
	res, err := l.RoundTrip(request(t, http.MethodGet).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(res.Body); string(got) != "ok" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	other, err := l.RoundTrip(request(t, http.MethodGet))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = res.Body.Close()
	if got, err := io.ReadAll(other.Body); string(got) != "ok" || err != nil || u.dialled() != 1 {
		t.Errorf("the next answer: %q, %v, %d connections", got, err, u.dialled())
	}
}

// An answer that was there in whole when its caller left may still be read, but its connection is as good as closed.
func TestCallerLeavesBeforeItReads(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		_, _ = p.request()
		p.say(ok)
		p.gone()
	})
	l := u.lean()
	ctx, cancel := context.WithCancel(t.Context())
	res, err := l.RoundTrip(request(t, http.MethodGet).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if got, err := io.ReadAll(res.Body); string(got) != "ok" && !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", got, err)
	}
	if l.idling() != 0 {
		t.Error("the connection is kept")
	}
	u.allGone()
}

func TestCloseEndsARead(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		_, _ = p.request()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
		p.gone()
	})
	res, err := u.lean().RoundTrip(request(t, http.MethodGet))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Millisecond, func() { _ = res.Body.Close() })
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("no error from a body cut short")
	}
	u.allGone()
}

// A caller that looks at informational answers gets each, with a limit of its own, and may end the request.
func TestInformational(t *testing.T) {
	const n = 20
	long := strings.Repeat("x", headerLimit/4)
	u := newUpstream(t, func(p *peer) {
		_, _ = p.request()
		for i := range n {
			p.say(fmt.Sprintf("HTTP/1.1 103 Early Hints\r\nN: %d\r\nX: %s\r\n\r\n", i, long))
		}
		p.say(ok)
		p.gone()
	})
	for _, last := range []int{n + 1, 3} {
		seen := 0
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code != 103 || h.Get("N") != fmt.Sprint(seen) {
				t.Errorf("%d %v after %d", code, h, seen)
			}
			if seen++; seen == last {
				return errors.New("enough")
			}
			return nil
		}})
		l := u.lean()
		got := ask(l, request(t, http.MethodGet).WithContext(ctx))
		l.CloseIdleConnections()
		if seen != min(n, last) || got.Failed != (last < n) {
			t.Errorf("%d informational answers and %+v", seen, got)
		}
	}
}
