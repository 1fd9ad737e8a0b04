package topology

import (
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// App is a program that kauth knows by its labels or its resource.
type App string

// The known programs.
const (
	Prometheus      App = "Prometheus"
	PrometheusAgent App = "PrometheusAgent"
	Alertmanager    App = "Alertmanager"
	ThanosRuler     App = "ThanosRuler"
)

// Workload is an object that pods are made from.
type Workload struct {
	Object      *manifest.Object
	App         App           // "" where unknown
	Operator    bool          // a resource that prometheus-operator makes pods from
	PodSpec     manifest.Path // where containers, volumes and the rest stand
	Template    manifest.Path // the pod's metadata
	Labels      map[string]string
	Containers  []*Container
	Hook        bool // Helm runs it apart from the release
	HostNetwork bool
	podName     func(string) bool // whether a pod of it may have this name; nil where names are random
	addresses   []string          // of a pod that runs
	place       int               // in the stream, among the workloads
	sharded     bool              // its pods carry a shard's number as a label
}

// Container is a container of a workload's pods.
type Container struct {
	Name  string
	Image string
	Args  []string // command and args
	Ports []ContainerPort
	Init  bool          // it ends before the pod serves; a sidecar among the init containers, which goes on, has false
	Field manifest.Path // "" for a container that the operator makes
	Node  *yaml.Node    // nil for a container that the operator makes
}

// ContainerPort is a port that a container says it listens on.
type ContainerPort struct {
	Name     string
	Number   int
	HostPort int
	Protocol string
	Field    manifest.Path
}

var needsContainers = map[string]bool{"apps/Deployment": true, "apps/StatefulSet": true, "apps/DaemonSet": true, "apps/ReplicaSet": true}

// readWorkload returns nil for objects that are no workloads.
func readWorkload(o *manifest.Object) (*Workload, error) {
	hook := manifest.Field(o.Node, "metadata", "annotations", manifest.HookAnnotation) != nil
	if o.Group == "monitoring.coreos.com" {
		w, err := readOperator(o)
		if w != nil {
			w.Hook = hook
		}
		return w, err
	}
	w := &Workload{Object: o, Hook: hook}
	switch {
	case o.Kind == "Pod" && o.Group == "":
		w.PodSpec, w.Template = manifest.P("spec"), manifest.P("metadata")
	case o.Kind == "CronJob":
		w.PodSpec = manifest.P("spec", "jobTemplate", "spec", "template", "spec")
		w.Template = manifest.P("spec", "jobTemplate", "spec", "template", "metadata")
	case len(manifest.Items(o.Node, "spec", "template", "spec", "containers")) > 0:
		w.PodSpec, w.Template = manifest.P("spec", "template", "spec"), manifest.P("spec", "template", "metadata")
	case needsContainers[o.Group+"/"+o.Kind]:
		return nil, fmt.Errorf("%s: spec.template.spec.containers: none; is the input cut off?", o.Ref)
	default:
		return nil, nil
	}
	spec := w.Spec()
	w.Labels = manifest.Map(w.field(w.Template), "labels")
	if key := oddKey(manifest.Field(w.field(w.Template), "labels")); key != "" {
		return nil, fmt.Errorf("%s: %s: not every reader of YAML takes this key for text; put it in quotes", o.Ref, w.Template.With("labels", key))
	}
	w.HostNetwork = manifest.Bool(spec, "hostNetwork")
	var err error
	if w.Containers, err = readContainers(o, spec, w.PodSpec); err != nil {
		return nil, err
	}
	w.App = appOf(w.Labels)
	if o.Kind == "StatefulSet" {
		w.podName = ordinalNames(o.Name)
	}
	if o.Kind == "Job" {
		w.Labels = jobLabels(o.Name, w.Labels)
	}
	if o.Kind == "Pod" {
		w.podName = func(name string) bool { return name == o.Name }
		for _, n := range manifest.Items(o.Node, "status", "podIPs") {
			w.addresses = append(w.addresses, plainAddress(manifest.String(n, "ip")))
		}
	}
	return w, nil
}

// Spec returns the mapping that holds the pod's containers.
func (w *Workload) Spec() *yaml.Node { return w.field(w.PodSpec) }

func (w *Workload) field(p manifest.Path) *yaml.Node {
	keys := make([]string, len(p))
	for i, step := range p {
		keys[i] = step.(string)
	}
	return manifest.Field(w.Object.Node, keys...)
}

// readContainers reads the containers in the order in which Kubernetes looks for a port by its name: containers, then
// init containers (k8s.io/kubernetes pkg/api/v1/pod FindPort).
func readContainers(o *manifest.Object, spec *yaml.Node, at manifest.Path) ([]*Container, error) {
	var all []*Container
	for _, list := range []string{"containers", "initContainers"} {
		for i, n := range manifest.Items(spec, list) {
			c := &Container{
				Name: manifest.String(n, "name"), Image: manifest.String(n, "image"),
				Init:  list == "initContainers" && manifest.String(n, "restartPolicy") != "Always",
				Field: at.With(list, i), Node: n,
			}
			for _, key := range []string{"command", "args"} {
				for _, arg := range manifest.Items(n, key) {
					c.Args = append(c.Args, arg.Value)
				}
			}
			for j, p := range manifest.Items(n, "ports") {
				port := ContainerPort{Name: manifest.String(p, "name"), Protocol: manifest.String(p, "protocol"), Field: c.Field.With("ports", j)}
				for _, key := range []string{"containerPort", "hostPort"} {
					text := manifest.String(p, key)
					number, ok := manifest.Decimal(text)
					if text != "" && !ok {
						return nil, fmt.Errorf("%s: %s: %q %s; %s", o.Ref, port.Field.With(key), text, oddPort, oddHint)
					}
					if key == "hostPort" {
						port.HostPort = number
					} else {
						port.Number = number
					}
				}
				c.Ports = append(c.Ports, port)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// ordinalNames returns a test for the names that a StatefulSet gives its pods. A replica count in a manifest is no
// bound: autoscalers and people change it.
func ordinalNames(prefix string) func(string) bool {
	return func(name string) bool {
		ordinal, ok := strings.CutPrefix(name, prefix+"-")
		if !ok {
			return false
		}
		_, err := strconv.ParseUint(ordinal, 10, 31)
		return err == nil
	}
}

// resolvePort returns the number and name of the container port that a Service's targetPort means. The number is 0
// where no container has a port of that name.
func (w *Workload) resolvePort(target Port, protocol string) (number int, name string) {
	for _, c := range w.Containers {
		for _, p := range c.Ports {
			if c.Init || orDefault(p.Protocol, "TCP") != orDefault(protocol, "TCP") {
				continue
			}
			if target.Name != "" && p.Name == target.Name || target.Name == "" && p.Number == target.Number {
				return p.Number, p.Name
			}
		}
	}
	return target.Number, target.Name
}

// TargetOf returns the number and name of the container port of w that a Service port leads to. The number is 0 where
// no container has a port of that name.
func (p *ServicePort) TargetOf(w *Workload) (number int, name string) {
	return w.resolvePort(p.Target, p.Protocol)
}

// Container returns the container that says it listens on a TCP port, nil where none does, or where several do and
// so who listens cannot be known.
func (w *Workload) Container(port int) *Container {
	var found *Container
	for _, c := range w.Containers {
		if c.Init || !c.listens(port) {
			continue
		}
		if found != nil && found.Name != c.Name {
			return nil
		}
		found = c
	}
	return found
}

func (c *Container) listens(port int) bool {
	for _, p := range c.Ports {
		if p.Number == port && orDefault(p.Protocol, "TCP") == "TCP" {
			return true
		}
	}
	return false
}

// Takes says whether a container of the workload says that it listens on a port.
func (w *Workload) Takes(port int) bool { return w.TakenBy(port) != "" }

// TakenBy names the first container that says it listens on a port, of whatever protocol; "" where none does.
func (w *Workload) TakenBy(port int) string {
	for _, c := range w.Containers {
		for _, p := range c.Ports {
			if p.Number == port {
				return c.Name
			}
		}
	}
	return ""
}

// hostPorts are the ports that the workload opens on its node.
func (w *Workload) hostPorts() []ContainerPort {
	if w.Hook {
		return nil
	}
	var open []ContainerPort
	for _, c := range w.Containers {
		for _, p := range c.Ports {
			if p.HostPort != 0 || w.HostNetwork {
				open = append(open, p)
			}
		}
	}
	return open
}

func (w *Workload) hostField(port int) manifest.Path {
	for _, c := range w.Containers {
		for _, p := range c.Ports {
			if p.Number == port && p.HostPort != 0 {
				return p.Field.With("hostPort")
			}
		}
	}
	return w.PodSpec.With("hostNetwork")
}

// appOf knows a program by the labels that charts give its pods: app.kubernetes.io/name with component where the
// chart follows the recommended labels, app with component where it is older.
func appOf(labels map[string]string) App {
	name, component := labels["app.kubernetes.io/name"], labels["app.kubernetes.io/component"]
	if name == "" {
		name, component = labels["app"], labels["component"]
	}
	switch name {
	case "prometheus":
		switch component {
		case "", "server", "prometheus", "prometheus-server":
			return Prometheus
		case "alertmanager":
			return Alertmanager
		}
	case "prometheus-server":
		return Prometheus
	case "prometheus-agent":
		return PrometheusAgent
	case "alertmanager", "prometheus-alertmanager":
		if component == "" || component == "alertmanager" || component == "server" {
			return Alertmanager
		}
	case "thanos-ruler", "thanos-rule":
		return ThanosRuler
	case "thanos":
		if component == "ruler" || component == "rule" || component == "thanos-ruler" {
			return ThanosRuler
		}
	}
	return ""
}
