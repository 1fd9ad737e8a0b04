//go:build linux

// Package cluster owns a Kubernetes cluster of one node inside a sandbox: etcd, the control plane, a kubelet on
// containerd, kube-proxy and DNS, with Traefik and prometheus-operator on top; all real, from its first process to its
// last. The network is the sandbox's own, so addresses and ports are fixed.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kauth-dev/kauth/pkg/testenv/pki"
	"github.com/kauth-dev/kauth/pkg/testenv/process"
	"github.com/kauth-dev/kauth/test/lab/kit"
	"github.com/kauth-dev/kauth/test/lab/sandbox"
)

// Addresses of a cluster, which are the same in each: its network is its own.
const (
	NodeIP  = "10.244.0.1" // of the node on the pods' bridge; Traefik answers on its port 80
	Domain  = "lab.test"   // every name below it leads to NodeIP
	podNet  = "10.244.0.0/24"
	apiURL  = "https://" + NodeIP + ":6443"
	service = "10.96.0.0/16"
	dnsIP   = "10.96.0.10"
)

// bootTimeout bounds each wait of Boot. The node is ready after seven seconds on an idle machine.
const bootTimeout = 3 * time.Minute

// A Cluster is a running cluster.
type Cluster struct {
	Kubeconfig string // file; its user is in system:masters
	Client     kubernetes.Interface

	dir       string
	world     sandbox.World
	tools     kit.Tools
	authority *pki.Authority

	mu    sync.Mutex
	parts map[string]part
}

// A part is one process of the cluster.
type part struct {
	script  string // starts it; to be used by hand too
	running *process.Process
}

// Boot starts a cluster in the world that this process is inside of, and loads container images from the given
// archives. It returns when the node is Ready, a pod can be started, and the kinds of the addons are served. Its end is the
// world's end.
func Boot(ctx context.Context, world sandbox.World, tools kit.Tools, archives []string) (*Cluster, error) {
	c := &Cluster{dir: world.Dir, world: world, tools: tools, parts: map[string]part{}}
	if err := os.MkdirAll(c.path("run"), 0o755); err != nil {
		return nil, err
	}
	if err := errors.Join(world.MakeCgroup(), c.makeNetwork(ctx), c.makeKeys()); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // the stories mean to press the server
	if c.Client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	loaded := make(chan error, 1)
	go func() { loaded <- c.startContainerd(ctx, archives) }() // takes as long as the control plane, and needs none
	if err := c.startControlPlane(ctx); err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	kinds := make(chan error, 1)
	go func() { kinds <- c.bringKinds(ctx) }() // while the node is not Ready
	if err := <-loaded; err != nil {
		return nil, fmt.Errorf("containerd: %w", err)
	}
	if err := c.startNode(ctx); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	if err := <-kinds; err != nil {
		return nil, err
	}
	return c, nil
}

// PID returns the process id of a part.
func (c *Cluster) PID(name string) int { return c.part(name).running.PID() }

// Kill ends a part at once, as a crash would.
func (c *Cluster) Kill(name string) { c.part(name).running.Kill() }

// Restart starts a part again that was killed. It does not wait until the part is of use.
func (c *Cluster) Restart(name string) error {
	p := c.part(name)
	if !p.running.Exited() {
		return fmt.Errorf("%s: is running", name)
	}
	return c.launch(name, p.script)
}

func (c *Cluster) part(name string) part {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts[name]
}

// start starts a new part. The command line is kept as a script beside the part's log and process id.
func (c *Cluster) start(name, program string, args ...string) error {
	var line strings.Builder
	for _, word := range append([]string{program}, args...) {
		line.WriteString(" '" + strings.ReplaceAll(word, "'", `'\''`) + "'")
	}
	script := c.path("run", name+".sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec"+line.String()+"\n"), 0o755); err != nil {
		return err
	}
	return c.launch(name, script)
}

func (c *Cluster) launch(name, script string) error {
	running, err := process.Start(c.path("run", name+".log"), "/bin/sh", script) // not the script itself: another thread may just fork, with the file still open for writing
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts[name] = part{script, running}
	return os.WriteFile(c.path("run", name+".pid"), fmt.Appendln(nil, running.PID()), 0o600)
}

// await asks until there is no error, and gives up when ctx ends or a part has ended.
func (c *Cluster) await(ctx context.Context, what string, ask func(context.Context) error) error {
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if dead := c.dead(); dead != nil {
			return fmt.Errorf("%s: %w", what, dead.Failure())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not after %s: %w", what, bootTimeout, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// dead returns a part that has ended, if there is one.
func (c *Cluster) dead() *process.Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.parts {
		if p.running.Exited() {
			return p.running
		}
	}
	return nil
}

func (c *Cluster) path(names ...string) string {
	return filepath.Join(append([]string{c.dir}, names...)...)
}

// write writes a file of the cluster's, whose folder it makes.
func (c *Cluster) write(name, text string) (path string, err error) {
	path = c.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(text), 0o600)
}
