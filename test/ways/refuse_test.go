package ways

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
)

// A reason is a kind of refusal, and how to tell that the stream really has what it says.
type reason struct {
	says *regexp.Regexp
	true func(w *World, f Finding, m []string) bool
}

var reasons = []reason{
	{re(`no Service "(.*)" in this stream`), func(w *World, f Finding, m []string) bool { return w.loose(f, "no Service", m[1]) }},
	{re(`^Service "(.*)" has no selector`), func(w *World, f Finding, m []string) bool { return w.loose(f, "no selector", m[1]) }},
	{re(`open to the outside \(.*\) and has no selector`), func(w *World, f Finding, _ []string) bool { return w.loose(f, "no selector", f.Name) }},
	{re(`^Service "(.*)" is an ExternalName for "(.*)", which leads back`), func(w *World, _ Finding, m []string) bool {
		return slices.ContainsFunc(w.Objects, func(o *Object) bool {
			return o.Kind == "Service" && o.Name == m[1] && text(o.Map, "spec", "externalName") == m[2]
		})
	}},
	{re(`^Service "(.*)" has no port "(.*)"`), func(w *World, f Finding, m []string) bool {
		return w.lacks(m[1], m[2]) || f.Kind == "Route" && w.dead(f)
	}},
	{re(`^Service "(.*)" has no port that is meant without saying which`), func(w *World, _ Finding, m []string) bool {
		return slices.ContainsFunc(w.Objects, func(o *Object) bool { return o.Kind == "Service" && o.Name == m[1] && len(servicePorts(o)) != 1 })
	}},
	{re(`^leads to (\S+ \S+) with (gRPC|TCP|TLS|UDP)`), func(w *World, f Finding, m []string) bool {
		return w.leads(f, m[1], func(d Door, way Way) bool { return d.Speaks == m[2] || way.Protocol == m[2] }) || w.nameless(m[1], "")
	}},
	{re(`^leads to (\S+ \S+) with no port, so by the first one`), func(w *World, f Finding, m []string) bool {
		return w.leads(f, m[1], func(d Door, _ Way) bool { return strings.Contains(d.At, "default-backend") }) || w.nameless(m[1], "")
	}},
	{re(`^leads to port (\d+)(?: \(.*?\))? of (\S+ \S+), but the gate stands before port (\d+)`), func(w *World, f Finding, m []string) bool {
		return m[1] != m[3] && w.leads(f, m[2], func(_ Door, way Way) bool { return fmt.Sprint(way.Port) == m[1] })
	}},
	{re(`^leads to port "(.*)" of (\S+ \S+), which no container has`), func(w *World, _ Finding, m []string) bool { return w.nameless(m[2], m[1]) }},
	{re(`^port (\d+) of (\S+ \S+) is open on its node`), func(w *World, f Finding, m []string) bool {
		return w.hosted(f) || w.leads(f, m[2], func(d Door, way Way) bool { return strings.HasPrefix(d.At, "hostPort") && fmt.Sprint(way.Port) == m[1] })
	}},
	{re(`open on its node, past any gate`), func(w *World, f Finding, _ []string) bool { return w.hosted(f) }},
	{re(`^selects (\S+ \S+), which has no gate, beside (\S+ \S+)$`), func(w *World, f Finding, m []string) bool {
		return m[1] != m[2] && w.selected(f, m[1]) && w.selected(f, m[2]) || w.unsure
	}},
	{re(`^Service "(.*)" selects (\S+ \S+), which has no gate, (?:beside|and may select) (\S+ \S+)`), func(w *World, _ Finding, m []string) bool {
		service := Finding{Kind: "Service", Name: m[1]}
		return m[2] != m[3] && w.selected(service, m[2]) && w.selected(service, m[3]) || w.unsure
	}},
	{re(`^Service "(.*)" selects (\S+ \S+), which has no gate, or (\S+ \S+), as the namespace`), func(w *World, _ Finding, m []string) bool {
		return m[2] != m[3] && w.unsure
	}},
	{re(`^leads to port (\d+)(?: \(.*?\))? of (\S+ \S+) beside (\S+ \S+), so that it would lead to the gates of both$`), func(w *World, f Finding, m []string) bool {
		to := func(_ Door, way Way) bool { return fmt.Sprint(way.Port) == m[1] }
		return m[2] != m[3] && w.leads(f, m[2], to) && w.leads(f, m[3], func(Door, Way) bool { return true })
	}},
	{re(`^is "(.*)", but the gate speaks HTTP$`), func(w *World, f Finding, m []string) bool {
		return slices.ContainsFunc(w.Objects, func(o *Object) bool {
			return f.about(o) && slices.ContainsFunc(entries(entry{"", o.Map}, "spec", "routes"), func(r entry) bool {
				return slices.ContainsFunc(entries(r, "services"), func(s entry) bool { return text(s.m, "protocol") == m[1] })
			})
		})
	}},
	{re(`^selects (\S+ \S+) and (\S+ \S+), whose gates differ in`), func(w *World, f Finding, m []string) bool {
		return m[1] != m[2] && w.selected(f, m[1]) && w.selected(f, m[2])
	}},
	{re(`^is said once for all backends, but the gates of (\S+ \S+) and (\S+ \S+) differ$`), func(w *World, f Finding, m []string) bool {
		all := func(Door, Way) bool { return true }
		return m[1] != m[2] && (w.leads(f, m[1], all) || w.nameless(m[1], "")) && (w.leads(f, m[2], all) || w.nameless(m[2], ""))
	}},
	{re(`^tells nginx one protocol for all, but the gate behind (\S+ \S+) speaks HTTPS and the one behind (\S+ \S+) HTTP$`), func(w *World, f Finding, m []string) bool {
		return m[1] != m[2] && f.Kind == "Ingress"
	}},
	{re(`^is reencrypt, but the gate speaks HTTP$`), func(_ *World, f Finding, _ []string) bool { return f.Kind == "Route" }},
	{re(`^port (\d+) of .* is taken by (?:container "(.*)"|the application|.*, on the node)$`), func(w *World, f Finding, m []string) bool {
		return slices.ContainsFunc(w.Pods, func(p *Pods) bool {
			return f.about(p.Workload) && (m[2] == "" || slices.ContainsFunc(p.Ports, func(pp PodPort) bool { return fmt.Sprint(pp.Number) == m[1] && pp.Container == m[2] }))
		})
	}},
	{re(`^kauth\.yaml:\d+: gates\[(\d+)\]\.target: no workload of this stream matches$`), func(w *World, _ Finding, m []string) bool {
		i, err := strconv.Atoi(m[1])
		return err == nil && i < len(w.rules) && !slices.ContainsFunc(w.Pods, func(p *Pods) bool { return meant(w.rules[i].Target, p) })
	}},
	{re(`^--keep-internal (\S+)=(\S+): no such Service of this stream has ports that move to a gate$`), func(w *World, _ Finding, m []string) bool {
		return len(w.rules) > 0 || !slices.ContainsFunc(w.Objects, func(o *Object) bool { return o.Kind == "Service" && o.Name == m[1] && exposed(o) && w.certain(o) })
	}},
	{re(`^several ports (?:.* )?\(`), func(w *World, f Finding, _ []string) bool { return w.ports(f) > 1 }},
	{re(`^no container says which port`), func(w *World, f Finding, _ []string) bool { return w.ports(f) == 0 }},
	{re(`a Helm hook runs to its end`), func(w *World, f Finding, _ []string) bool { return w.noted(f, "helm.sh/hook", "") }},
	{re(`^enables nothing`), func(w *World, f Finding, _ []string) bool { return w.noted(f, "kauth.dev/gate", "enabled") }},
	{re(`^says "disabled", but`), func(w *World, f Finding, _ []string) bool { return w.noted(f, "kauth.dev/gate", "disabled") }},
	{re(`^--gate (\S+?)/(\S+?)(?::\S+)?: means both`), func(w *World, _ Finding, m []string) bool {
		n := 0
		for _, p := range w.Pods {
			if p.Workload.Kind == m[1] && p.Workload.Name == m[2] {
				n++
			}
		}
		return n > 1
	}},
	{re(`^--gate (\S+?)/(\S+?)(?::\S+)?: no such workload`), func(w *World, _ Finding, m []string) bool {
		return !slices.ContainsFunc(w.Pods, func(p *Pods) bool { return p.Workload.Kind == m[1] && p.Workload.Name == m[2] })
	}},
	{re(`^shares its port with`), func(w *World, f Finding, _ []string) bool {
		n := 0
		for _, d := range w.Doors {
			if f.about(d.Object) {
				n++
			}
		}
		return n > 1
	}},
	{re(`^is one for all backends, but no name and no number means`), func(w *World, f Finding, _ []string) bool {
		doors := map[string]bool{}
		for _, d := range w.Doors {
			for _, way := range w.Ways {
				if f.about(d.Object) && way.Door == d.String() {
					doors[way.Door] = true
				}
			}
		}
		return len(doors) > 1
	}},
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

// refusals returns the refusals that name something that the stream has not, in any namespace, and those of a kind that
// nobody said how to check.
func refusals(in *Stream, told string, refused []Finding, rules ...config.Rule) []string {
	var worlds []*World
	for _, ns := range namespaces(in, told) {
		w := Resolve(in, ns)
		w.unsure, w.rules = told == "", rules
		worlds = append(worlds, w)
	}
	if told == "" { // what has no namespace may be kept apart from nothing
		w := Resolve(in.merged(), "")
		w.unsure, w.rules = true, rules
		worlds = append(worlds, w)
	}
	var wrong []string
	for _, f := range refused {
		if len(refused) > 1 && strings.HasPrefix(f.Message, "--keep-internal") {
			continue // what else is refused may be why nothing moves
		}
		i := slices.IndexFunc(reasons, func(r reason) bool { return r.says.MatchString(f.Message) })
		if i < 0 {
			wrong = append(wrong, fmt.Sprintf("refused for a reason of its own: %s %s: %s: %s", f.Kind, f.Name, f.Field, f.Message))
			continue
		}
		m := reasons[i].says.FindStringSubmatch(f.Message)
		nowhere := f
		nowhere.NS = ""
		if !slices.ContainsFunc(worlds, func(w *World) bool { return reasons[i].true(w, f, m) || w.unsure && reasons[i].true(w, nowhere, m) }) {
			wrong = append(wrong, fmt.Sprintf("refused for what is not so: %s %s: %s: %s", f.Kind, f.Name, f.Field, f.Message))
		}
	}
	return wrong
}

// meant says whether a target of a settings file, as the generator writes them, is for pods.
func meant(t config.Target, p *Pods) bool {
	fits := func(pattern *string, text string) bool {
		if pattern == nil {
			return true
		}
		before, _, some := strings.Cut(*pattern, "*")
		return *pattern == text || some && strings.HasPrefix(text, before) || strings.TrimSuffix(*pattern, "?") == text[:max(len(text)-1, 0)]
	}
	for key, value := range t.Labels {
		if p.Labels[key] != value && text(p.Workload.Map, "metadata", "labels", key) != value {
			return false
		}
	}
	serves := p.Workload.Group == "monitoring.coreos.com" || slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, p.Workload.Kind)
	return !p.hook() && (t.Kind == nil && serves || t.Kind != nil && strings.EqualFold(*t.Kind, p.Workload.Kind)) && fits(t.Name, p.Workload.Name) && fits(t.Namespace, p.NS)
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
