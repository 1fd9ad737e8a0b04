package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTables(t *testing.T) {
	const in = `goos: linux
BenchmarkRequest/gate=nginx-plain-2    1   15705 ns/op   10.0 cpu-µs/req   1.5 p99-ms
BenchmarkRequest/gate=kauth-bcrypt-2   1   15705 ns/op   21.0 cpu-µs/req   6 p99-ms
    request_test.go:18: said something
BenchmarkRequest/gate=nginx-plain-2    1   15705 ns/op   12.0 cpu-µs/req   1.7 p99-ms
BenchmarkRequest/gate=kauth-bcrypt-2   1   15705 ns/op   19.0 cpu-µs/req   400 p99-ms
BenchmarkRequest/gate=kauth-bcrypt-2   1   15705 ns/op   22.0 cpu-µs/req   7 p99-ms
BenchmarkBodies/gate=kauth-bcrypt/way=up-2   1   5 ns/op   0.5 cpu-s/GiB   0 written-MiB/GiB
PASS
`
	const want = `
| Request | cpu-µs/req | p99-ms | min to max | ÷ nginx-plain | ÷ reverseproxy | ÷ nginx-apr1 |
|---|---|---|---|---|---|---|
| nginx-plain | 11.0 | 1.60 | 10.0–12.0 | 1.00 |  |  |
| kauth-bcrypt | 21.0 | 7.00 | 19.0–22.0 | 1.91 |  |  |

| Bodies | cpu-s/GiB | written-MiB/GiB |
|---|---|---|
| kauth-bcrypt, up | 0.50 | 0 |
`
	var out strings.Builder
	if err := run(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	tables, goals, _ := strings.Cut(out.String(), "\n| Goal |")
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, row := range []string{
		"| CPU a request ÷ nginx-plain | 2 | 2.5 | 1.91, met |  |\n", "| CPU a request ÷ reverseproxy | 0.75 |  |  |  |\n",
		"| 50 MiB up, written to disk, MiB | 0 |  | 0, met |  |\n",
	} {
		if !strings.Contains(goals, row) {
			t.Errorf("no %q in %s", row, goals)
		}
	}
}
