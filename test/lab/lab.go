//go:build linux

// Package lab owns the whole lab: a sandbox, stocked, with a cluster that runs in it.
package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/kauth-dev/kauth/test/lab/cluster"
	"github.com/kauth-dev/kauth/test/lab/kit"
	"github.com/kauth-dev/kauth/test/lab/sandbox"
)

// A Lab is a cluster and all that is needed to work with it, seen from inside the sandbox.
type Lab struct {
	*cluster.Cluster
	Kit kit.Kit
	Dir string // of this lab alone; it goes with the lab
	Bin string // folder with kubectl, helm3, helm4, ctr, kauth and kubectl-basicauth; for PATH
}

// Run stocks a lab, boots it, runs inside in it, and returns the exit code of inside or of what went wrong before, which
// it tells w. It starts the running program anew, so it must be the first thing that a main or TestMain does.
func Run(w io.Writer, inside func(*Lab) int) int {
	ctx := context.Background()
	code, err := sandbox.Run(
		func(world sandbox.World) error { return kit.Stock(ctx, world.Dir) },
		func(world sandbox.World) int {
			l, err := boot(ctx, world, w)
			if err != nil {
				_, _ = fmt.Fprintf(w, "lab: error: %v\n", err)
				return 1
			}
			return inside(l)
		})
	if err != nil {
		_, _ = fmt.Fprintf(w, "lab: error: %v\n", err)
	}
	return code
}

func boot(ctx context.Context, world sandbox.World, w io.Writer) (*Lab, error) {
	start := time.Now()
	k, err := kit.Open(world.Dir)
	if err != nil {
		return nil, err
	}
	l := &Lab{Kit: k, Dir: world.Dir, Bin: filepath.Join(world.Dir, "bin")}
	if l.Cluster, err = cluster.Boot(ctx, world, k.Tools, k.Images); err != nil {
		return nil, err
	}
	ready := time.Since(start)
	if err := l.StartTraefik(ctx); err != nil {
		return nil, err
	}
	if err := l.StartOperator(ctx); err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(w, "lab: node Ready after %.1f s, Traefik and prometheus-operator after %.1f s\n", ready.Seconds(), time.Since(start).Seconds())
	return l, l.linkPrograms()
}

// linkPrograms makes Bin and puts it in front of this process' PATH.
func (l *Lab) linkPrograms() error {
	if err := os.Mkdir(l.Bin, 0o755); err != nil {
		return err
	}
	for name, program := range map[string]string{
		"kubectl": l.Kit.Kube, "etcd": l.Kit.Kube, "helm4": l.Kit.Helm4, "ctr": kit.Beside(l.Kit.Containerd, "ctr"),
		"kauth": filepath.Join(l.Kit.Kauth.Bin, "kauth"), "kubectl-basicauth": filepath.Join(l.Kit.Kauth.Bin, "kubectl-basicauth"),
	} {
		if err := os.Symlink(program, filepath.Join(l.Bin, name)); err != nil {
			return err
		}
	}
	// Helm 3 complains of Helm 4's plugins before each command.
	helm3 := "#!/bin/sh\nunset HELM_PLUGINS\nexec '" + l.Kit.Helm3 + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(l.Bin, "helm3"), []byte(helm3), 0o755); err != nil {
		return err
	}
	for key, value := range map[string]string{
		"PATH":         l.Bin + ":" + os.Getenv("PATH"),
		"KUBECONFIG":   l.Kubeconfig,
		"HELM_PLUGINS": l.Kit.Kauth.Plugins, // Helm 4 finds kauth there; Helm 3 takes the program in PATH
		"HOME":         l.Dir,               // Helm's and kubectl's caches go with the lab
	} {
		if err := os.Setenv(key, value); err != nil {
			return err
		}
	}
	return nil
}
