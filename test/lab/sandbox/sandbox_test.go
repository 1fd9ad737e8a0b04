//go:build linux

package sandbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/test/lab/sandbox"
)

// actKey lets this program, started anew by a test, be one that uses a sandbox; its value says what it does inside.
const actKey = "KAUTH_SANDBOX_TEST"

func TestMain(m *testing.M) {
	act := os.Getenv(actKey)
	if act == "" {
		if os.Geteuid() != 0 { // not a skip, which nobody would see
			fmt.Fprintln(os.Stderr, sandbox.ErrNotRoot)
			os.Exit(2)
		}
		os.Exit(m.Run())
	}
	code, err := sandbox.Run(func(sandbox.World) error { return nil }, func(w sandbox.World) int { return inside(w, act) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// inside makes what has to be swept: a process that nobody waits for, in a control group, which is frozen if so asked.
func inside(w sandbox.World, act string) int {
	if err := w.MakeCgroup(); err != nil {
		fmt.Println(err)
		return 1
	}
	group := groups(w.Cgroup)[0] + "/pods"
	if !sandbox.Unified() {
		group = "/sys/fs/cgroup/freezer" + w.Cgroup + "/pods"
	}
	orphan := exec.Command("setsid", "sleep", "3600")
	if err := errors.Join(os.Mkdir(group, 0o755), orphan.Start()); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := os.WriteFile(group+"/cgroup.procs", []byte(strconv.Itoa(orphan.Process.Pid)), 0o600); err != nil {
		fmt.Println(err)
		return 1
	}
	if act == "freeze" {
		file, value := group+"/freezer.state", "FROZEN"
		if sandbox.Unified() {
			file, value = group+"/cgroup.freeze", "1"
		}
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	fmt.Println(w.Dir, w.Cgroup)
	if act == "wait" {
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	return 7
}

// groups lists the folders of a control group in all hierarchies.
func groups(name string) []string {
	pattern := "/sys/fs/cgroup/*" + name
	if sandbox.Unified() {
		pattern = "/sys/fs/cgroup" + name
	}
	found, _ := filepath.Glob(pattern)
	return found
}

// A user is a program that uses a sandbox.
type user struct {
	*exec.Cmd
	dir, cgroup string
}

func start(t *testing.T, act string) *user {
	t.Helper()
	u := &user{Cmd: exec.Command(os.Args[0])}
	u.Env = append(os.Environ(), actKey+"="+act)
	u.Stderr = os.Stderr
	out, err := u.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.StdinPipe(); err != nil { // open until the program ends
		t.Fatal(err)
	}
	if err := u.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanned := fmt.Sscan(line, &u.dir, &u.cgroup); err != nil || scanned != nil {
		t.Fatalf("the program inside says %q, %v", line, errors.Join(err, scanned))
	}
	return u
}

// left lists what is still there of the sandbox.
func (u *user) left() (things []string) {
	if _, err := os.Lstat(u.dir); err == nil {
		things = append(things, u.dir)
	}
	things = append(things, groups(u.cgroup)...)
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range environments {
		if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), "KAUTH_LAB_DIR="+u.dir) {
			things = append(things, filepath.Dir(file))
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	if strings.Contains(string(mounts), u.dir) {
		things = append(things, "a mount below "+u.dir)
	}
	return things
}

func (u *user) waitGone(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); len(u.left()) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left behind: %q", u.left())
		}
	}
}

// When the program ends, its exit code is handed on, and nothing is left by then; not even with frozen processes, which
// nobody can kill before they are thawed.
func TestNothingIsLeft(t *testing.T) {
	for _, act := range []string{"end", "freeze"} {
		t.Run(act, func(t *testing.T) {
			u := start(t, act)
			err := u.Wait()
			if ended, ok := errors.AsType[*exec.ExitError](err); !ok || ended.ExitCode() != 7 {
				t.Errorf("ended with %v, want 7", err)
			}
			if left := u.left(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Nor is anything left of a program that is killed, or told to end.
func TestNothingIsLeftAfterASignal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			u := start(t, "wait")
			if len(u.left()) < 4 { // the folder, a control group, two processes
				t.Fatalf("of a sandbox in use there is only %q", u.left())
			}
			if err := u.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			if err := u.Wait(); err == nil {
				t.Error("ended well")
			}
			u.waitGone(t)
		})
	}
}

// Two at once do not get into each other's way.
func TestTwoAtOnce(t *testing.T) {
	one, two := start(t, "wait"), start(t, "wait")
	if err := one.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = one.Wait()
	one.waitGone(t)
	if left := two.left(); len(left) < 4 {
		t.Errorf("when one ended, of the other only %q was left", left)
	}
}

// Without root, the program says so and exits with 2.
func TestNeedsRoot(t *testing.T) {
	exe := filepath.Join("/tmp", filepath.Base(t.TempDir())+".test") // where nobody may read
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, program, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(exe) })
	cmd := exec.Command(exe)
	cmd.Env, cmd.Dir = append(os.Environ(), actKey+"=end"), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); !ok || ended.ExitCode() != 2 || !strings.Contains(string(out), "root") {
		t.Errorf("as nobody: %v %q, want exit code 2 and a word about root", err, out)
	}
}
