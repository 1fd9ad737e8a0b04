//go:build linux

package basicauth

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

const someHash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

// interrupted is a namespace with users and a projection of them, whose commands are cut off.
type interrupted struct {
	*testing.T
	client kubernetes.Interface
	store  *userstore.Store
	config string // kubeconfig
	users  int
	counts map[string]int // what became of the commands
}

func newInterrupted(t *testing.T, namespace string) *interrupted {
	t.Helper()
	i := &interrupted{T: t, config: ownConfig(t, namespace), counts: map[string]int{}}
	i.client = kubernetes.NewForConfigOrDie(server(t).Config)
	i.store = &userstore.Store{Client: i.client.CoreV1(), Namespace: namespace, Name: gateconf.UsersSecret}
	i.mustRun("user", "add", "first", "--hash", someHash)
	i.mustRun("project", "add", "prometheus-web")
	return i
}

func (i *interrupted) command(config string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(i.Context(), filepath.Join(unwatched(i), program), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+config)
	return cmd
}

// next is a command that changes users, one after the other of each kind. The first user stays.
func (i *interrupted) next() []string {
	i.users++
	lines := strings.Split(i.now().text, "\n")
	switch last := len(lines) - 2; {
	case last < 2: // an undo might take back the first
	case i.users%4 == 0:
		return []string{"undo"}
	case i.users%4 == 1:
		name, _, _ := strings.Cut(lines[last], ":")
		return []string{"user", "remove", name}
	}
	return []string{"user", "add", fmt.Sprintf("user%03d", i.users), "--hash", someHash}
}

// check runs a command that cut interrupts, and sees that it has changed nothing or everything, and what it says is true.
func (i *interrupted) check(args []string, cut func(args []string) string) {
	i.Helper()
	before := i.now().text
	said := cut(args)
	now := i.now()
	after := now.text
	changed := before != after
	i.counts[fmt.Sprintf("changed: %v", changed)]++
	if strings.Contains(said, "nothing was changed") && changed {
		i.Errorf("%v: says %q, and has changed", args, said)
	}
	if strings.Contains(said, "cannot take this change back") {
		i.Errorf("%v: %s", args, said)
	}
	want := strings.Count(before, "\n")
	if args[0] == "user" && changed {
		name, has := args[2], strings.Contains(after, args[2]+":"+someHash+"\n")
		if args[1] == "add" {
			want++
		} else {
			want--
		}
		if has != (args[1] == "add") || strings.Count(after, "\n") != want {
			i.Errorf("%v: neither nothing nor all of it, with %s:\n%s\n%s", args, name, before, after)
		}
	}
	chain, err := i.store.Changes(i.Context())
	if err != nil {
		i.Fatal(err)
	}
	last := chain.Find(now.change)
	if last == nil || last.After != history.Digest([]byte(after)) {
		i.Fatalf("%v: the users are not of the change that they name: %+v", args, last)
	}
	if changed && string(last.Text) != before {
		i.Errorf("%v: what was before is not kept: %+v", args, last)
	}
	left := 0
	for _, e := range chain.Entries {
		if e.Status == history.NotMade {
			left++
		} else if e.Status != history.Done && e.Status != history.Undone {
			i.Errorf("%v: entry %+v", args, e)
		}
	}
	i.counts["entry of a change that was not made"] += left
	if left > 0 { // the next command waits a moment for who might make it yet, and tidies up
		i.mustRun("user", "add", fmt.Sprintf("tidy%03d", i.users), "--hash", someHash)
	}
}

