package inforce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/live"
)

// What a gate says of its users, and what that means. Real gates are asked in the stories.
func TestJudge(t *testing.T) {
	const now, old = "now", "old"
	for name, c := range map[string]struct {
		fingerprint, problem string
		loaded               int
		leaving              bool
		done, hopeless       bool
		why                  string
	}{
		"goes by them":           {fingerprint: now, loaded: 1, done: true},
		"goes by later ones":     {fingerprint: "later", loaded: 1, done: true},
		"goes by them, leaving":  {fingerprint: now, loaded: 1, leaving: true, done: true},
		"goes by none, as asked": {fingerprint: now, done: true},
		"behind":                 {fingerprint: old, loaded: 1, why: "goes by the users of before; its kubelet"},
		"behind, leaving":        {fingerprint: old, loaded: 1, leaving: true, why: "is on its way out"},
		"no file yet":            {why: "goes by the users of before; its kubelet"},
		"a bad file":             {fingerprint: old, loaded: 2, problem: "line 1: no colon", why: "cannot use its users file, and goes by 2 users of before: line 1: no colon"},
		"of another version":     {loaded: 1, hopeless: true, why: "tells no fingerprint"},
	} {
		g := &gate{pod: &corev1.Pod{}}
		if c.leaving {
			g.pod.DeletionTimestamp = &metav1.Time{}
		}
		s := &live.GateStatus{}
		s.Users.Fingerprint, s.Users.Error, s.Users.Loaded = c.fingerprint, c.problem, c.loaded
		g.said(s)
		g.judge(map[string]bool{now: true, "later": true})
		if g.done != c.done || g.hopeless != c.hopeless || !c.done && !strings.HasPrefix(g.reason(), c.why) {
			t.Errorf("%s: done %v, hopeless %v, %q", name, g.done, g.hopeless, g.reason())
		}
		g.fails(t.Context(), "port-forward", errors.New("gone"))
		if g.judge(nil); g.done != c.done {
			t.Errorf("%s: what was done is not", name)
		}
	}
}

// That the time is up says nothing of a gate of which something is known.
func TestFails(t *testing.T) {
	up, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("time is up"))
	g := &gate{pod: &corev1.Pod{}}
	if g.reason() != "was not asked yet" {
		t.Error(g.reason())
	}
	if g.fails(up, "port-forward", errors.New("x")); g.why != "port-forward: no answer yet" {
		t.Error(g.why)
	}
	g.fails(t.Context(), "port-forward", errors.New("refused"))
	g.fails(up, "port-forward", errors.New("x"))
	if g.why != "port-forward: refused" {
		t.Error(g.why)
	}
	slow, cancel := context.WithCancelCause(t.Context())
	cancel(errSlow)
	g.fails(slow, "its admin port", errors.New("x"))
	if g.why != "its admin port: no answer within 5s" {
		t.Error(g.why)
	}
}

// Many pods are counted, not listed.
func TestBehindError(t *testing.T) {
	e := &BehindError{Gates: 20, Err: errors.New("waited 2m")}
	for i := range 12 {
		e.Pods = append(e.Pods, Object{fmt.Sprintf("Pod p%d", i), "why"})
	}
	text := e.Error()
	if !strings.HasPrefix(text, "the users are changed, but not in force at 12 of 20 gates: waited 2m\n  Pod p0: why\n") || !strings.HasSuffix(text, "\n  Pod p9: why\n  and 2 more") {
		t.Error(text)
	}
}
