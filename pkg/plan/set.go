package plan

import (
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// setField plans a field's text, once, and reports a value that it replaces.
func (p *planner) setField(o *manifest.Object, field manifest.Path, text string) {
	p.setTo(o, field, text, false)
}

// setNumber does so with a number.
func (p *planner) setNumber(o *manifest.Object, field manifest.Path, text string) {
	p.setTo(o, field, text, true)
}

func (p *planner) setTo(o *manifest.Object, field manifest.Path, text string, number bool) {
	old := o.TextAt(field)
	key := annotationKey{o, field.String()}
	if old == text || p.set[key] {
		return
	}
	p.set[key] = true
	value := manifest.Text(text)
	if n, ok := manifest.Decimal(text); ok && number {
		value = manifest.Number(n)
	}
	p.Settings = append(p.Settings, &Setting{Object: o, Field: field, Value: value})
	if old != "" {
		p.find(finding.Info, o, field, "", "was %q, is now %q, so that it fits the gate", old, text)
	}
}

// movedWays are the ways of a route that lead to gates from now on.
func (p *planner) movedWays(route *topology.Route) []*topology.Way {
	var all []*topology.Way
	for _, way := range p.model.WaysOf(route) {
		if p.rerouted[route][way.Backend] && way.Workload != nil && p.gateOf(way.Workload) != nil {
			all = append(all, way)
		}
	}
	return all
}
