package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkFlood is 16 connections from one address that each send a different wrong password of an existing user as fast as
// they can, beside a client who was let in before and wants 50 requests a second on one connection, and a neighbour of two
// CPU-bound threads that stands for the application. While it lasts, five users who were never there log in from addresses of
// their own. Each part, the upstream too, is a process in a control group of its own, all of one weight; the gate's has no limit, or 200m.
//
// The client's requests that are due while it still waits for an answer are lost: served is the share of the wanted ones that
// got a 200. kept is what the neighbour has of its CPU time of the calm before. The senders of the flood take CPU time
// from the neighbour too, on the same machine, which is reported: flooder-cores.
func BenchmarkFlood(b *testing.B) {
	beside(b, func(g gate) bool { return g.flooded }, func(b *testing.B, l *lab, g gate) {
		b.Run("limit=none", func(b *testing.B) { l.flood(b, g, 0) })
		b.Run("limit=200m", func(b *testing.B) { l.flood(b, g, 0.2) })
	})
}

func (l *lab) flood(b *testing.B, g gate, limit float64) {
	cg := newGroups(b)
	upstream := freeAddress(b)
	conf := l.nginxConf(b, "app", "server { listen "+upstream+"; root "+filepath.Join(l.dir, "docs")+"; }")
	start(b, cg.add(b, "upstream", 0), l.tools["nginx"], "-e", "stderr", "-p", l.dir, "-c", conf)
	p, address := g.run(b, l, cg.add(b, "gate", limit), upstream)
	burning := startPart(b, cg.add(b, "neighbour", 0), "burn")
	inClient, inFlooder := cg.add(b, "client", 0), cg.add(b, "flooder", 0)
	for b.Loop() {
		calm := l.phase(b, p, burning, address, inClient, "", *storm) // as long: the calm p99 is what the other is compared with
		memory := p.rss()
		wild := l.phase(b, p, burning, address, inClient, inFlooder, *storm)
		seconds := storm.Seconds()
		b.ReportMetric(wild.client.P50*1e6, "ns/op")
		b.ReportMetric(calm.client.P50, "calm-p50-ms")
		b.ReportMetric(calm.client.P99, "calm-p99-ms")
		b.ReportMetric(wild.client.P50, "p50-ms")
		b.ReportMetric(wild.client.P99, "p99-ms")
		b.ReportMetric(100*calm.client.served(), "calm-served-%")
		b.ReportMetric(100*wild.client.served(), "served-%")
		b.ReportMetric(median(wild.newcomers), "newcomer-s")
		b.ReportMetric(largest(wild.newcomers), "newcomer-max-s")
		b.ReportMetric(100*wild.burnt/calm.burnt, "kept-%")
		b.ReportMetric(wild.used, "gate-cores")
		b.ReportMetric(calm.used, "calm-gate-cores")
		b.ReportMetric(wild.flooder.CPU/seconds, "flooder-cores")
		b.ReportMetric(float64(wild.flooder.Refused)/seconds, "wrong/s")
		b.ReportMetric(float64(wild.flooder.Throttled)/seconds, "throttled/s")
		b.ReportMetric(memory, "calm-rss-MiB")
		b.ReportMetric(p.peak(), "peak-MiB")
	}
}

// A phase is what was seen for a while; cores are of the whole while.
type phase struct {
	client      clientReport
	flooder     floodReport
	newcomers   []float64 // seconds until each was let in
	burnt, used float64   // cores of the neighbour, and of the gate
}

// phase has the client, and the flood if it has a group, work for a while.
func (l *lab) phase(b *testing.B, gate, neighbour *process, address, inClient, inFlooder string, d time.Duration) (seen phase) {
	b.Helper()
	burnt, used, start := neighbour.cpu(), gate.cpu(), time.Now()
	client := startPart(b, inClient, "client", address, d.String())
	if inFlooder != "" {
		flooder := startPart(b, inFlooder, "flood", address, d.String())
		seen.newcomers = make([]float64, len(users)-1)
		var waiting sync.WaitGroup
		for i, name := range users[1:] {
			// One after another, so that the first comes when the flood is in full swing and the last has time.
			waiting.Go(func() {
				<-time.After(time.Until(start.Add(d * time.Duration(i+1) / time.Duration(len(users)+1))))
				seen.newcomers[i] = newcomer(b, address, name, fmt.Sprintf("127.0.7.%d", i+1), start.Add(d))
			})
		}
		waiting.Wait()
		flooder.result(b, &seen.flooder)
	}
	client.result(b, &seen.client)
	took := time.Since(start).Seconds()
	seen.burnt, seen.used = (neighbour.cpu()-burnt).Seconds()/took, (gate.cpu()-used).Seconds()/took
	return seen
}

// newcomer logs in from an address, again when told to wait, and returns how many seconds that took, or how many it has
// tried in vain when the flood ended.
func newcomer(b *testing.B, address, name, from string, until time.Time) float64 {
	b.Helper()
	ctx, cancel := context.WithDeadline(b.Context(), until)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DialContext: dialerFrom(from).DialContext, DisableKeepAlives: true}}
	start := time.Now()
	for ctx.Err() == nil {
		status, wait := tryOnce(ctx, client, "http://"+address+"/page", name, password)
		if status == http.StatusOK {
			return time.Since(start).Seconds()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	b.Logf("%s did not get in for %.1f s", name, time.Since(start).Seconds())
	return time.Since(start).Seconds()
}

// startPart runs this test binary as a part of the flood.
func startPart(b *testing.B, group, part string, args ...string) *process {
	b.Helper()
	return start(b, group, "env", append([]string{role + "=" + part, os.Args[0]}, args...)...)
}

// result waits for what a part reports at its end.
func (p *process) result(b *testing.B, report any) {
	b.Helper()
	<-p.done
	if err := json.Unmarshal([]byte(strings.TrimSpace(p.said.String())), report); err != nil {
		b.Fatalf("%v: %v\n%s", p.cmd.ProcessState, err, p.said)
	}
}

func largest(values []float64) float64 {
	var most float64
	for _, v := range values {
		most = max(most, v)
	}
	return most
}
