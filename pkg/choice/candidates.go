package choice

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

var usualPort = map[topology.App]int{
	topology.Prometheus: 9090, topology.PrometheusAgent: 9090, topology.Alertmanager: 9093, topology.ThanosRuler: 10902,
}

// candidate is a port that may be the application's.
type candidate struct {
	number int
	name   string // "" where it has none
	from   string // who says so, such as "behind Ingress prom"
}

// candidates are the ports that may be the application's: the one that it is known by; else those that ways from outside
// lead to, else those that Services lead to, else all that are declared. Guards beside the application do not count, nor
// does what speaks no TCP.
func (p *Choice) candidates(w *topology.Workload) []candidate {
	switch usual := usualPort[w.App]; {
	case w.Operator:
		return []candidate{{number: w.WebPort()}}
	case usual != 0 && w.Takes(usual):
		return []candidate{{number: usual}}
	}
	var outside, inside, declared []candidate
	add := func(list *[]candidate, c candidate, protocol string) {
		known := slices.ContainsFunc(*list, func(other candidate) bool { return other.number == c.number })
		if c.number != 0 && !known && cmp.Or(protocol, "TCP") == "TCP" && !program.IsGuard(w, w.Container(c.number)) {
			*list = append(*list, c)
		}
	}
	for _, way := range p.Model.WaysTo(w) {
		switch {
		case way.ServicePort != nil:
			add(&outside, candidate{way.Port, way.PortName, "behind " + way.Ref().Short()}, way.ServicePort.Protocol)
		case declaresTCP(w, way.Port):
			add(&outside, candidate{way.Port, way.PortName, "on the node"}, "")
		}
	}
	for _, svc := range p.Model.SelectedBy(w) {
		for _, port := range svc.Ports {
			number, name := port.TargetOf(w)
			add(&inside, candidate{number, name, "behind " + svc.Object.Short()}, port.Protocol)
		}
	}
	for _, c := range w.Containers {
		for _, port := range c.Ports {
			add(&declared, candidate{port.Number, port.Name, "of container " + strconv.Quote(c.Name)}, port.Protocol)
		}
	}
	for _, list := range [][]candidate{outside, inside, declared} {
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// declaresTCP says whether a container of the workload declares a port for TCP.
func declaresTCP(w *topology.Workload, number int) bool {
	return slices.ContainsFunc(w.Containers, func(c *topology.Container) bool {
		return slices.ContainsFunc(c.Ports, func(port topology.ContainerPort) bool {
			return port.Number == number && cmp.Or(port.Protocol, "TCP") == "TCP"
		})
	})
}

// severalPorts names ports, and who says each.
func severalPorts(all []candidate) string {
	first := all[0].from
	same := !slices.ContainsFunc(all, func(c candidate) bool { return c.from != first })
	var list []string
	for _, c := range all {
		text := topology.PortText(c.number, c.name)
		if !same {
			text += " " + c.from
		}
		list = append(list, text)
	}
	if same {
		return "several ports " + first + " (" + strings.Join(list, ", ") + ")"
	}
	return "several ports (" + strings.Join(list, ", ") + ")"
}

// portList names the ports that the containers of a workload declare.
func portList(w *topology.Workload) string {
	var list []string
	for _, c := range w.Containers {
		for _, port := range c.Ports {
			list = append(list, topology.PortText(port.Number, port.Name))
		}
	}
	if len(list) == 0 {
		return "the ports that the application listens on"
	}
	return strings.Join(list, ", ")
}

// Upstream finds the container port that the gate stands before, or finds why it cannot be known.
func (p *Choice) Upstream(t Chosen) (int, bool) {
	w := t.Workload
	switch {
	case t.Port.Name != "":
		for _, c := range w.Containers {
			for _, port := range c.Ports {
				if port.Name == t.Port.Name && !c.Init {
					return port.Number, true
				}
			}
		}
		p.Find(finding.Error, w.Object, nil, "use one of "+portList(w), "no container port %q", t.Port.Name)
		return 0, false
	case t.Port.Number != 0:
		return t.Port.Number, true
	}
	found, hint := p.candidates(w), "write --gate "+w.Object.Kind+"/"+w.Object.Name+":PORT"
	if t.Rule != nil {
		hint = "say target.port in the settings file, or " + hint
	}
	switch len(found) {
	case 1:
		return found[0].number, true
	case 0:
		p.Find(finding.Error, w.Object, nil, hint, "no container says which port it listens on")
	default:
		p.Find(finding.Error, w.Object, nil, hint+" with one of them", "%s, none chosen", severalPorts(found))
	}
	return 0, false
}
