package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// A pod is what a StatefulSet describes, run as processes of this machine.
type pod struct {
	spec    corev1.PodSpec
	configs map[string]corev1.ConfigMap // by name
	ports   map[string]string           // container port to a free port of loopback
	folders map[string]string           // name of a volume to a folder
	users   *mount                      // the volume with the users Secret
	running []*exec.Cmd
	logs    []string
}

// readPod finds the StatefulSet and the ConfigMaps in a stream.
func readPod(stream []byte) (*pod, error) {
	p := &pod{configs: map[string]corev1.ConfigMap{}, ports: map[string]string{}, folders: map[string]string{}}
	for doc := range bytes.SplitSeq(append([]byte("\n"), stream...), []byte("\n---")) {
		var object struct{ Kind string }
		if err := yaml.Unmarshal(doc, &object); err != nil {
			return nil, err
		}
		switch object.Kind {
		case "StatefulSet":
			var set appsv1.StatefulSet
			if err := yaml.Unmarshal(doc, &set); err != nil {
				return nil, err
			}
			p.spec = set.Spec.Template.Spec
		case "ConfigMap":
			var config corev1.ConfigMap
			if err := yaml.Unmarshal(doc, &config); err != nil {
				return nil, err
			}
			p.configs[config.Name] = config
		}
	}
	if len(p.containers()) != 2 {
		return nil, fmt.Errorf("%d containers in the rendered StatefulSet, want Prometheus and its gate", len(p.containers()))
	}
	return p, nil
}

// containers returns the ordinary containers, and sidecars in Kubernetes' newer sense, which stand among the others.
func (p *pod) containers() []corev1.Container {
	return slices.Concat(p.spec.InitContainers, p.spec.Containers)
}

// place finds a free port for each container port and makes a folder below dir for each volume.
func (p *pod) place(dir string) error {
	for _, c := range p.containers() {
		for _, port := range c.Ports {
			l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer func() { _ = l.Close() }() // after the last is chosen, so that they differ
			p.ports[fmt.Sprint(port.ContainerPort)] = fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
		}
	}
	for _, v := range p.spec.Volumes {
		folder := filepath.Join(dir, v.Name)
		p.folders[v.Name] = folder
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		switch {
		case v.Secret != nil && v.Secret.SecretName == gateconf.UsersSecret: // optional: empty until there is one
			p.users = &mount{dir: folder, secret: v.Secret.SecretName}
		case v.ConfigMap != nil:
			for name, text := range p.configs[v.ConfigMap.Name].Data {
				for from, to := range p.ports {
					text = strings.ReplaceAll(text, "localhost:"+from, "localhost:"+to)
				}
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					return err
				}
			}
		}
	}
	if p.users == nil {
		return fmt.Errorf("no volume with the Secret %s in the rendered pod", gateconf.UsersSecret)
	}
	return nil
}

// start runs a container's arguments with a program of this machine and shows them as the manifest has them.
func (p *pod) start(ctx context.Context, name, program string) error {
	i := slices.IndexFunc(p.containers(), func(c corev1.Container) bool { return c.Name == name })
	if i < 0 {
		return fmt.Errorf("no container %s in the rendered pod", name)
	}
	c := p.containers()[i]
	var args []string
	for _, arg := range c.Args {
		args = append(args, p.here(c, arg))
	}
	log := filepath.Join(filepath.Dir(p.users.dir), name+".log")
	out, err := os.Create(log)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(p.users.dir), out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	p.running, p.logs = append(p.running, cmd), append(p.logs, log)
	prompt(wrap(append([]string{name}, c.Args...), " \\"))
	return nil
}

// here turns an argument of a container into one for this machine.
func (p *pod) here(c corev1.Container, arg string) string {
	name, value, ok := strings.Cut(arg, "=")
	if !ok {
		return arg
	}
	for _, m := range c.VolumeMounts {
		if rest, below := strings.CutPrefix(value, m.MountPath); below && (rest == "" || rest[0] == '/') {
			return name + "=" + p.folders[m.Name] + rest
		}
	}
	for from, to := range p.ports {
		if host, ok := strings.CutSuffix(value, ":"+from); ok {
			if host == "" { // all interfaces of a pod, but only loopback here
				host = "127.0.0.1"
			}
			return name + "=" + host + ":" + to
		}
	}
	return arg
}

// mapping says how here changed the arguments.
func (p *pod) mapping() string {
	var parts []string
	for _, c := range p.containers() {
		for _, port := range c.Ports {
			from := fmt.Sprint(port.ContainerPort)
			parts = append(parts, ":"+from+"=127.0.0.1:"+p.ports[from])
		}
		for _, m := range c.VolumeMounts {
			parts = append(parts, m.MountPath+"="+p.folders[m.Name])
		}
	}
	return wrap(parts, ",")
}

// gate returns the address of the gate on this machine.
func (p *pod) gate() string {
	for _, c := range p.containers() {
		for _, port := range c.Ports {
			if port.Name == gateconf.PortName {
				return "127.0.0.1:" + p.ports[fmt.Sprint(port.ContainerPort)]
			}
		}
	}
	return ""
}

// ready waits until each readiness probe of the pod succeeds, as a kubelet would.
func (p *pod) ready(ctx context.Context) error {
	start := time.Now()
	for _, c := range p.containers() {
		if c.ReadinessProbe == nil || c.ReadinessProbe.HTTPGet == nil {
			continue
		}
		probe := c.ReadinessProbe.HTTPGet
		port := probe.Port.String()
		for _, named := range c.Ports {
			if named.Name == port {
				port = fmt.Sprint(named.ContainerPort)
			}
		}
		if err := (client{base: "http://127.0.0.1:" + p.ports[port]}).wait(ctx, probe.Path, http.StatusOK); err != nil {
			return fmt.Errorf("container %s: %w%s", c.Name, err, p.lastWords())
		}
	}
	note(fmt.Sprintf("Both containers are ready after %.1f s, by their own probes.", time.Since(start).Seconds()))
	return nil
}

func (p *pod) lastWords() string {
	var said strings.Builder
	for _, log := range p.logs {
		if data, err := os.ReadFile(log); err == nil {
			lines := strings.Split(strings.TrimSpace(string(data)), "\n")
			fmt.Fprintf(&said, "\n%s:\n  %s", filepath.Base(log), strings.Join(lines[max(0, len(lines)-5):], "\n  "))
		}
	}
	return said.String()
}

// stop ends the containers and waits for them, those last started first.
func (p *pod) stop() {
	for _, cmd := range slices.Backward(p.running) {
		_ = cmd.Process.Kill() // there is nothing in them to save; it may have ended already
		_ = cmd.Wait()
	}
}

// command runs a program that a person would, with its usual name on the screen.
func (p *pod) command(ctx context.Context, program, name string, args []string, stdin, env string) error {
	prompt(name + " " + strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	indent(out)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", name, err), errors.New(p.lastWords()))
	}
	return nil
}
