package peers

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkRequest is 32 keep-alive connections that fetch a page of 1 KiB with a password that was verified before, as
// fast as they can. Reported are the CPU time of the gate and its children a request, what a wrk sees, and the memory at the
// end. The gate, wrk and the upstream share the machine's cores: req/s depends on all three, cpu-µs/req on the gate.
// others-cores is what else the machine did meanwhile; where that is not near zero, measure again.
func BenchmarkRequest(b *testing.B) {
	beside(b, every, func(b *testing.B, l *lab, g gate) {
		p, address := g.run(b, l, "", l.upstream)
		l.wrk(b, address, 32, time.Second)
		var requests, cpu, p99, seconds, others float64
		for b.Loop() {
			before, idle := p.cpu(), l.others(p)
			w := l.wrk(b, address, 32, *each)
			cpu += (p.cpu() - before).Seconds()
			others += (l.others(p) - idle - w.cpu).Seconds()
			requests, seconds, p99 = requests+w.requests, seconds+w.seconds, p99+w.p99
		}
		b.ReportMetric(seconds/requests*1e9, "ns/op")
		b.ReportMetric(cpu/requests*1e6, "cpu-µs/req")
		b.ReportMetric(p99/float64(b.N), "p99-ms")
		b.ReportMetric(requests/seconds, "req/s")
		b.ReportMetric(p.rss(), "rss-MiB")
		b.ReportMetric(max(others/seconds, 0), "others-cores")
	})
}

// A loaded is what wrk says.
type loaded struct {
	requests, errors, seconds, p99 float64 // p99 in ms
	cpu                            time.Duration
}

var (
	wrkTotal   = regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+)(s|m),`)
	wrkP99     = regexp.MustCompile(`(?m)^\s+99%\s+([\d.]+)(us|ms|s|m)\s*$`) // not a Stdev of 85.99%
	wrkErrors  = regexp.MustCompile(`(?m)^\s*(?:Socket errors|Non-2xx or 3xx responses): .*$`)
	digits     = regexp.MustCompile(`\d+`)
	inMillis   = map[string]float64{"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3}
	inSeconds  = map[string]float64{"s": 1, "m": 60}
	credential = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
)

// wrk loads a gate. An answer that is not 2xx, or an error of a connection, fails the benchmark.
func (l *lab) wrk(b *testing.B, address string, connections int, d time.Duration) loaded {
	b.Helper()
	w, err := l.tryWrk(address, connections, d)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// tryWrk is wrk, for those who may not fail, or want to know.
func (l *lab) tryWrk(address string, connections int, d time.Duration) (loaded, error) {
	p, err := launch("", l.tools["wrk"], "-t1", fmt.Sprint("-c", connections), fmt.Sprintf("-d%.0fs", max(d.Seconds(), 1)),
		"--latency", "-H", "Authorization: "+credential, "http://"+address+"/page")
	if err != nil {
		return loaded{}, err
	}
	<-p.done
	text, state := p.said.String(), p.cmd.ProcessState
	total, p99 := wrkTotal.FindStringSubmatch(text), wrkP99.FindStringSubmatch(text)
	if total == nil || p99 == nil {
		return loaded{}, fmt.Errorf("wrk: %v\n%s", state, text)
	}
	number := func(s string) float64 { n, _ := strconv.ParseFloat(s, 64); return n }
	w := loaded{
		requests: number(total[1]), seconds: number(total[2]) * inSeconds[total[3]], p99: number(p99[1]) * inMillis[p99[2]],
		cpu: state.UserTime() + state.SystemTime(),
	}
	if errs := wrkErrors.FindAllString(text, -1); errs != nil {
		for _, n := range digits.FindAllString(strings.ReplaceAll(strings.Join(errs, " "), "2xx or 3xx", ""), -1) {
			w.errors += number(n)
		}
		err = fmt.Errorf("wrk: %.0f requests, %s", w.requests, strings.Join(errs, "; "))
	}
	return w, err
}
