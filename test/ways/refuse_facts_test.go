package ways

import (
	"fmt"
	"slices"
	"strings"
)

// meant says whether a target of a settings file, as the generator writes them, is for pods.
func meant(t target, p *Pods) bool {
	fits := func(pattern, text string) bool {
		before, _, some := strings.Cut(pattern, "*")
		return pattern == "" || pattern == text || some && strings.HasPrefix(text, before) || strings.TrimSuffix(pattern, "?") == text[:max(len(text)-1, 0)]
	}
	for key, value := range t.labels {
		if p.Labels[key] != value && text(p.Workload.Map, "metadata", "labels", key) != value {
			return false
		}
	}
	serves := p.Workload.Group == "monitoring.coreos.com" || slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, p.Workload.Kind)
	return !p.hook() && (t.kind == "" && serves || strings.EqualFold(t.kind, p.Workload.Kind)) && fits(t.name, p.Workload.Name) && fits(t.ns, p.NS)
}

// certain says whether a Service leads to the web port of a resource of the operator, which is gated unless somebody says not.
func (w *World) certain(s *Object) bool {
	if slices.ContainsFunc(w.Objects, func(o *Object) bool { return o.annotation("kauth.dev/gate") == "disabled" }) {
		return false
	}
	web := map[string]int{"Prometheus": 9090, "PrometheusAgent": 9090, "Alertmanager": 9093, "ThanosRuler": 10902}
	return slices.ContainsFunc(w.Ways, func(way Way) bool {
		kind, _, _ := strings.Cut(way.Workload, " ")
		return !way.Hardly && strings.HasPrefix(way.Door, s.String()+": ") && way.Port == web[kind]
	})
}

// same says whether a message means that object.
func same(said string, o *Object) bool {
	return said == o.Kind+" "+o.Name || said == o.String() || o.NS == "" && strings.HasPrefix(said, o.Kind+" ") && strings.HasSuffix(said, "/"+o.Name)
}

// merged returns the stream as if everything were in one namespace.
func (s *Stream) merged() *Stream {
	all := make([]*Object, len(s.Objects))
	for i, o := range s.Objects {
		moved := *o
		moved.NS = ""
		all[i] = &moved
	}
	return &Stream{Objects: all}
}

func (w *World) loose(f Finding, why, service string) bool {
	return slices.ContainsFunc(w.Loose, func(l Loose) bool {
		_, name, _ := strings.Cut(l.Service, "/")
		i := slices.IndexFunc(w.Doors, func(d Door) bool { return d.String() == l.Door })
		return l.Why == why && name == service && f.about(w.Doors[i].Object)
	})
}

func (w *World) lacks(service, port string) bool {
	return slices.ContainsFunc(w.Objects, func(o *Object) bool {
		return o.Kind == "Service" && o.Name == service && !slices.ContainsFunc(servicePorts(o), func(p servicePort) bool {
			return p.Name == port || fmt.Sprint(p.Number) == port
		})
	})
}

// dead says whether no way begins at an object.
func (w *World) dead(f Finding) bool {
	return !slices.ContainsFunc(w.Ways, func(way Way) bool {
		return !way.Hardly && strings.HasPrefix(way.Door, f.Kind+" ") && strings.Contains(way.Door, "/"+f.Name+": "+f.Field)
	})
}

func (w *World) leads(f Finding, workload string, like func(Door, Way) bool) bool {
	for _, d := range w.Doors {
		for _, way := range w.Ways {
			if f.about(d.Object) && way.Door == d.String() && like(d, way) {
				for _, p := range w.Pods {
					if p.Workload.String() == way.Workload && same(workload, p.Workload) {
						return true
					}
				}
			}
		}
	}
	return false
}

// nameless says whether a Service of the workload wants a port by a name that none of its containers has; that
// name, if it is not "".
func (w *World) nameless(workload, port string) bool {
	for _, p := range w.Pods {
		for _, o := range w.Objects {
			if o.Kind != "Service" || !same(workload, p.Workload) || !p.like(texts(o.Map, "spec", "selector")) {
				continue
			}
			for _, sp := range servicePorts(o) {
				if p.target(sp) == 0 && (port == "" || sp.Target.Name == port) {
					return true
				}
			}
		}
	}
	return false
}

func (w *World) hosted(f Finding) bool {
	return slices.ContainsFunc(w.Pods, func(p *Pods) bool { return p.Host && f.about(p.Workload) })
}

func (w *World) selected(f Finding, workload string) bool {
	for _, o := range w.Objects {
		for _, p := range w.Pods {
			if f.about(o) && same(workload, p.Workload) && o.NS == p.NS && p.like(texts(o.Map, "spec", "selector")) {
				return true
			}
		}
	}
	return false
}

// ports counts the ports that a workload's containers declare, or that Services think they have.
func (w *World) ports(f Finding) int {
	all := map[int]bool{}
	for _, p := range w.Pods {
		if !f.about(p.Workload) {
			continue
		}
		for _, port := range p.Ports {
			all[port.Number] = true
		}
		for _, o := range w.Objects {
			if o.Kind == "Service" && p.like(texts(o.Map, "spec", "selector")) {
				for _, sp := range servicePorts(o) {
					all[p.target(sp)] = true
				}
			}
		}
	}
	delete(all, 0)
	return len(all)
}

func (w *World) noted(f Finding, key, value string) bool {
	return slices.ContainsFunc(w.Objects, func(o *Object) bool {
		got := o.annotation(key)
		return f.about(o) && got != "" && (value == "" || got == value)
	})
}
