package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a program that was started here, with its children.
type process struct {
	cmd  *exec.Cmd
	said *tail
	done chan struct{}
}

// start starts a program that ends with the benchmark. Its output is a pipe that is read, as in a container. In a control
// group it is from its first instruction on, if one is named.
func start(b *testing.B, group, name string, args ...string) *process {
	b.Helper()
	p, err := launch(group, name, args...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.stop)
	return p
}

func launch(group, name string, args ...string) (*process, error) {
	libraries := filepath.Join(filepath.Dir(name), "lib") // of what test/lab/build unpacks
	if group != "" {
		name, args = "sh", append([]string{"-c", `echo $$ >"$0" && exec "$@"`, group, name}, args...)
	}
	p := &process{cmd: exec.Command(name, args...), said: &tail{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.Env = os.Environ()
	if _, err := os.Stat(libraries); err == nil {
		p.cmd.Env = append(p.cmd.Env, "LD_LIBRARY_PATH="+libraries)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // nginx then ends its workers too
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // or the signal comes when this thread ends: https://go.dev/issue/27505
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended matters only before it is stopped
		}
	}()
	return p, <-started
}

// stop ends the program, and waits until it and its children are gone.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.done:
		return
	case <-time.After(300 * time.Millisecond): // kauth-proxy drains
	}
	for _, pid := range p.pids() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.done
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// tail keeps the last that a program said, for errors.
type tail struct {
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last[:0], p[max(0, len(p)-2000):]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}

// pids returns the process and all its descendants.
func (p *process) pids() []int {
	all := []int{p.cmd.Process.Pid}
	for i := 0; i < len(all); i++ {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i])) // the pattern is good
		for _, f := range files {
			text, _ := os.ReadFile(f) // gone with its thread
			for word := range strings.FieldsSeq(string(text)) {
				if pid, err := strconv.Atoi(word); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// cpu returns the CPU time that the process and its children have used, to the hundredth of a second.
func (p *process) cpu() time.Duration {
	var ticks int64
	for _, pid := range p.pids() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // gone: nothing to count
		_, rest, _ := bytes.Cut(text, []byte(") "))               // the name may have blanks
		if f := strings.Fields(string(rest)); len(f) > 12 {
			user, _ := strconv.ParseInt(f[11], 10, 64)
			system, _ := strconv.ParseInt(f[12], 10, 64)
			ticks += user + system
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on all that Go runs on
}

// sum adds up a line of a file in /proc/PID over the process and its children.
func (p *process) sum(file, line string) float64 {
	var all float64
	for _, pid := range p.pids() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if _, rest, ok := strings.Cut("\n"+string(text), "\n"+line+":"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, _ := strconv.ParseFloat(f[0], 64)
				all += n
			}
		}
	}
	return all
}

const mib = 1 << 20

func (p *process) rss() float64     { return p.sum("status", "VmRSS") / 1024 }  // MiB; pages that processes share count in each
func (p *process) peak() float64    { return p.sum("status", "VmHWM") / 1024 }  // MiB
func (p *process) written() float64 { return p.sum("io", "write_bytes") / mib } // MiB, to a disk: what goes to a tmpfs does not count

// freeAddress returns an address of loopback where nobody listened a moment ago.
func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaitLogin waits until the user gets in.
func (p *process) awaitLogin(b *testing.B, address string) error {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err := awaitAnswer(ctx, "http://"+address+"/", user, http.StatusOK, http.StatusNotFound, http.StatusForbidden, http.StatusUpgradeRequired) // there may be no page
	if err != nil {
		return fmt.Errorf("%s: %w (ended: %v)\n%s", p.cmd.Path, err, p.exited(), p.said)
	}
	return nil
}

// awaitAnswer asks again and again, on a new connection each time, until one of the wanted answers comes, and returns when.
func awaitAnswer(ctx context.Context, url, user string, want ...int) (time.Time, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	last := errors.New("not asked")
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return time.Time{}, err
		}
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		res, err := client.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if slices.Contains(want, res.StatusCode) {
				return time.Now(), nil
			}
			err = errors.New(res.Status)
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%s: %w", url, last)
		case <-time.After(200 * time.Microsecond):
		}
	}
}
