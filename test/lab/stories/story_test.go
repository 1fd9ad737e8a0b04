//go:build linux

package stories

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/test/lab/kit"
)

// patience bounds each wait of a story. On an idle machine nothing takes longer than a tenth of it, but for one thing: a
// change of Prometheus' configuration that comes just while its reloader starts is only seen after three minutes.
const patience = 4 * time.Minute

var told atomic.Int32 // stories that passed

// A story is one promise being tried in a namespace of its own. Any step that does not work ends it.
type story struct {
	*testing.T
	title string
	ns    string // namespace, and the name of the host that leads there: see host
	start time.Time

	mu      sync.Mutex
	figures []string
}

// tell begins a story. Its namespace goes when it ends; a line says how it went, with the times that were measured.
func tell(t *testing.T, number int, title string) *story {
	t.Helper()
	s := &story{T: t, title: fmt.Sprintf("story %d, %s", number, title), start: time.Now()}
	s.ns = strings.Map(func(r rune) rune {
		if r == '/' || r == '_' {
			return '-'
		}
		return r
	}, strings.ToLower(strings.TrimPrefix(t.Name(), "Test")))
	if len(s.ns) > 40 {
		s.ns = s.ns[:40]
	}
	s.kubectl("", "create", "namespace", s.ns)
	t.Cleanup(func() {
		if t.Failed() {
			s.explain()
		} else {
			told.Add(1)
		}
		verdict := map[bool]string{false: "passed", true: "FAILED"}[t.Failed()]
		fmt.Printf("%s: %s in %.1f s%s\n", s.title, verdict, time.Since(s.start).Seconds(), strings.Join(append([]string{""}, s.figures...), "; "))
		if out, err := s.try("kubectl", "delete", "namespace", s.ns, "--wait=false"); err != nil {
			t.Errorf("the story's namespace stays: %s%v", out, err)
		}
	})
	return s
}

// host is a name that leads to Traefik, for an Ingress of this story alone.
func (s *story) host() string { return s.ns + ".lab.test" }

// figure adds a measured time to the story's line.
func (s *story) figure(what string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures = append(s.figures, fmt.Sprintf("%s %.1f s", what, d.Seconds()))
}

// count adds something counted to the story's line.
func (s *story) count(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures = append(s.figures, fmt.Sprintf(format, args...))
}

