package peers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

const starts = 7

// BenchmarkStart starts each gate seven times and reports the median time from exec to the first 200 with the password,
// and the same beside what hashing it takes on this machine just now; the size of the program; and its memory: idle, a second
// after that 200, when 1,000 clients have been let in and keep their connections, and at most when 1,000 come at once and are as
// fast as they can, with what went wrong then: connections that were closed, and answers other than 2xx.
func BenchmarkStart(b *testing.B) {
	beside(b, every, func(b *testing.B, l *lab, g gate) {
		var first, hash float64
		for b.Loop() {
			ms, cost := g.firstAnswer(b, l)
			first, hash = first+ms, hash+cost
		}
		n := float64(b.N)
		b.ReportMetric(first/n*1e6, "ns/op")
		b.ReportMetric(first/n, "first-200-ms")
		b.ReportMetric((first-hash)/n, "first-200-less-hash-ms")
		info, err := os.Stat(g.command(b, l, "127.0.0.1:1", l.upstream)[0])
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/mib, "binary-MiB")

		p, address := g.run(b, l, "", l.upstream)
		<-time.After(time.Second)
		b.ReportMetric(p.rss(), "idle-MiB")
		held := hold(b, address, 1000)
		b.ReportMetric(p.rss(), "at-1000-MiB")
		closeAll(held)
		w, err := l.tryWrk(address, 1000, *each)
		if w.requests == 0 {
			b.Fatal(err)
		}
		b.ReportMetric(p.peak(), "busy-1000-MiB")
		b.ReportMetric(w.errors, "busy-1000-errors")
	})
}

// firstAnswer returns the medians of the time to the first 200, and of one hash; in ms.
func (g gate) firstAnswer(b *testing.B, l *lab) (first, hash float64) {
	b.Helper()
	stored, err := htpasswd.ParseHash(l.bcrypt[user])
	if err != nil {
		b.Fatal(err)
	}
	var took, hashed [starts]float64
	for i := range starts {
		if g.bcrypt {
			start := time.Now()
			if !stored.Match(password) {
				b.Fatal("the hash is not the password's")
			}
			hashed[i] = inMs(time.Since(start))
		}
		address := freeAddress(b)
		command := g.command(b, l, address, l.upstream)
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		begin := time.Now()
		p := start(b, "", command[0], command[1:]...)
		end, err := awaitAnswer(ctx, "http://"+address+"/page", user, http.StatusOK)
		cancel()
		if err != nil {
			b.Fatalf("%v\n%s", err, p.said)
		}
		took[i] = inMs(end.Sub(begin))
		p.stop()
	}
	return median(took[:]), median(hashed[:])
}

func inMs(d time.Duration) float64 { return d.Seconds() * 1e3 }

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

// hold opens connections on each of which a request is let in, and keeps them.
func hold(b *testing.B, address string, n int) []net.Conn {
	b.Helper()
	held := make([]net.Conn, n)
	errs := make(chan error, n)
	var workers sync.WaitGroup
	for w := range 32 {
		workers.Go(func() {
			for i := w; i < n; i += 32 {
				conn, err := net.Dial("tcp", address)
				if err == nil {
					held[i] = conn
					err = ask(conn)
				}
				if err != nil {
					errs <- fmt.Errorf("connection %d: %w", i, err)
					return
				}
			}
		})
	}
	workers.Wait()
	select {
	case err := <-errs:
		b.Fatal(err)
	default:
	}
	return held
}

// ask fetches the page over a connection.
func ask(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "GET /page HTTP/1.1\r\nHost: app\r\nAuthorization: %s\r\n\r\n", credential); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	return finish(res, 1<<10)
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
