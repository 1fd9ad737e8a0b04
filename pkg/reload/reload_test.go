package reload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// source is a file that a test can make of anything.
type source struct {
	mu      sync.Mutex
	content string
	err     error
}

func (s *source) read() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.content), s.err
}

func (s *source) set(content string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content, s.err = content, err
}

var errBad = errors.New("line 1: bad")

// build refuses what begins with "bad".
func build(content []byte) (string, error) {
	if strings.HasPrefix(string(content), "bad") {
		return "", errBad
	}
	return "<" + string(content) + ">", nil
}

// summary is a state in one line.
func summary(s State[string]) string {
	return fmt.Sprintf("%s ok=%v absent=%v err=%v reloads=%d failures=%d", s.Value, s.OK, s.Absent, s.Err, s.Reloads, s.Failures)
}

func TestRun(t *testing.T) {
	denied := errors.New("permission denied")
	for _, tc := range []struct {
		name  string
		steps func(s *source) []func()
		want  []string // one for each time that OnChange is called, after the first
	}{
		{"new content", func(s *source) []func() { return []func(){func() { s.set("b", nil) }, func() { s.set("b", nil) }} }, []string{
			"<b> ok=true absent=false err=<nil> reloads=2 failures=0",
		}},
		{"bad content keeps the last good", func(s *source) []func() {
			return []func(){func() { s.set("bad", nil) }, func() { s.set("bad", nil) }, func() { s.set("bad2", nil) }, func() { s.set("c", nil) }}
		}, []string{
			"<a> ok=true absent=false err=line 1: bad reloads=1 failures=1",
			"<a> ok=true absent=false err=line 1: bad reloads=1 failures=2",
			"<c> ok=true absent=false err=<nil> reloads=2 failures=2",
		}},
		{"bad and back is no reload", func(s *source) []func() {
			return []func(){func() { s.set("bad", nil) }, func() { s.set("a", nil) }}
		}, []string{
			"<a> ok=true absent=false err=line 1: bad reloads=1 failures=1",
			"<a> ok=true absent=false err=<nil> reloads=1 failures=1",
		}},
		{"gone takes the value away, also when it comes back bad", func(s *source) []func() {
			return []func(){func() { s.set("", fs.ErrNotExist) }, func() { s.set("bad", nil) }, func() { s.set("a", nil) }}
		}, []string{
			" ok=false absent=true err=file does not exist reloads=1 failures=1",
			" ok=false absent=false err=line 1: bad reloads=1 failures=2",
			"<a> ok=true absent=false err=<nil> reloads=2 failures=2",
		}},
		{"unreadable keeps the last good", func(s *source) []func() {
			return []func(){func() { s.set("", denied) }, func() { s.set("a", nil) }}
		}, []string{
			"<a> ok=true absent=false err=permission denied reloads=1 failures=1",
			"<a> ok=true absent=false err=<nil> reloads=1 failures=1",
		}},
		{"empty is a content", func(s *source) []func() { return []func(){func() { s.set("", nil) }} }, []string{
			"<> ok=true absent=false err=<nil> reloads=2 failures=0",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{content: "a"}
				var got []string
				w := &Watcher[string]{Read: s.read, Build: build, OnChange: func(s State[string]) { got = append(got, summary(s)) }}
				if err := w.Load(); err != nil {
					t.Fatal(err)
				}
				if err := w.Load(); err != nil || len(got) != 1 {
					t.Fatalf("a second Load: %v, %d changes", err, len(got))
				}
				go func() { _ = w.Run(t.Context()) }()
				for _, step := range tc.steps(s) {
					<-time.After(123 * time.Millisecond)
					step()
					<-time.After(time.Second - 123*time.Millisecond) // in force within a second
				}
				synctest.Wait()
				if diff := cmp.Diff(tc.want, got[1:]); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if last := got[len(got)-1]; summary(w.State()) != last {
					t.Errorf("State is %s, and OnChange was told %s", summary(w.State()), last)
				}
			})
		})
	}
}

