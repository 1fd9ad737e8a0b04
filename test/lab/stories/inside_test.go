//go:build linux

package stories

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// An inside is the network of a pod: what is asked from there comes from that pod, as far as the cluster knows.
type inside struct {
	name string
	pid  int // of a process in it
}

// inside finds the network of the one pod with a label, in any namespace.
func (s *story) inside(namespace, label, container string) inside {
	s.Helper()
	c := s.containerIn(namespace, label, container)
	if c.pid == 0 {
		s.Fatalf("%s: %s: no process of container %s", namespace, label, container)
	}
	return inside{namespace + "/" + label, c.pid}
}

// patienceOfPods bounds a connection from a pod. What a policy forbids is not answered at all.
const patienceOfPods = 2 * time.Second

// get asks for a page from inside a pod, as that user.
func (in inside) get(url string, as login) (reply, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: in.dial}}
	return getBy(client, url, as)
}

// dial connects from a thread that joins the pod's network and ends with it. The address is one that needs no look-up, so
// that no other thread has a part in it.
func (in inside) dial(ctx context.Context, network, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", in.pid))
		if err != nil {
			done <- result{nil, err}
			return
		}
		defer func() { _ = ns.Close() }() // only joined
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- result{nil, fmt.Errorf("%s: network: %w", in.name, err)}
			return
		}
		dialer := net.Dialer{Timeout: patienceOfPods}
		conn, err := dialer.DialContext(ctx, network, address)
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

// gets returns nil when the page that a pod asks for is answered with this status.
func (in inside) gets(url string, as login, status int) func() error {
	return func() error {
		r, err := in.get(url, as)
		if err == nil && r.status != status {
			err = fmt.Errorf("%d, want %d: %.200s", r.status, status, r.body)
		}
		if err != nil {
			err = fmt.Errorf("from %s: %s as %q: %w", in.name, url, as.user, err)
		}
		return err
	}
}

// getsNothing returns nil when nobody answers a pod there, not even with a refusal.
func (in inside) getsNothing(url string) func() error {
	return func() error {
		r, err := in.get(url, nobody)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%d", r.status)
		}
		return fmt.Errorf("from %s: %s: %w; want no answer", in.name, url, err)
	}
}
