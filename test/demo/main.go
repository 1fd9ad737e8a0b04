// Command demo shows what kauth does, from a chart to a login, on one machine and in under a minute: it renders
// charts/prometheus-alb with Helm and kauth, then runs the pod that the manifest describes. Helm, kauth, kauth-proxy,
// kubectl-basicauth and Prometheus are the real programs. Only the cluster around them is not there: this program
// plays the API server for the one Secret with the users, and the kubelet that runs the pod's containers.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const namespace = "monitoring"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var d demo
	flag.StringVar(&d.helm, "helm", "helm", "`PATH` of Helm 3")
	flag.StringVar(&d.prometheus, "prometheus", "prometheus", "`PATH` of Prometheus")
	flag.StringVar(&d.bin, "bin", "bin", "`DIR` of the three programs")
	flag.BoolVar(&d.keep, "keep", false, "leave it up until Ctrl-C")
	flag.Parse()
	err := d.run(ctx)
	switch {
	case ctx.Err() != nil:
		fmt.Println("\ninterrupted; everything is stopped and removed")
		if !d.up {
			os.Exit(130)
		}
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo: error:", err)
		os.Exit(1)
	}
}

type demo struct {
	helm, prometheus, bin string
	keep                  bool
	up                    bool // all was shown
}

func (d *demo) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "kauth-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if d.bin, err = filepath.Abs(d.bin); err != nil {
		return err
	}

	gated, err := d.showChart(ctx, dir)
	if err != nil {
		return err
	}
	pod, err := readPod(gated)
	if err != nil {
		return err
	}
	if err := pod.place(dir); err != nil {
		return err
	}
	defer pod.stop()
	heading("3. The pod of that manifest, on this machine")
	for _, c := range []struct{ name, program string }{{"prometheus", d.prometheus}, {"kauth-proxy", filepath.Join(d.bin, "kauth-proxy")}} {
		if err := pod.start(ctx, c.name, c.program); err != nil {
			return err
		}
	}
	note("Those are the manifest's own arguments. What differs on this machine:")
	note(pod.mapping())
	if err := pod.ready(ctx); err != nil {
		return err
	}
	return d.showLogin(ctx, pod, dir)
}

// showLogin is what a person sees: nobody gets in, a user is made, and that user gets in.
func (d *demo) showLogin(ctx context.Context, p *pod, dir string) error {
	heading("4. The login")
	c := client{base: "http://" + p.gate()}
	note("No user exists yet, so nobody gets in; the page says what to do.")
	if err := c.show(ctx, "/graph", http.StatusServiceUnavailable); err != nil {
		return err
	}

	api, err := serveSecrets(p.users)
	if err != nil {
		return err
	}
	defer api.close()
	kubeconfig, err := api.kubeconfig(dir)
	if err != nil {
		return err
	}
	password := strings.ToLower(rand.Text()[:12])
	note("A user, with the kubectl plugin. Nothing is restarted:")
	args := []string{"user", "add", "alice", "--namespace", namespace, "--password-stdin"}
	if err := p.command(ctx, filepath.Join(d.bin, "kubectl-basicauth"), "kubectl basicauth", args, password+"\n", "KUBECONFIG="+kubeconfig); err != nil {
		return err
	}
	start := time.Now()
	if err := c.wait(ctx, "/graph", http.StatusUnauthorized); err != nil {
		return err
	}
	note(fmt.Sprintf("In force %.1f s after the Secret changed in the pod.", time.Since(start).Seconds()))
	browser, wrong, alice := c, c, c
	browser.accept = "text/html"
	wrong.user, wrong.password = "alice", "wrong"
	alice.user, alice.password = "alice", password
	if err := browser.show(ctx, "/graph", http.StatusUnauthorized); err != nil {
		return err
	}
	if err := wrong.show(ctx, "/graph", http.StatusUnauthorized); err != nil {
		return err
	}
	if err := alice.show(ctx, "/api/v1/status/buildinfo", http.StatusOK); err != nil {
		return err
	}
	note("The load balancer asks for health without a password, and hears how Prometheus is:")
	if err := c.show(ctx, "/health", http.StatusOK); err != nil {
		return err
	}
	d.up = true
	if d.keep {
		heading("It stays up until Ctrl-C")
		note(fmt.Sprintf("%s/   user alice, password %s", c.base, password))
		<-ctx.Done()
		return nil
	}
	note("`make demo KEEP=1` leaves it up, to try in a browser.")
	return nil
}
