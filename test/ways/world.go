package ways

import (
	"fmt"
	"slices"
	"strings"
)

// A World is what a cluster would make of a stream.
type World struct {
	Objects []*Object
	Pods    []*Pods
	Doors   []Door
	Ways    []Way   // sorted, each once
	Loose   []Loose // doors behind which something is that the stream does not tell

	services map[name][]*Object
	nowhere  bool     // everything is in one namespace, wherever references lead
	unsure   bool     // kauth knows less: not the namespace of the release
	rules    []target // of the settings file
}

type name struct{ ns, name string }

// A target is whom an entry of the settings file is for; "" is anybody.
type target struct {
	kind, name, ns string
	labels         map[string]string
}

// A Door is a place that lets somebody in from outside the cluster.
type Door struct {
	Object *Object
	At     string // "spec.rules[0].http.paths[0].backend"; for Services the port's number, which is what is published
	Field  string // where that stands
	Speaks string // HTTP, or what no HTTP proxy can guard: gRPC, TCP, TLS, UDP
}

// String names a door.
func (d Door) String() string { return d.Object.String() + ": " + d.At }

// A Way leads from a door to one port of a workload's pods.
type Way struct {
	Door     string
	Service  string // "mon/prom", "" where the door is the pod's own
	Workload string
	Port     int // 0 is every port
	Protocol string
	Maybe    bool // it takes a label that pods may get at run time
	Hardly   bool // it takes one that nobody gives them then, so that it is no fault to count it nor not to
}

// String is the way as a person would write it.
func (w Way) String() string {
	s := fmt.Sprintf("%s -> %s:%d/%s", w.Door, w.Workload, w.Port, w.Protocol)
	if w.Service != "" {
		s = fmt.Sprintf("%s -> Service %s -> %s:%d/%s", w.Door, w.Service, w.Workload, w.Port, w.Protocol)
	}
	if w.Maybe {
		s += " (maybe)"
	}
	if w.Hardly {
		s += " (hardly)"
	}
	return s
}

// Loose is a door whose other side the stream does not hold.
type Loose struct{ Door, Why, Service string }

// Resolve finds all ways of a stream in a cluster, where ns is the namespace of the release; "" is for a stream without any.
func Resolve(s *Stream, ns string) *World {
	w := &World{Objects: s.In(ns), nowhere: ns == "", services: map[name][]*Object{}}
	for _, o := range w.Objects {
		if o.Kind == "Service" && o.Group == "" {
			w.services[name{o.NS, o.Name}] = append(w.services[name{o.NS, o.Name}], o)
		}
		w.Pods = append(w.Pods, podsOf(o)...)
	}
	for _, o := range w.Objects {
		w.enter(o)
	}
	w.enterNodes()
	slices.SortFunc(w.Ways, func(a, b Way) int { return strings.Compare(a.String(), b.String()) })
	w.Ways = slices.Compact(w.Ways)
	return w
}

// enter goes through the doors of one object.
func (w *World) enter(o *Object) {
	for _, read := range []func(*Object) []backend{
		ingress, gatewayRoute, traefik, istio, openshift, contour, targetGroupBinding, streams,
	} {
		for _, b := range read(o) {
			w.follow(b)
		}
	}
	if o.Kind == "Service" && o.Group == "" {
		w.enterService(o)
	}
}

// A backend is where a door leads: to a Service, by name.
type backend struct {
	door    Door
	ns, svc string
	// port chooses among the Service's ports.
	port func(p servicePort, all []servicePort) bool
	pod  int // if not 0, only where that is the pods' port
}

// A servicePort is a port of a Service.
type servicePort struct {
	Name     string
	Number   int
	at       string
	Target   portRef
	Protocol string
	Node     int
}

