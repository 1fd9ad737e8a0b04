// Command table makes Markdown tables of what `make bench-proxy` prints, which it reads from standard input: for each
// benchmark the medians of its rounds, how the CPU time of a request compares with the gates that goals are set against, and
// which goals are met.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// tables say in which order a benchmark's figures stand.
var tables = map[string][]string{
	"Request":  {"cpu-µs/req", "p99-ms", "req/s", "rss-MiB", "others-cores"},
	"Start":    {"first-200-ms", "first-200-less-hash-ms", "binary-MiB", "idle-MiB", "at-1000-MiB", "busy-1000-MiB", "busy-1000-errors"},
	"Bodies":   {"cpu-s/GiB", "MiB/s", "written-MiB/GiB", "peak-MiB"},
	"Load":     {"cpu-µs/req", "cpu-µs/echo", "p99-ms", "open-ms", "reloads", "rss-MiB", "peak-MiB"},
	"Flood":    {"calm-p50-ms", "calm-p99-ms", "p50-ms", "p99-ms", "calm-served-%", "served-%", "newcomer-s", "newcomer-max-s"},
	"FloodCPU": {"kept-%", "calm-gate-cores", "gate-cores", "flooder-cores", "wrong/s", "throttled/s", "calm-rss-MiB", "peak-MiB"},
}

var (
	order  = []string{"Request", "Start", "Bodies", "Load", "Flood", "FloodCPU"}
	ratios = []string{"nginx-plain", "reverseproxy", "nginx-apr1"} // of the first column of Request
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// results holds the values of each round, by benchmark, case and unit.
type results struct {
	cases  map[string][]string
	values map[[3]string][]float64
}

func run(in io.Reader, out io.Writer) error {
	r, err := read(in)
	if err != nil {
		return err
	}
	for _, name := range order {
		r.print(out, name)
	}
	r.printGoals(out)
	return nil
}

func read(in io.Reader) (results, error) {
	r := results{map[string][]string{}, map[[3]string][]float64{}}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		full := strings.TrimPrefix(f[0], "Benchmark")
		if i := strings.LastIndexByte(full, '-'); i > 0 { // GOMAXPROCS
			full = full[:i]
		}
		name, which, _ := strings.Cut(full, "/")
		if !slices.Contains(r.cases[name], which) {
			r.cases[name] = append(r.cases[name], which)
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return r, fmt.Errorf("%s: %w", lines.Text(), err)
			}
			key := [3]string{name, which, f[i+1]}
			r.values[key] = append(r.values[key], v)
		}
	}
	return r, lines.Err()
}

func (r results) print(out io.Writer, table string) {
	name := strings.TrimSuffix(table, "CPU") // the same benchmark, other figures
	if len(r.cases[name]) == 0 {
		return
	}
	units := slices.DeleteFunc(slices.Clone(tables[table]), func(unit string) bool {
		return !slices.ContainsFunc(r.cases[name], func(which string) bool { return r.values[[3]string{name, which, unit}] != nil })
	})
	_, _ = fmt.Fprintln(out)
	head := append([]string{name}, units...)
	if name == "Request" {
		head = append(head, "min to max")
		for _, to := range ratios {
			head = append(head, "÷ "+to)
		}
	}
	printRow(out, head)
	_, _ = fmt.Fprintln(out, strings.Repeat("|---", len(head))+"|")
	for _, which := range r.cases[name] {
		row := []string{strings.NewReplacer("gate=", "", "/", ", ", "way=", "", "=", " ").Replace(which)}
		for _, unit := range units {
			row = append(row, cell(r.values[[3]string{name, which, unit}]))
		}
		if name == "Request" {
			row = append(row, r.compared(name, which, units[0])...)
		}
		printRow(out, row)
	}
}

func printRow(out io.Writer, cells []string) {
	_, _ = fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
}

// compared is the range of a figure, and its ratios to others.
func (r results) compared(name, which, unit string) []string {
	values := r.values[[3]string{name, which, unit}]
	cells := []string{short(slices.Min(values)) + "–" + short(slices.Max(values))}
	for _, to := range ratios {
		ratio := ""
		if of := r.values[[3]string{name, "gate=" + to, unit}]; of != nil {
			ratio = strconv.FormatFloat(median(values)/median(of), 'f', 2, 64)
		}
		cells = append(cells, ratio)
	}
	return cells
}

func cell(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	return short(median(values))
}

// short prints three digits, and all those before the point.
func short(v float64) string {
	decimals := 0
	for limit := 100.0; v < limit && decimals < 2 && v != 0; limit /= 10 {
		decimals++
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[n/2] + values[(n-1)/2]) / 2
}
