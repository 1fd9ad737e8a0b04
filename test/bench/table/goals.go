package main

import (
	"fmt"
	"io"
	"strconv"
)

// A goal is an upper limit for a figure of kauth-proxy, as it is or as its ratio to another gate's.
type goal struct {
	what, benchmark, way, unit string
	to                         string  // the gate that the figure is divided by; empty: none
	limit, least               float64 // least: what is good enough; 0: nothing but the limit
}

// goals are those of the issue that asked for the comparison.
var goals = []goal{
	{"CPU a request ÷ nginx-plain", "Request", "", "cpu-µs/req", "nginx-plain", 2, 2.5},
	{"CPU a request ÷ nginx-apr1", "Request", "", "cpu-µs/req", "nginx-apr1", 0.25, 0},
	{"CPU a request ÷ reverseproxy", "Request", "", "cpu-µs/req", "reverseproxy", 0.75, 0},
	{"p99 ÷ reverseproxy", "Request", "", "p99-ms", "reverseproxy", 1, 0},
	{"first 200 beside the hash, ms", "Start", "", "first-200-less-hash-ms", "", 20, 0},
	{"binary, MiB", "Start", "", "binary-MiB", "", 14, 0},
	{"idle, MiB", "Start", "", "idle-MiB", "", 12, 0},
	{"1,000 kept connections, MiB", "Start", "", "at-1000-MiB", "", 40, 0},
	{"1,000 busy connections, MiB", "Start", "", "busy-1000-MiB", "", 40, 0},
	{"50 MiB down, CPU seconds a GiB", "Bodies", "/way=down", "cpu-s/GiB", "", 0.7, 0},
	{"50 MiB up, CPU seconds a GiB", "Bodies", "/way=up", "cpu-s/GiB", "", 0.7, 0},
	{"50 MiB down, written to disk, MiB", "Bodies", "/way=down", "written-MiB/GiB", "", 0, 0},
	{"50 MiB up, written to disk, MiB", "Bodies", "/way=up", "written-MiB/GiB", "", 0, 0},
}

// printGoals says which goals the medians meet. Peers write no log of requests, so the second column is the fair one.
func (r results) printGoals(out io.Writer) {
	if len(r.cases["Request"]) == 0 {
		return
	}
	_, _ = fmt.Fprintln(out)
	printRow(out, []string{"Goal", "at most", "good enough", "log on", "log off"})
	_, _ = fmt.Fprintln(out, "|---|---|---|---|---|")
	for _, g := range goals {
		enough := ""
		if g.least > 0 {
			enough = plain(g.least)
		}
		printRow(out, []string{g.what, plain(g.limit), enough, r.judge(g, "kauth-bcrypt"), r.judge(g, "kauth-bcrypt-nolog")})
	}
}

func (r results) judge(g goal, gate string) string {
	values, of := r.values[[3]string{g.benchmark, "gate=" + gate + g.way, g.unit}], 1.0
	if g.to != "" {
		others := r.values[[3]string{g.benchmark, "gate=" + g.to + g.way, g.unit}]
		if len(others) == 0 {
			return ""
		}
		of = median(others)
	}
	if len(values) == 0 {
		return ""
	}
	v := median(values) / of
	switch text := short(v); {
	case v <= g.limit:
		return text + ", met"
	case v <= g.least:
		return text + ", good enough"
	default:
		return text + ", missed"
	}
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
