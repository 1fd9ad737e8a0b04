package ways

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// A Finding is a line of kauth's report.
type Finding struct {
	Severity string
	Kind, NS string // NS is "" where kauth does not know it
	Name     string
	Field    string
	Message  string
}

// about says whether the finding is of that object.
func (f Finding) about(o *Object) bool {
	return f.Kind == o.Kind && f.Name == o.Name && (f.NS == "" || f.NS == o.NS)
}

// A Run is what kauth made of a stream.
type Run struct {
	AllowFrom []string // the peers of the setting, in JSON with sorted keys

	In, Out  *Stream
	Findings []Finding
	Unsure   bool   // kauth was not told the namespace of the release
	Policy   string // of --network-policy
	Inside   []Inside
}

// An Inside is a Service that is asked for beside another, for clients inside the cluster; beside any for "".
type Inside struct{ Beside, Name string }

// A Gate is a gate as it stands in the output.
type Gate struct {
	Pods     *Pods
	Port     int // of the gate
	Admin    int // metrics and health
	Upstream int // of the application
	Health   string
	TLS      bool
}

// gates finds the gates of a world, by workload.
func (w *World) gates() (map[string]Gate, []string) {
	gates, wrong := map[string]Gate{}, []string(nil)
	for _, p := range w.Pods {
		for _, list := range []string{"containers", "initContainers"} {
			for _, c := range entries(p.Spec, list) {
				if text(c.m, "name") != gateconf.ContainerName {
					continue
				}
				g, err := gateOf(p, c)
				if err != nil {
					wrong = append(wrong, fmt.Sprintf("%s: %v", p.Workload, err))
				}
				gates[p.Workload.String()] = g
			}
		}
	}
	return gates, wrong
}

// gateOf reads a gate from its container. What it listens on and what it declares must agree.
func gateOf(p *Pods, c entry) (Gate, error) {
	g := Gate{Pods: p}
	for _, port := range portsOf(c) {
		switch port.Name {
		case gateconf.PortName:
			g.Port = port.Number
		case gateconf.AdminPortName:
			g.Admin = port.Number
		}
	}
	var args []string
	list, _ := c.m["args"].([]any)
	for _, a := range list {
		s, _ := a.(string)
		args = append(args, s)
	}
	config, err := gateconf.Parse(args)
	if err != nil {
		return g, err
	}
	g.Health, g.TLS = config.HealthPath, config.TLSCertFile != ""
	if config.Listen != ":"+strconv.Itoa(g.Port) || config.AdminListen != ":"+strconv.Itoa(g.Admin) {
		return g, fmt.Errorf("listens on %s and %s, declares %d and %d", config.Listen, config.AdminListen, g.Port, g.Admin)
	}
	_, host, _ := strings.Cut(config.Upstream, "://")
	upstream, ok := strings.CutPrefix(host, "127.0.0.1:")
	g.Upstream, err = strconv.Atoi(upstream)
	if !ok || err != nil {
		return g, fmt.Errorf("upstream %q is not a port of the pod", config.Upstream)
	}
	for _, port := range p.Ports {
		if port.Container != gateconf.ContainerName && port.Protocol == "TCP" && (port.Number == g.Port || port.Number == g.Admin) {
			return g, fmt.Errorf("port %d of the gate is taken by container %q", port.Number, port.Container)
		}
	}
	return g, config.Validate()
}

// Judge returns all ways in that a run left open, lost or made, a line each, where ns is the namespace of the release.
func (r Run) Judge(ns string) []string {
	before, after := Resolve(r.In, ns), Resolve(r.Out, ns)
	rest, added := r.parted()
	if len(before.Objects) != len(rest.Objects) {
		return []string{fmt.Sprintf("%d objects became %d, less %d that kauth may add", len(before.Objects), len(after.Objects), len(added))}
	}
	gates, wrong := after.gates()
	wrong = append(wrong, r.inside(before, after)...)
	wrong = append(wrong, r.health(after, gates)...)
	wrong = append(wrong, r.ways(before, after, gates)...)
	return append(wrong, r.policies(before, after, gates)...)
}

// inside looks for the Services that were asked for, beside each of the name that is open to the outside and leads to a
// gate now: they lead where that one led.
func (r Run) inside(before, after *World) []string {
	var wrong []string
	for _, i := range r.Inside {
		found := 0
		for at, all := range after.services {
			if at.name != i.Name {
				continue
			}
			found++
			of := before.services[name{at.ns, i.Beside}]
			if i.Beside != "" && (len(of) == 0 || !alike(of[0], all[0])) {
				wrong = append(wrong, fmt.Sprintf("%s does not lead where Service %s/%s led", all[0], at.ns, i.Beside))
			}
		}
		if found == 0 {
			wrong = append(wrong, fmt.Sprintf("no Service %q beside %q, though it was asked for", i.Name, i.Beside))
		}
	}
	return wrong
}

// alike says whether two Services select the same pods, and lead to the same ports of them by the same ports.
func alike(a, b *Object) bool {
	ports := func(o *Object) string {
		all := servicePorts(o)
		for i := range all {
			if all[i].at = ""; all[i].Target == (portRef{}) {
				all[i].Target = portRef{Number: all[i].Number}
			}
			all[i].Node = 0
		}
		return fmt.Sprint(all)
	}
	return maps.Equal(texts(a.Map, "spec", "selector"), texts(b.Map, "spec", "selector")) && ports(a) == ports(b)
}

