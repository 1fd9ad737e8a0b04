package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// BenchmarkLoad is what one sidecar must bear. Any error fails it.
func BenchmarkLoad(b *testing.B) {
	l := newLab(b)
	b.Run("idle=10000", l.benchmarkIdle)
	b.Run("websockets=1000", l.benchmarkWebSockets)
	b.Run("users=10000", l.benchmarkReloads)
}

// benchmarkIdle has 10,000 clients let in who keep their connections, and all of them ask again.
func (l *lab) benchmarkIdle(b *testing.B) {
	p, address := named("kauth-bcrypt").run(b, l, "", l.upstream)
	for b.Loop() {
		held := hold(b, address, 10_000)
		b.ReportMetric(p.rss(), "rss-MiB")
		before, start := p.cpu(), time.Now()
		for _, c := range held {
			if err := ask(c); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((p.cpu()-before).Seconds()/float64(len(held))*1e6, "cpu-µs/req")
		b.ReportMetric(time.Since(start).Seconds()/float64(len(held))*1e9, "ns/op")
		b.ReportMetric(p.peak(), "peak-MiB")
		closeAll(held)
	}
}

// benchmarkWebSockets opens 1,000 WebSockets, each of which then sends ten messages and gets them back.
func (l *lab) benchmarkWebSockets(b *testing.B) {
	app := httptest.NewServer(http.HandlerFunc(echo))
	b.Cleanup(app.Close)
	p, address := named("kauth-bcrypt").run(b, l, "", strings.TrimPrefix(app.URL, "http://"))
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		sockets := make([]*websocket.Conn, 1000)
		start := time.Now()
		inParallel(b, len(sockets), func(i int) (err error) {
			sockets[i], _, err = websocket.Dial(ctx, "ws://"+address+"/", &websocket.DialOptions{
				HTTPHeader: http.Header{"Authorization": {credential}},
			})
			return err
		})
		b.ReportMetric(inMs(time.Since(start)), "open-ms")
		b.ReportMetric(p.rss(), "rss-MiB")
		before, start := p.cpu(), time.Now()
		const messages = 10
		inParallel(b, len(sockets), func(i int) error { return exchange(ctx, sockets[i], i, messages) })
		b.ReportMetric(time.Since(start).Seconds()/float64(len(sockets)*messages)*1e9, "ns/op")
		b.ReportMetric((p.cpu()-before).Seconds()/float64(len(sockets)*messages)*1e6, "cpu-µs/echo")
		b.ReportMetric(p.peak(), "peak-MiB")
		for _, s := range sockets {
			_ = s.CloseNow()
		}
		cancel()
	}
}

func named(name string) gate {
	for _, g := range gates {
		if g.name == name {
			return g
		}
	}
	return gate{}
}

// inParallel calls do for each number below n, 32 at once.
func inParallel(b *testing.B, n int, do func(int) error) {
	b.Helper()
	errs := make([]error, 32)
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				errs[w] = do(i)
			}
		})
	}
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it was a login, which has been answered
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

func exchange(ctx context.Context, socket *websocket.Conn, id, messages int) error {
	for m := range messages {
		sent := fmt.Sprintf("message %d of %d", m, id)
		if err := socket.Write(ctx, websocket.MessageText, []byte(sent)); err != nil {
			return err
		}
		if _, got, err := socket.Read(ctx); err != nil || string(got) != sent {
			return fmt.Errorf("got %q for %q: %w", got, sent, err)
		}
	}
	return nil
}

// benchmarkReloads has 10,000 users in the file, which is replaced every 600 ms (it is looked at twice a second), while 32
// connections fetch the page as fast as they can.
func (l *lab) benchmarkReloads(b *testing.B) {
	var others strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&others, "user%d:%s\n", i, l.bcrypt[user])
	}
	file, version := l.write(b, "many.users", l.bcryptLines()+others.String()), 0
	address, admin := freeAddress(b), freeAddress(b)
	command := kauthWith(l, address, admin, l.upstream, file)
	p := start(b, "", command[0], command[1:]...)
	if err := p.awaitLogin(b, address); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(p.rss(), "rss-MiB")
	for b.Loop() {
		var w loaded
		var failed error
		done, before := make(chan struct{}), p.cpu()
		go func() {
			defer close(done)
			w, failed = l.tryWrk(address, 32, 3**each)
		}()
		reloads := -reloadsOf(b, admin)
		for running := true; running; {
			version++
			change := l.write(b, "new.users", fmt.Sprintf("%suser%d:%s\n%s", l.bcryptLines(), -version, l.bcrypt[user], others.String()))
			if err := os.Rename(change, file); err != nil {
				b.Fatal(err)
			}
			select {
			case <-done:
				running = false
			case <-time.After(600 * time.Millisecond):
			}
		}
		if failed != nil {
			b.Fatal(failed)
		}
		reloads += reloadsOf(b, admin)
		b.ReportMetric(w.seconds/w.requests*1e9, "ns/op")
		b.ReportMetric((p.cpu()-before).Seconds()/w.requests*1e6, "cpu-µs/req")
		b.ReportMetric(w.p99, "p99-ms")
		b.ReportMetric(reloads, "reloads")
		b.ReportMetric(p.peak(), "peak-MiB")
	}
}

// reloadsOf reads from the metrics how often a users file came into force; none may have failed.
func reloadsOf(b *testing.B, admin string) float64 {
	b.Helper()
	res, err := http.Get("http://" + net.JoinHostPort("127.0.0.1", admin[strings.LastIndexByte(admin, ':')+1:]) + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	count := func(result string) float64 {
		_, rest, _ := strings.Cut(string(text), "\nkauth_proxy_reloads_total{result=\""+result+"\"} ")
		line, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.ParseFloat(line, 64)
		if err != nil {
			b.Fatalf("no count of reloads: %v", err)
		}
		return n
	}
	if failed := count("failure"); failed > 0 {
		b.Fatalf("%g reloads failed", failed)
	}
	return count("success")
}