func (i *interrupted) mustRun(args ...string) string {
	i.Helper()
	out, err := i.command(i.config, args...).CombinedOutput()
	if err != nil {
		i.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// A state is what one read of the users Secret finds: a second one might find what a client wrote that was killed before the first.
type state struct{ text, change string }

func (i *interrupted) now() state {
	i.Helper()
	secret, err := i.client.CoreV1().Secrets(i.store.Namespace).Get(i.Context(), i.store.Name, metav1.GetOptions{})
	if err != nil {
		i.Fatal(err)
	}
	return state{string(secret.Data[gateconf.UsersKey]), secret.Annotations[gateconf.AnnotationChange]}
}

// end sees that a command that is not cut off leaves all in order.
func (i *interrupted) end() {
	i.Helper()
	i.mustRun("user", "add", "last", "--hash", someHash)
	f, meta, err := i.store.Read(i.Context())
	if err != nil {
		i.Fatal(err)
	}
	for _, check := range i.store.ProjectionChecks(i.Context(), f, meta) {
		if check.Status != userstore.Pass {
			i.Errorf("%+v", check)
		}
	}
	if out := i.mustRun("undo"); !strings.Contains(out, `user "last" removed`) {
		i.Error(out)
	}
	i.Log(i.counts)
	if i.counts["changed: true"] == 0 || i.counts["changed: false"] == 0 {
		i.Error("the commands were not cut off in time")
	}
}

// Commands that are killed, at moments about their writes, have changed nothing or everything.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"SIGKILL": syscall.SIGKILL, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInterrupted(t, strings.ToLower(name))
			start := time.Now()
			i.mustRun("user", "passwd", "first", "--hash", strings.Replace(someHash, "2y", "2b", 1))
			pause := time.Since(start) / 2
			const moments = 40
			for range moments {
				before := i.now()
				i.check(i.next(), func(args []string) string {
					cmd := i.command(i.config, args...)
					var out bytes.Buffer
					cmd.Stdout, cmd.Stderr = &out, &out
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					<-time.After(pause)
					_ = cmd.Process.Signal(signal) // it may have ended
					_ = cmd.Wait()                 // as it may
					return out.String()
				})
				// Earlier after a change, later after none: most are cut off about where they write, whatever else the machine does.
				if i.now() != before {
					pause = pause * 4 / 5
				} else {
					pause = pause * 4 / 3
				}
			}
			i.end()
		})
	}
}

// An API server that is gone after so many bytes, of what it is told or of what it says: nothing or everything, too.
func TestConnectionLostAtAnyByte(t *testing.T) {
	t.Parallel()
	for name, toServer := range map[string]bool{"told": true, "said": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInterrupted(t, "lost-"+name)
			whole := newCutter(t, 1<<30, toServer)
			if out, err := i.command(i.through(whole), "user", "add", "whole", "--hash", someHash).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			all := (1 << 30) - int(whole.left.Load())
			const cuts = 24
			for n := range cuts {
				limit := all * (n + 2) * 2 / cuts
				if !toServer {
					limit = all * (8 + n*n) / 32 // more is said when more is kept
				}
				i.check(i.next(), func(args []string) string {
					out, _ := i.command(i.through(newCutter(t, limit, toServer)), args...).CombinedOutput() // fails, or not
					return string(out)
				})
			}
			i.end()
		})
	}
}

// through writes a kubeconfig with a cutter before the API server.
func (i *interrupted) through(c *cutter) string {
	i.Helper()
	config, err := clientcmd.LoadFromFile(i.config)
	if err != nil {
		i.Fatal(err)
	}
	for _, cluster := range config.Clusters {
		cluster.Server = "https://" + c.Addr().String()
	}
	path := filepath.Join(i.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		i.Fatal(err)
	}
	return path
}

// A cutter hands bytes on, until so many have gone one way; then every connection is cut, and none is taken any more.
type cutter struct {
	net.Listener
	left     atomic.Int64
	toServer bool
	mu       sync.Mutex
	open     []net.Conn
}

func newCutter(t *testing.T, limit int, toServer bool) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(server(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: listener, toServer: toServer}
	c.left.Store(int64(limit))
	t.Cleanup(c.cut)
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target.Host)
			if err != nil {
				in.Close()
				continue
			}
			c.mu.Lock()
			c.open = append(c.open, in, out)
			c.mu.Unlock()
			go c.hand(out, in, toServer)
			go c.hand(in, out, !toServer)
			// Each end that is closed closes the other: http2 opens two at once, and keeps one.
		}
	}()
	return c
}

func (c *cutter) cut() {
	c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.Close()
	}
}

func (c *cutter) hand(to io.WriteCloser, from io.Reader, counts bool) {
	buf := make([]byte, 256)
	for {
		n, err := from.Read(buf)
		if counts {
			if rest := int(c.left.Add(-int64(n))); rest < 0 {
				n = max(n+rest, 0)
				_, _ = to.Write(buf[:n]) // what is lost is the point
				c.cut()
				return
			}
		}
		if _, writeErr := to.Write(buf[:n]); err != nil || writeErr != nil {
			to.Close()
			return
		}
	}
}
