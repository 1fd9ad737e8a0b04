package lean

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whoever asks gets the answer to its own question, however many ask at once, leave early, and whatever is cut.
func TestAnswersAreNotMixedUp(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		for {
			r, came := p.request()
			if !came {
				return
			}
			path, frame := r.URL.Path, rand.IntN(9)
			body := strings.Repeat(path+" ", rand.IntN(2000))
			switch {
			case frame == 0:
				return // nothing
			case frame == 1:
				p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nPath: %s\r\nContent-Length: 100000\r\n\r\n%s", path, body))
				return // half of it
			case frame == 2:
				p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nPath: %s\r\n\r\n%s", path, body))
				return
			case frame == 3 && r.Method == http.MethodGet: // more than was asked for
				p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nPath: %s\r\nContent-Length: 3\r\n\r\n%s%[1]sHTTP/1.1 200 OK\r\nPath: bad\r\nContent-Length: 0\r\n\r\n", path, path[:3]))
			case frame < 6 && r.Method == http.MethodGet:
				p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nPath: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", path, max(1, len(body))))
				p.say(body + strings.Repeat("x", max(0, 1-len(body))) + "\r\n0\r\n")
				p.say("\r\n")
			default:
				p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nPath: %s\r\nContent-Length: %d\r\n\r\n", path, len(body)))
				if r.Method == http.MethodGet {
					p.say(body)
				}
			}
		}
	})
	l := u.lean()
	l.IdleTimeout = 5 * time.Millisecond // the timer takes part
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 100 {
				path := fmt.Sprintf("/%d/%d", g, i)
				ctx, cancel := context.WithCancel(t.Context())
				r := request(t, []string{http.MethodGet, http.MethodHead}[i%4/3]).WithContext(ctx)
				r.URL.Path = path
				if rand.IntN(5) == 0 {
					time.AfterFunc(time.Duration(rand.IntN(1000))*time.Microsecond, cancel)
				}
				res, err := l.RoundTrip(r)
				if err == nil {
					if got := res.Header.Get("Path"); got != path {
						t.Errorf("%s got the answer to %s", path, got)
					}
					upTo := int64(1 << 20)
					if rand.IntN(5) == 0 {
						upTo = 100
						go res.Body.Close() // at any moment
					}
					body, _ := io.ReadAll(io.LimitReader(res.Body, upTo))
					for word := range strings.FieldsSeq(string(body)) {
						if !strings.HasPrefix(path, word) && word != "x" {
							t.Errorf("%s got %q in its body", path, word)
							break
						}
					}
					_ = res.Body.Close()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	l.CloseIdleConnections()
	u.allGone()
}
