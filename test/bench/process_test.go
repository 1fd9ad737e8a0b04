// Package bench owns the benchmarks of whole processes: kauth beside cat and beside Helm, as a post-renderer is run.
package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// asked makes the test binary run its arguments as a command and write what the kernel accounts to it into the file that
// this variable names. A process inherits the peak memory of the one that starts it, so that one has to be small.
const asked = "KAUTH_BENCH_MEASURE"

func TestMain(m *testing.M) {
	file := os.Getenv(asked)
	if file == "" {
		os.Exit(m.Run())
	}
	cmd := exec.CommandContext(context.Background(), os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	state := cmd.ProcessState
	text := fmt.Sprintln(time.Since(start).Nanoseconds(), (state.UserTime() + state.SystemTime()).Microseconds(), state.SysUsage().(*syscall.Rusage).Maxrss)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		os.Exit(1)
	}
}

// BenchmarkProcess runs each program on kube-prometheus-stack as Helm renders it (670 KB, 128 documents), from exec to
// exit, standard input a file and standard output a pipe that is read. Beside the time it reports the CPU time and the
// peak resident memory that the kernel accounts to the process; the latter has a floor of about 20 MiB, which is what the
// process that measures takes.
func BenchmarkProcess(b *testing.B) {
	stream := filepath.Join(testenv.Shared(b), "manifests/kube-prometheus-stack/alb.yaml")
	text, err := os.ReadFile(stream)
	if err != nil {
		b.Fatal(err)
	}
	kauth := build(b)
	repeated := filepath.Join(b.TempDir(), "x100.yaml")
	if err := os.WriteFile(repeated, repeat(text, 100), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("cat", func(b *testing.B) { process(b, stream, "cat") })
	b.Run("kauth-version", func(b *testing.B) { process(b, os.DevNull, kauth, "version") })
	b.Run("kauth", func(b *testing.B) { process(b, stream, kauth) })
	b.Run("helm-template", func(b *testing.B) {
		process(b, os.DevNull, testenv.Tool(b, "helm3"), "template", "same-size", chartOf(b, text))
	})
	b.Run("cat-x100", func(b *testing.B) { process(b, repeated, "cat") })
	b.Run("kauth-x100", func(b *testing.B) { process(b, repeated, kauth) })
	b.Run("kauth-x100-pipe", func(b *testing.B) { process(b, repeated, "sh", "-c", `cat | "$0"`, kauth) })
}

func build(b *testing.B) string {
	b.Helper()
	root, err := testenv.Root()
	if err != nil {
		b.Fatal(err)
	}
	out := filepath.Join(b.TempDir(), "kauth")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./cmd/kauth")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
	return out
}

// repeat gives the stream times over, each time under namespaces of its own.
func repeat(stream []byte, times int) []byte {
	var all []byte
	for i := range times {
		all = append(all, bytes.ReplaceAll(stream, []byte("namespace: monitoring\n"), fmt.Appendf(nil, "namespace: monitoring-%d\n", i))...)
	}
	return all
}

// chartOf makes a chart that renders to the documents of a stream, a template each.
func chartOf(b *testing.B, stream []byte) string {
	b.Helper()
	dir := b.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("Chart.yaml", "apiVersion: v2\nname: same-size\nversion: 1.0.0\n")
	for i, doc := range strings.Split(string(stream), "\n---\n") {
		name := fmt.Sprintf("documents/%03d.yaml", i)
		write(name, doc+"\n")
		write(fmt.Sprintf("templates/%03d.yaml", i), fmt.Sprintf("{{ .Files.Get %q }}", name))
	}
	return dir
}

func process(b *testing.B, stdin string, name string, args ...string) {
	b.Helper()
	info, err := os.Stat(stdin)
	if err != nil {
		b.Fatal(err)
	}
	if info.Mode().IsRegular() {
		b.SetBytes(info.Size())
	}
	measured := filepath.Join(b.TempDir(), "measured")
	var wallSum, cpuSum, peakMax int64
	for b.Loop() {
		in, err := os.Open(stdin)
		if err != nil {
			b.Fatal(err)
		}
		var out counter
		var complaint bytes.Buffer
		cmd := exec.CommandContext(b.Context(), os.Args[0], append([]string{name}, args...)...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = in, &out, &complaint, append(os.Environ(), asked+"="+measured)
		err = cmd.Run()
		_ = in.Close() // only read from
		if err != nil || out == 0 {
			b.Fatalf("%v, %d bytes of output\n%s", err, out, complaint.String())
		}
		text, err := os.ReadFile(measured)
		if err != nil {
			b.Fatal(err)
		}
		var wall, cpu, peak int64
		if _, err := fmt.Sscan(string(text), &wall, &cpu, &peak); err != nil {
			b.Fatal(err)
		}
		wallSum, cpuSum, peakMax = wallSum+wall, cpuSum+cpu, max(peakMax, peak)
	}
	b.ReportMetric(float64(wallSum)/float64(b.N), "ns/op") // without the process that measures
	b.ReportMetric(float64(cpuSum)/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(peakMax)/1024, "peak-MiB")
}

// counter throws away what it counts.
type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
