// Package inforce owns the waiting until every gate goes by the users that their Secret has now. It asks each gate itself,
// and has the kubelet bring the Secret at once instead of within a minute or so.
package inforce

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// Options say what to wait for.
type Options struct {
	Config   *rest.Config
	Store    *userstore.Store      // the users; those of a later change will do as well
	Text     []byte                // the users that were stored
	Progress func(done, gates int) // told when either changes; nil: nobody is
}

// Result is what came of it.
type Result struct {
	Gates    int      // that go by the users now
	Unasked  []Object // that were not waited for
	Unnudged error    // why kubelets were not asked to hurry; nil where they were
}

// Object is a pod that is behind, or something that was not waited for.
type Object struct {
	Ref string // "Pod web-0"
	Why string
}

// The bounds of the asking.
const (
	askers    = 16                     // pods asked at once
	askTime   = 5 * time.Second        // for each
	pause     = 200 * time.Millisecond // between two rounds
	lookAgain = 2 * time.Second        // for pods that come and go
	readAgain = time.Second            // the Secret, which others change too
)

var errSlow = fmt.Errorf("no answer within %s", askTime)

// nudges are the times since the start at which kubelets are asked to hurry. The second is for one that had not heard of the
// new Secret yet.
var nudges = []time.Duration{0, 2 * time.Second, 10 * time.Second, 30 * time.Second, 60 * time.Second}

// waiter is a waiting under way.
type waiter struct {
	Options
	core    clientcorev1.CoreV1Interface
	start   time.Time
	listed  time.Time
	read    time.Time
	told    [2]int
	wanted  map[string]bool // fingerprints of the users since the change
	gates   []*gate         // of the pods as last listed
	asked   map[types.UID]*gate
	others  []*corev1.Pod // that mount a projection, or the users without a gate
	unasked []Object
	nudged  int // how many of nudges are past
	cannot  error
	checked bool // that we may connect to pods
}

// Wait returns when every gate that mounts the Secret goes by its users. Where that is not so when ctx ends, or cannot be
// found out, the error is a *BehindError. It needs the verbs list on pods and create on pods/portforward, and to be quick
// patch on pods.
func Wait(ctx context.Context, o Options) (*Result, error) {
	core, err := clientcorev1.NewForConfig(o.Config)
	if err != nil {
		return nil, err
	}
	w := &waiter{
		Options: o, core: core, start: time.Now(), read: time.Now(), told: [2]int{-1, -1},
		wanted: map[string]bool{live.Fingerprint(o.Text): true}, asked: map[types.UID]*gate{},
	}
	defer w.close()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if done, err := w.round(ctx); err != nil || done {
			w.controllers(ctx)
			return &Result{len(w.gates), w.unasked, w.cannot}, err
		}
		select {
		case <-ctx.Done():
			return &Result{len(w.gates), w.unasked, w.cannot}, w.behind(context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// round looks once. It returns true when all gates are done.
func (w *waiter) round(ctx context.Context) (bool, error) {
	if time.Since(w.listed) >= lookAgain {
		if err := w.list(ctx); err != nil {
			return false, w.behind(err)
		}
		if err := w.allowed(ctx); err != nil {
			return false, &BehindError{Err: fmt.Errorf("%w, so its gates cannot be asked", err)}
		}
	}
	w.askAll(ctx)
	if err := w.compare(ctx); err != nil {
		return false, w.behind(err)
	}
	behind, hopeless := 0, 0
	for _, g := range w.gates {
		switch {
		case g.hopeless:
			hopeless++
		case !g.done:
			behind++
		}
	}
	w.tell(len(w.gates) - behind - hopeless)
	w.nudge(ctx, behind)
	if behind == 0 && hopeless > 0 {
		return false, w.behind(errors.New("waiting longer would not help"))
	}
	return behind == 0, nil
}

// askAll asks the gates that are not done. Each that says so counts at once, for another may take its time.
func (w *waiter) askAll(ctx context.Context) {
	var behind []*gate
	done := 0
	for _, g := range w.gates {
		switch {
		case g.done:
			done++
		case !g.hopeless:
			behind = append(behind, g)
		}
	}
	w.tell(done)
	var (
		mu    sync.Mutex // of done, and of what tell goes by
		wait  sync.WaitGroup
		slots = make(chan struct{}, askers)
	)
	for _, g := range behind {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			w.ask(ctx, g)
			if g.judge(w.wanted); g.done {
				mu.Lock()
				defer mu.Unlock()
				done++
				w.tell(done)
			}
		})
	}
	wait.Wait()
}

// tell shows how many gates are done, where that is news.
func (w *waiter) tell(done int) {
	if now := [2]int{done, len(w.gates)}; w.Progress != nil && now != w.told && now[1] > 0 {
		w.told = now
		w.Progress(now[0], now[1])
	}
}

// allowed returns an error where gates are there and may not be asked.
func (w *waiter) allowed(ctx context.Context) error {
	if len(w.gates) == 0 || w.checked {
		return nil
	}
	w.checked = true
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errSlow)
	defer cancel()
	return live.MayForward(ctx, w.Config, w.Store.Namespace)
}

// ask opens a way to the gate where there is none yet, and asks which users it goes by.
func (w *waiter) ask(ctx context.Context, g *gate) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errSlow)
	defer cancel()
	if g.forward == nil {
		forward, err := live.Open(ctx, w.Config, g.pod.Namespace, g.pod.Name)
		if err != nil {
			g.fails(ctx, "port-forward", err)
			return
		}
		g.forward = forward
	}
	status, err := g.forward.GateStatus(ctx, g.listen)
	if err != nil {
		g.fails(ctx, "its admin port", err)
		g.close()
		return
	}
	g.said(status)
}

// compare finds out which gates are done. Where one goes by users that are not known, somebody may have changed them since.
func (w *waiter) compare(ctx context.Context) error {
	unknown := false
	for _, g := range w.gates {
		if g.judge(w.wanted); !g.done && g.fingerprint != "" {
			unknown = true
		}
	}
	if !unknown || time.Since(w.read) < readAgain {
		return nil
	}
	w.read = time.Now()
	file, _, err := w.Store.Read(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	w.wanted[live.Fingerprint(file.Bytes())] = true
	return nil
}

func (w *waiter) close() {
	for _, g := range w.asked {
		g.close()
	}
}
