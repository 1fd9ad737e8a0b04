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
	{re(`^lets everybody in to port (\d+) of (\S+ \S+), past the gate, and policies add up$`), func(w *World, f Finding, m []string) bool { return w.opened(f, m[2], m[1]) }},
	{re(`^the labels that select its pods select those of (\S+ \S+) too`), func(w *World, f Finding, m []string) bool { return w.confused(f, m[1]) }},
	{re(`^no NetworkPolicy holds back what comes to pods in the network of their node`), func(w *World, f Finding, _ []string) bool { return w.hosted(f) }},
	{re(`^selects (\S+ \S+) and (\S+ \S+), whose gates differ in`), func(w *World, f Finding, m []string) bool {
		return m[1] != m[2] && w.selected(f, m[1]) && w.selected(f, m[2])
	}},
	{re(`^is said once for all backends, but the gates of (\S+ \S+) and (\S+ \S+) (?:differ|listen on (\d+) and (\d+))$`), func(w *World, f Finding, m []string) bool {
		all := func(Door, Way) bool { return true }
		return m[1] != m[2] && (m[3] == "" || m[3] != m[4]) && (w.leads(f, m[1], all) || w.nameless(m[1], "")) && (w.leads(f, m[2], all) || w.nameless(m[2], ""))
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
		return err == nil && i < len(w.rules) && !slices.ContainsFunc(w.Pods, func(p *Pods) bool { return meant(w.rules[i], p) })
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
		ends := map[string]bool{}
		for _, d := range w.Doors {
			for _, way := range w.Ways {
				if f.about(d.Object) && way.Door == d.String() {
					ends[way.Door+way.Workload] = true
				}
			}
		}
		return len(ends) > 1
	}},
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

// refusals returns the refusals that name something that the stream has not, in any namespace, and those of a kind that
// nobody said how to check.
func refusals(in *Stream, told string, refused []Finding, rules ...config.Rule) []string {
	var worlds []*World
	var targets []target
	for _, r := range rules {
		t := target{labels: r.Target.Labels}
		for from, to := range map[*string]*string{r.Target.Kind: &t.kind, r.Target.Name: &t.name, r.Target.Namespace: &t.ns} {
			if from != nil {
				*to = *from
			}
		}
		targets = append(targets, t)
	}
	for _, ns := range namespaces(in, told) {
		w := Resolve(in, ns)
		w.unsure, w.rules = told == "", targets
		worlds = append(worlds, w)
	}
	if told == "" { // what has no namespace may be kept apart from nothing
		w := Resolve(in.merged(), "")
		w.unsure, w.rules = true, targets
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