// follow goes from a door through the Services of its backend.
func (w *World) follow(b backend) {
	if b.door.Field == "" {
		b.door.Field = b.door.At
	}
	w.Doors = append(w.Doors, b.door)
	if w.nowhere {
		b.ns = ""
	}
	found := w.services[name{b.ns, b.svc}]
	if len(found) == 0 {
		w.Loose = append(w.Loose, Loose{b.door.String(), "no Service", b.ns + "/" + b.svc})
	}
	for _, s := range found {
		all := servicePorts(s)
		var tcp, others []servicePort
		for _, p := range all {
			switch {
			case !b.port(p, all):
			case p.Protocol == "TCP":
				tcp = append(tcp, p)
			default:
				others = append(others, p)
			}
		}
		if len(tcp) == 0 || b.door.Speaks == "UDP" {
			tcp = others
		}
		w.through(s, b.door, tcp, b.pod)
	}
}

// through goes from ports of a Service to the pods; only to one port of theirs if that is not 0.
func (w *World) through(s *Object, door Door, ports []servicePort, only int) {
	if text(s.Map, "spec", "type") == "ExternalName" {
		w.away(s, door)
		return
	}
	selector := texts(s.Map, "spec", "selector")
	if len(selector) == 0 {
		w.Loose = append(w.Loose, Loose{door.String(), "no selector", s.NS + "/" + s.Name})
		return
	}
	for _, p := range w.Pods {
		m := w.finds(s, selector, p)
		if m == never {
			continue
		}
		for _, sp := range ports {
			if number := p.target(sp); number > 0 && (only == 0 || only == number) {
				w.Ways = append(w.Ways, Way{door.String(), s.NS + "/" + s.Name, p.Workload.String(), number, sp.Protocol, m == maybe, m == hardly})
			}
		}
	}
}

// finds says how sure it is that a Service selects pods. Such as lack labels of the run time count where they have the others,
// or where no pods have any of them; a label that some template gives is none of the run time.
func (w *World) finds(s *Object, selector map[string]string, p *Pods) match {
	m, shared := p.matches(selector)
	if p.NS != s.NS {
		return never
	}
	if m == maybe && p.hook() || m == maybe && shared == 0 && slices.ContainsFunc(w.Pods, func(other *Pods) bool {
		_, theirs := other.matches(selector)
		return other.NS == s.NS && theirs > 0 && !other.hook()
	}) {
		return hardly
	}
	return m
}

// away follows an ExternalName, which may lead back into the cluster, to any port.
func (w *World) away(s *Object, door Door) {
	host := strings.Split(strings.TrimSuffix(text(s.Map, "spec", "externalName"), "."), ".")
	if len(host) < 3 || host[2] != "svc" {
		return
	}
	found := w.services[name{host[1], host[0]}]
	for _, other := range found {
		if text(other.Map, "spec", "type") != "ExternalName" {
			w.through(other, door, servicePorts(other), 0)
		}
	}
	if len(found) == 0 {
		w.Loose = append(w.Loose, Loose{door.String(), "ExternalName", s.NS + "/" + s.Name})
	}
}

// target returns the pod's port that a Service's port leads to, 0 where no container has that name.
func (p *Pods) target(sp servicePort) int {
	switch {
	case sp.Target.Number > 0:
		return sp.Target.Number
	case sp.Target.Name == "":
		return sp.Number
	}
	for _, pp := range p.Ports {
		if pp.Name == sp.Target.Name && pp.Protocol == sp.Protocol {
			return pp.Number
		}
	}
	return 0
}

func servicePorts(s *Object) []servicePort {
	var all []servicePort
	for _, e := range entries(entry{"", s.Map}, "spec", "ports") {
		p := servicePort{
			at: e.at, Name: text(e.m, "name"), Number: number(e.m, "port"), Target: refOf(e.m["targetPort"]),
			Protocol: text(e.m, "protocol"), Node: number(e.m, "nodePort"),
		}
		if p.Protocol == "" {
			p.Protocol = "TCP"
		}
		all = append(all, p)
	}
	return all
}
