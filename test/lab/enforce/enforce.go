//go:build linux

// Package enforce owns what the bridge plugin of the lab does not do: it makes the kernel keep what NetworkPolicy objects
// say of ingress. It reads them, pods and namespaces from the API server, and writes rules for what the node forwards; br_netfilter lets
// these see packets between pods of one bridge too. It is for stories, and knows neither egress nor IPv6.
package enforce

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// An Enforcer follows the objects of one cluster.
type Enforcer struct {
	stop func()
	done chan struct{}

	mu     sync.Mutex
	err    error
	rounds int
}

// Start begins to enforce. It returns when the policies that there are are in force; Stop takes all rules away.
func Start(ctx context.Context, client kubernetes.Interface) (*Enforcer, error) {
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactory(client, 0)
	policies, pods, namespaces := factory.Networking().V1().NetworkPolicies(), factory.Core().V1().Pods(), factory.Core().V1().Namespaces()
	changed := make(chan struct{}, 1)
	notice := func(any) {
		select {
		case changed <- struct{}{}:
		default: // a round is due already
		}
	}
	for _, informer := range []cache.SharedIndexInformer{policies.Informer(), pods.Informer(), namespaces.Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: notice, UpdateFunc: func(_, now any) { notice(now) }, DeleteFunc: notice,
		}); err != nil {
			cancel()
			return nil, err
		}
	}
	e := &Enforcer{done: make(chan struct{})}
	e.stop = func() { cancel(); factory.Shutdown() }
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	round := func() error {
		var s state
		var err error
		if s.policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if s.pods, err = pods.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if s.namespaces, err = namespaces.Lister().List(labels.Everything()); err != nil {
			return err
		}
		text, err := s.rules()
		if err != nil {
			return err
		}
		return iptables(text, "iptables-restore", "--noflush", "--wait")
	}
	if err := round(); err != nil {
		e.stop()
		return nil, err
	}
	if err := iptables("", "iptables", "--wait", "-t", "mangle", "-I", "FORWARD", "-j", chain); err != nil {
		e.stop()
		return nil, err
	}
	go e.follow(ctx, changed, round)
	return e, nil
}

// follow makes a round for each change, and tries again where one fails.
func (e *Enforcer) follow(ctx context.Context, changed <-chan struct{}, round func() error) {
	defer close(e.done)
	for {
		var retry <-chan time.Time
		err := round()
		if err != nil {
			retry = time.After(time.Second)
		}
		e.mu.Lock()
		e.err, e.rounds = err, e.rounds+1
		e.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-retry:
		}
	}
}

// Err says what went wrong with the last change, nil where it is in force.
func (e *Enforcer) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Stop takes away all rules.
func (e *Enforcer) Stop() error {
	e.stop()
	<-e.done
	if err := iptables("", "iptables", "--wait", "-t", "mangle", "-D", "FORWARD", "-j", chain); err != nil {
		return err
	}
	return iptables("*mangle\n:"+chain+" - [0:0]\nCOMMIT\n", "iptables-restore", "--noflush", "--wait")
}

func iptables(stdin string, args ...string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s\n%s", strings.Join(args, " "), err, out, stdin)
	}
	return nil
}