// ways compares the ways in. Each that led to a gated workload's own port now leads to its gate; all others are as they
// were, and those that pass a gate are named in a finding.
func (r Run) ways(before, after *World, gates map[string]Gate) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	want := map[Way]bool{}
	for _, w := range before.Ways {
		if w.Hardly {
			continue
		}
		g, gated := gates[w.Workload]
		if gated && w.Protocol == "TCP" && (w.Port == g.Upstream || r.handMade(g, w.Port)) && !r.excused(before, w) {
			w.Port = g.Port
		}
		want[w] = true
	}
	got := map[Way]bool{}
	for _, w := range after.Ways {
		if w.Hardly {
			continue
		}
		got[w] = true
		g, gated := gates[w.Workload]
		switch {
		case gated && (w.Port != g.Port || w.Protocol != "TCP") && !r.excused(before, w):
			say("past the gate: %s", w)
		case !want[w]:
			say("new: %s", w)
		}
	}
	for _, w := range slices.SortedFunc(maps.Keys(want), func(a, b Way) int { return strings.Compare(a.String(), b.String()) }) {
		if !got[w] && !r.passing(before, w, gates) {
			say("lost: %s", w)
		}
	}
	doors := map[string]bool{}
	for _, d := range before.Doors {
		doors[d.String()] = true
	}
	for _, d := range after.Doors {
		if !doors[d.String()] {
			say("a new door: %s", d)
		}
	}
	if b, a := fmt.Sprint(before.Loose), fmt.Sprint(after.Loose); b != a {
		say("loose ends changed: %s became %s", b, a)
	}
	return wrong
}

// passing says whether a way leads to pods of a Helm hook, which end soon, beside gated ones that the same door leads to: it
// then follows these. Without the namespace of the release, kauth cannot know whether the gated ones are beside.
func (r Run) passing(w *World, way Way, gates map[string]Gate) bool {
	hook := slices.ContainsFunc(w.Objects, func(o *Object) bool { return o.String() == way.Workload && o.annotation("helm.sh/hook") != "" })
	return hook && (r.Unsure || slices.ContainsFunc(w.Ways, func(other Way) bool {
		_, gated := gates[other.Workload]
		return gated && other.Door == way.Door
	}))
}

// excused says whether a way past a gate is one that kauth reported: at that door, with that workload and port.
func (r Run) excused(before *World, w Way) bool {
	i := slices.IndexFunc(before.Doors, func(d Door) bool { return d.String() == w.Door })
	if i < 0 {
		return false
	}
	d := before.Doors[i]
	for _, f := range r.Findings {
		here := f.about(d.Object) && (f.Field == d.Field || f.Field == "")
		if here && openWords.MatchString(f.Message) && before.names(f.Message, w) {
			return true
		}
	}
	return false
}

// openWords are how kauth says that it leaves a way open.
var openWords = regexp.MustCompile(`left as it is|which has no gate`)

// names says whether a message names the end of a way: the workload, and the port or its container.
func (w *World) names(message string, way Way) bool {
	for _, p := range w.Pods {
		if p.Workload.String() != way.Workload || !strings.Contains(message, p.Workload.Kind) || !strings.Contains(message, p.Workload.Name) {
			continue
		}
		if strings.Contains(message, fmt.Sprintf("port %d", way.Port)) {
			return true
		}
		for _, pp := range p.Ports {
			if pp.Number == way.Port && strings.Contains(message, strconv.Quote(pp.Container)) {
				return true
			}
		}
	}
	return false
}

// handMade says whether a port is that of a guard that people built, and that the gate takes the place of.
func (r Run) handMade(g Gate, port int) bool {
	for _, p := range g.Pods.Ports {
		for _, f := range r.Findings {
			if p.Number == port && f.about(g.Pods.Workload) && strings.Contains(f.Message, "made by hand") && strings.Contains(f.Message, strconv.Quote(p.Container)) {
				return true
			}
		}
	}
	return false
}

// Unseen returns the loose ends of the input that no finding names, wherever the release may be: kauth cannot know what is
// there, so it may not stay silent where something is gated.
func (r Run) Unseen(namespaces ...string) []string {
	times, said := map[string]int{}, map[string]string{}
	for _, ns := range namespaces {
		w := Resolve(r.In, ns)
		for _, l := range w.Loose {
			i := slices.IndexFunc(w.Doors, func(d Door) bool { return d.String() == l.Door })
			d := w.Doors[i]
			if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.about(d.Object) }) {
				key := fmt.Sprintf("%d %s", slices.Index(w.Objects, d.Object), d.At)
				times[key]++
				said[key] = fmt.Sprintf("unseen: %s: %s %s", l.Door, l.Why, l.Service)
			}
		}
	}
	var silent []string
	for key, n := range times {
		if n >= len(namespaces) {
			silent = append(silent, said[key])
		}
	}
	slices.Sort(silent)
	return silent
}
