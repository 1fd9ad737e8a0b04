package peers

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// BenchmarkBodies sends 50 MiB bodies over one connection, one after another, and reports the gate's CPU time and what it
// wrote to disk, both a GiB. Downloads come from nginx; uploads go to a server that reads all of a body before it answers.
// The disk is the one with the benchmark's temporary folder: on a tmpfs nothing is counted.
func BenchmarkBodies(b *testing.B) {
	beside(b, every, func(b *testing.B, l *lab, g gate) {
		b.Run("way=down", func(b *testing.B) {
			l.transfer(b, g, l.upstream, func(client *http.Client, base string) error { return download(client, base+"/body") })
		})
		b.Run("way=up", func(b *testing.B) {
			l.transfer(b, g, l.sink, func(client *http.Client, base string) error { return upload(client, base+"/") })
		})
	})
}

func (l *lab) transfer(b *testing.B, g gate, upstream string, one func(*http.Client, string) error) {
	b.Helper()
	p, address := g.run(b, l, "", upstream)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, ReadBufferSize: 256 << 10, WriteBufferSize: 256 << 10}}
	if err := one(client, "http://"+address); err != nil {
		b.Fatal(err)
	}
	var gib, cpu, written, seconds float64
	for b.Loop() {
		usedBefore, writtenBefore, start := p.cpu(), p.written(), time.Now()
		for range *bodies {
			if err := one(client, "http://"+address); err != nil {
				b.Fatalf("%v\n%s", err, p.said)
			}
		}
		seconds += time.Since(start).Seconds()
		cpu, written = cpu+(p.cpu()-usedBefore).Seconds(), written+p.written()-writtenBefore
		gib += float64(*bodies) * bodySize / (1 << 30)
	}
	b.ReportMetric(seconds/float64(b.N**bodies)*1e9, "ns/op")
	b.ReportMetric(cpu/gib, "cpu-s/GiB")
	b.ReportMetric(gib*1024/seconds, "MiB/s")
	b.ReportMetric(written/gib, "written-MiB/GiB")
	b.ReportMetric(p.peak(), "peak-MiB")
}

func download(client *http.Client, url string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(user, password)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	return finish(res, bodySize)
}

// finish reads and closes an answer, which must be a 200 with so many bytes.
func finish(res *http.Response, want int64) error {
	defer res.Body.Close()
	buf := make([]byte, min(want, 256<<10))
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{res.Body}, buf)
	if err != nil || n != want || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s and %d bytes, want 200 and %d: %w", res.Status, n, want, err)
	}
	return nil
}

var blank = make([]byte, bodySize)

func upload(client *http.Client, url string) error {
	req, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(blank))
	if err != nil {
		return err
	}
	req.SetBasicAuth(user, password)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || string(text) != strconv.Itoa(bodySize) {
		return fmt.Errorf("%s: the application got %q bytes: %w", res.Status, text, err)
	}
	return nil
}
