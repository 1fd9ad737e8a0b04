package topology

import (
	"fmt"
	"maps"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// operatorKind is what prometheus-operator v0.93.0 makes of one of its resources.
type operatorKind struct {
	app       App
	prefix    string // of the StatefulSet's name
	appName   string // label app.kubernetes.io/name
	nameLabel string // label that carries the resource's name, "" where there is none
	opName    bool   // label operator.prometheus.io/name
	sharded   bool   // label operator.prometheus.io/shard
	container string
	port      int
	extra     []ContainerPort
}

// Sources: makeSelectorLabels in PO:pkg/prometheus/server/operator.go, .../agent/operator.go, pkg/alertmanager/operator.go
// and pkg/thanos/operator.go; ports in PO:pkg/prometheus/common.go MakeContainerPorts.
var operatorKinds = map[string]operatorKind{
	"Prometheus": {
		app: Prometheus, prefix: "prometheus-", appName: "prometheus", nameLabel: "prometheus", opName: true, sharded: true,
		container: "prometheus", port: 9090,
	},
	"PrometheusAgent": {
		app: PrometheusAgent, prefix: "prom-agent-", appName: "prometheus-agent", opName: true, sharded: true,
		container: "prometheus", port: 9090,
	},
	"Alertmanager": {
		app: Alertmanager, prefix: "alertmanager-", appName: "alertmanager", nameLabel: "alertmanager",
		container: "alertmanager", port: 9093,
		extra: []ContainerPort{{Name: "mesh-tcp", Number: 9094}, {Name: "mesh-udp", Number: 9094, Protocol: "UDP"}},
	},
	"ThanosRuler": {
		app: ThanosRuler, prefix: "thanos-ruler-", appName: "thanos-ruler", nameLabel: "thanos-ruler",
		container: "thanos-ruler", port: 10902, extra: []ContainerPort{{Name: "grpc", Number: 10901}},
	},
}

// WebPort is the port that an operator resource serves its web pages on, whatever its name
// (PO:pkg/prometheus/common.go).
func (w *Workload) WebPort() int { return operatorKinds[w.Object.Kind].port }

// WebContainer is the name of the container that the operator makes for the program itself.
func (w *Workload) WebContainer() string { return operatorKinds[w.Object.Kind].container }

func readOperator(o *manifest.Object) (*Workload, error) {
	kind, ok := operatorKinds[o.Kind]
	if !ok {
		return nil, nil
	}
	spec := manifest.Field(o.Node, "spec")
	if spec == nil || spec.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: spec: missing or not a mapping; the operator needs one, if only spec: {}", o.Ref)
	}
	w := &Workload{
		Object: o, App: kind.app, Operator: true, PodSpec: manifest.P("spec"), Template: manifest.P("spec", "podMetadata"),
		HostNetwork: manifest.Bool(spec, "hostNetwork"), Labels: operatorLabels(o, kind),
	}
	own, err := readContainers(o, spec, w.PodSpec)
	if err != nil {
		return nil, err
	}
	w.Containers = append(operatorContainers(spec, kind), own...)
	for _, c := range w.Containers {
		if c.Node != nil && c.Image == "" && c.Name == kind.container {
			// A patch of the operator's own container: its ports merge into that one's by number.
			w.Containers[0].Ports = append(w.Containers[0].Ports, c.Ports...)
			c.Ports = nil
		}
	}
	if daemon := manifest.String(spec, "mode") == "DaemonSet"; !daemon {
		w.podName = func(name string) bool { return operatorPodName(kind, o.Name, name) }
		w.sharded = kind.sharded
	}
	return w, nil
}

// operatorLabels computes the labels of pods that are not in the stream. The operator's own win over podMetadata's.
func operatorLabels(o *manifest.Object, kind operatorKind) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, manifest.Map(o.Node, "spec", "podMetadata", "labels"))
	delete(labels, "app.kubernetes.io/version") // the operator overrides it with a value of its own making
	delete(labels, shardLabel)                  // and this one
	labels["app.kubernetes.io/name"] = kind.appName
	labels["app.kubernetes.io/instance"] = o.Name
	labels["app.kubernetes.io/managed-by"] = "prometheus-operator"
	if kind.nameLabel != "" {
		labels[kind.nameLabel] = o.Name
	}
	if kind.opName {
		labels["operator.prometheus.io/name"] = o.Name
	}
	return labels
}

// operatorPodName says whether the operator may make a pod of this name: PREFIX-NAME-0, and with shards
// PREFIX-NAME-shard-1-0.
func operatorPodName(kind operatorKind, resource, pod string) bool {
	if ordinalNames(kind.prefix + resource)(pod) {
		return true
	}
	rest, ok := strings.CutPrefix(pod, kind.prefix+resource+"-shard-")
	if !ok || !kind.sharded {
		return false
	}
	shard, _, _ := strings.Cut(rest, "-")
	return ordinalNames("")("-"+shard) && ordinalNames(kind.prefix+resource+"-shard-"+shard)(pod)
}

// operatorContainers are the containers that the operator adds to those of spec.containers. With listenLocal the web
// port is on loopback, and neither it nor the reloader's is a container port any more.
func operatorContainers(spec *yaml.Node, kind operatorKind) []*Container {
	web := &Container{Name: kind.container}
	reloader := &Container{Name: "config-reloader"}
	if !manifest.Bool(spec, "listenLocal") {
		name := manifest.String(spec, "portName")
		if name == "" {
			name = "web"
		}
		web.Ports = append(web.Ports, ContainerPort{Name: name, Number: kind.port})
		reloader.Ports = append(reloader.Ports, ContainerPort{Name: "reloader-web", Number: 8080})
	}
	web.Ports = append(web.Ports, kind.extra...)
	all := []*Container{web, reloader}
	if thanos := manifest.Field(spec, "thanos"); thanos != nil && thanos.Kind == yaml.MappingNode {
		all = append(all, &Container{Name: "thanos-sidecar", Ports: []ContainerPort{{Name: "http", Number: 10902}, {Name: "grpc", Number: 10901}}})
	}
	return all
}