// TestRewrite empties the file and fills it bit by bit, at every moment that a look may fall on: nothing but the whole
// counts.
func TestRewrite(t *testing.T) {
	for offset := range 50 {
		synctest.Test(t, func(t *testing.T) {
			s := &source{content: "old"}
			var seen []string
			w := &Watcher[string]{Read: s.read, Build: build, OnChange: func(s State[string]) { seen = append(seen, s.Value) }}
			_ = w.Load()
			go func() { _ = w.Run(t.Context()) }()
			<-time.After(time.Duration(offset) * 11 * time.Millisecond)
			for _, content := range []string{"", "ba", "bad", "bad or n", "NEW"} {
				s.set(content, nil)
				<-time.After(15 * time.Millisecond)
			}
			<-time.After(time.Second)
			synctest.Wait()
			if diff := cmp.Diff([]string{"<old>", "<NEW>"}, seen); diff != "" {
				t.Errorf("offset %d (-want +got):\n%s", offset, diff)
			}
		})
	}
}

func TestFileThatNeverSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, changes := 0, 0
		w := &Watcher[string]{
			Read:     func() ([]byte, error) { n++; return fmt.Append(nil, n), nil },
			Build:    build,
			OnChange: func(State[string]) { changes++ },
		}
		_ = w.Load()
		go func() { _ = w.Run(t.Context()) }()
		<-time.After(time.Minute)
		synctest.Wait()
		if s := w.State(); s.Value != "<1>" || !errors.Is(s.Err, errUnsettled) || changes != 2 {
			t.Errorf("%s after %d changes", summary(s), changes)
		}
	})
}

func TestLoadWithoutFile(t *testing.T) {
	w := &Watcher[string]{Read: File(filepath.Join(t.TempDir(), "none")), Build: build}
	if s := w.State(); s.OK || s.Err != nil {
		t.Errorf("before Load: %s", summary(s))
	}
	if err := w.Load(); !errors.Is(err, fs.ErrNotExist) || !w.State().Absent || w.State().OK {
		t.Errorf("%v: %s", err, summary(w.State()))
	}
}

// TestMountedSecret swaps symlinks the way the kubelet does, on a real file system and in real time.
func TestMountedSecret(t *testing.T) {
	dir := t.TempDir()
	project := func(name, content string) {
		t.Helper()
		if err := errors.Join(
			os.Mkdir(filepath.Join(dir, name), 0o700),
			os.WriteFile(filepath.Join(dir, name, "auth"), []byte(content), 0o600),
			os.Symlink(name, filepath.Join(dir, "..data_tmp")),
			os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")),
		); err != nil {
			t.Fatal(err)
		}
	}
	project("..1", "a")
	path := filepath.Join(dir, "auth")
	if err := os.Symlink("..data/auth", path); err != nil {
		t.Fatal(err)
	}
	changes := make(chan State[string], 10)
	w := &Watcher[string]{Read: File(path), Build: build, OnChange: func(s State[string]) { changes <- s }}
	if err := w.Load(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	<-changes
	project("..2", "a") // the same content in another place is no event
	project("..3", "b")
	select { // TestRun shows that it takes less than a second; here a machine may have no time
	case s := <-changes:
		if s.Value != "<b>" {
			t.Errorf("%s", summary(s))
		}
	case <-time.After(10 * time.Second):
		t.Error("no change seen")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || len(changes) != 0 {
		t.Errorf("%v, %d more changes", err, len(changes))
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth")
	for _, size := range []int{0, 1, 511, 512, 513, 100_000, MaxSize} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if content, err := File(path)(); err != nil || len(content) != size {
			t.Errorf("%d bytes: %d, %v", size, len(content), err)
		}
	}
	if err := os.Truncate(path, MaxSize+1); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{path: "over 16777216 bytes", filepath.Dir(path): "not a regular file", "/dev/zero": "not a regular file"} {
		if _, err := File(name)(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestFileThatIsAFIFO: a FIFO that nobody writes into is an error, not a wait without end, even where it takes the place
// of the file between two calls.
func TestFileThatIsAFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := File(path)(); done <- err }()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("waits for somebody to write into the FIFO")
	}
}