// until repeats ask until it returns nil and tells how long that took.
func (s *story) until(what string, ask func() error) time.Duration {
	s.Helper()
	start := time.Now()
	for {
		err := ask()
		took := time.Since(start)
		switch {
		case err == nil:
			return took
		case took > patience:
			s.Fatalf("%s: not after %.0f s: %v", what, took.Seconds(), err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// always repeats ask for so long, and fails the story when it returns an error once.
func (s *story) always(what string, d time.Duration, ask func() error) {
	s.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err := ask(); err != nil {
			s.Fatalf("%s: %v", what, err)
		}
	}
}

// A command is a program that a story runs.
type command struct {
	env   []string // added to the environment
	stdin string
	args  []string
}

func (c command) run() (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdin = strings.NewReader(c.stdin)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", strings.Join(c.args, " "), err, out.String(), errs.String())
	}
	return out.String(), errs.String(), err
}

// try runs a program and returns what it wrote and what went wrong.
func (s *story) try(args ...string) (string, error) {
	stdout, _, err := command{args: args}.run()
	return stdout, err
}

// kubectl runs kubectl in the story's namespace, with stdin, and returns what it wrote.
func (s *story) kubectl(stdin string, args ...string) string {
	s.Helper()
	out, err := s.tryKubectl(stdin, args...)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func (s *story) tryKubectl(stdin string, args ...string) (string, error) {
	// Not in front: kubectl wants no flags before the name of a plugin.
	out, _, err := command{stdin: stdin, args: append([]string{"kubectl", args[0], "-n", s.ns}, args[1:]...)}.run()
	return out, err
}

// field reads one field of an object, by kubectl's JSONPath.
func (s *story) field(object, path string) (string, error) {
	return s.tryKubectl("", "get", object, "-o", "jsonpath="+path)
}

// podsReady returns nil when there are so many pods with the label and all of them, and no other, are Ready.
func (s *story) podsReady(label string, want int) error {
	out, err := s.tryKubectl("", "get", "pods", "-l", label, "-o",
		`jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{.metadata.deletionTimestamp} {end}`)
	if err != nil {
		return err
	}
	if pods := strings.Fields(out); len(pods) != want || strings.Count(out, "=True ") != want {
		return fmt.Errorf("pods with %s: %q, want %d and Ready", label, pods, want)
	}
	return nil
}

// replaced returns nil when a Deployment's pods are all of the newest kind, so many, and Ready. Right after a change podsReady
// may still be told of the old ones.
func (s *story) replaced(deployment string, pods int) func() error {
	return func() error {
		return errors.Join(s.rolledOut("deployment/"+deployment), s.podsReady("app="+deployment, pods))
	}
}

// rolledOut returns nil when the pods of a Deployment or StatefulSet are all of the newest kind, and none is missing.
func (s *story) rolledOut(object string) error {
	out, err := s.tryKubectl("", "rollout", "status", object, "--watch=false")
	if err == nil && !strings.Contains(out, "successfully rolled out") && !strings.Contains(out, "rolling update complete") {
		err = fmt.Errorf("%s: %s", object, out)
	}
	return err
}

// addUser does what an operator does: kubectl basicauth user add.
func (s *story) addUser(name, password string) {
	s.Helper()
	s.kubectl(password+"\n", "basicauth", "user", "add", name, "--password-stdin")
}

// explain writes down what is to be known about a story that failed.
func (s *story) explain() {
	for _, args := range [][]string{
		{"get", "all,ingress,httproutes,secrets", "-o", "wide"},
		{"get", "events", "--sort-by=.lastTimestamp"},
		{"logs", "--prefix", "--all-containers", "--tail=5", "-l", "!nobody"},
	} {
		out, err := s.tryKubectl("", args...)
		s.Logf("kubectl %s\n%s%v", strings.Join(args, " "), out, err)
	}
	out, err := s.try("tail", "-n", "30", filepath.Join(theLab.Dir, "run", "traefik.log"))
	s.Logf("Traefik\n%s%v", out, err)
}

// A helm is one of the two majors with kauth as its post-renderer, installed the way each wants it.
type helm struct {
	s     *story
	major string // "helm3" or "helm4"
	kauth kit.Product
	env   []string
}

// withEachHelm tells a story once for each major, at the same time as other stories: most of what they do is to wait.
func withEachHelm(t *testing.T, number int, title string, body func(*story, *helm)) {
	t.Parallel()
	eachHelm(t, func(t *testing.T, major, name string) {
		t.Parallel()
		s := tell(t, number, title+" ("+name+")")
		body(s, s.helm(major))
	})
}

// withEachHelmInTurn is withEachHelm for a story that wants the machine for itself.
func withEachHelmInTurn(t *testing.T, number int, title string, body func(*story, *helm)) {
	eachHelm(t, func(t *testing.T, major, name string) {
		s := tell(t, number, title+" ("+name+")")
		body(s, s.helm(major))
	})
}

func eachHelm(t *testing.T, tell func(t *testing.T, major, name string)) {
	for _, h := range []struct{ major, name string }{{"helm3", "Helm 3"}, {"helm4", "Helm 4"}} {
		t.Run(h.major, func(t *testing.T) { tell(t, h.major, h.name) })
	}
}

// helm is one major, "helm3" or "helm4", with kauth as the lab has it.
func (s *story) helm(major string) *helm { return &helm{s: s, major: major, kauth: theLab.Kit.Kauth} }

// run runs Helm in the story's namespace.
func (h *helm) run(args ...string) string {
	h.s.Helper()
	out, err := h.try(args...)
	if err != nil {
		h.s.Fatal(err)
	}
	return out
}

func (h *helm) try(args ...string) (string, error) {
	env := []string{"PATH=" + h.kauth.Bin + ":" + os.Getenv("PATH"), "HELM_PLUGINS="}
	if h.major == "helm4" {
		env = []string{"HELM_PLUGINS=" + h.kauth.Plugins}
	}
	out, _, err := command{env: append(env, h.env...), args: append([]string{h.major, "-n", h.s.ns}, args...)}.run()
	return out, err
}

// chart is a chart of testdata/charts.
func chart(name string) string { return filepath.Join("testdata", "charts", name) }
