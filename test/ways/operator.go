package ways

import (
	"fmt"
	"maps"
	"strconv"
)

// operatorPods are those that prometheus-operator makes: labels, names and ports are computed, for no pod template is in
// the stream. Each shard of a Prometheus is a set of its own.
func operatorPods(o *Object) []*Pods {
	spec := child(entry{"", o.Map}, "spec")
	set, fixed, ports := operated(o, spec)
	if set == "" {
		return nil
	}
	for _, c := range entries(spec, "containers") {
		ports = append(ports, portsOf(c)...)
	}
	var all []*Pods
	for shard := range max(1, number(spec.m, "shards")) {
		p := &Pods{
			Workload: o, NS: o.NS, Labels: texts(spec.m, "podMetadata", "labels"), Host: truth(spec.m, "hostNetwork"),
			Ports: ports, Spec: spec,
		}
		p.Labels["app.kubernetes.io/instance"] = o.Name
		p.Labels["app.kubernetes.io/managed-by"] = "prometheus-operator"
		maps.Copy(p.Labels, fixed) // which win over podMetadata
		name := set
		if o.Kind == "Prometheus" || o.Kind == "PrometheusAgent" {
			p.Labels["operator.prometheus.io/shard"] = strconv.Itoa(shard)
			if shard > 0 {
				name = fmt.Sprintf("%s-shard-%d", set, shard)
			}
		}
		if text(spec.m, "mode") != "DaemonSet" {
			p.Names = func(pod string) bool { return numbered(name, pod) }
		}
		all = append(all, p)
	}
	return all
}

// operated returns the name of the StatefulSet that the operator makes, "" for a kind that runs nothing, the labels that
// it gives to the pods, and the ports of its own containers.
func operated(o *Object, spec entry) (set string, labels map[string]string, ports []PodPort) {
	web := text(spec.m, "portName")
	if web == "" {
		web = "web"
	}
	tcp := func(container, name string, number int) {
		ports = append(ports, PodPort{Container: container, Name: name, Number: number, Protocol: "TCP"})
	}
	listens := !truth(spec.m, "listenLocal")
	if listens && o.Kind != "ThanosRuler" {
		tcp("config-reloader", "reloader-web", 8080)
	}
	switch o.Kind {
	case "Prometheus", "PrometheusAgent":
		if listens {
			tcp("prometheus", web, 9090)
		}
		if dig(spec.m, "thanos") != nil && o.Kind == "Prometheus" {
			tcp("thanos-sidecar", "http", 10902)
			tcp("thanos-sidecar", "grpc", 10901)
		}
		if o.Kind == "Prometheus" {
			return "prometheus-" + o.Name, Labels{
				"app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": o.Name, "prometheus": o.Name,
			}, ports
		}
		return "prom-agent-" + o.Name, Labels{"app.kubernetes.io/name": "prometheus-agent", "operator.prometheus.io/name": o.Name}, ports
	case "Alertmanager":
		if listens {
			tcp("alertmanager", web, 9093)
		}
		tcp("alertmanager", "mesh-tcp", 9094)
		ports = append(ports, PodPort{Container: "alertmanager", Name: "mesh-udp", Number: 9094, Protocol: "UDP"})
		return "alertmanager-" + o.Name, Labels{"app.kubernetes.io/name": "alertmanager", "alertmanager": o.Name}, ports
	case "ThanosRuler":
		tcp("thanos-ruler", "grpc", 10901)
		if listens {
			tcp("thanos-ruler", web, 10902)
		}
		return "thanos-ruler-" + o.Name, Labels{"app.kubernetes.io/name": "thanos-ruler", "thanos-ruler": o.Name}, ports
	}
	return "", nil, nil
}
