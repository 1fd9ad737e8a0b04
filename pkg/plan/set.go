package plan

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

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
	old := textAt(o, field)
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
		p.find(Info, o, field, "", "was %q, is now %q, so that it fits the gate", old, text)
	}
}

// textAt is the scalar at a path, aliases followed; "" where there is none.
func textAt(o *manifest.Object, field manifest.Path) string { return manifest.String(nodeAt(o, field)) }

// hasAt says whether something stands at a path.
func hasAt(o *manifest.Object, field manifest.Path) bool { return nodeAt(o, field) != nil }

// nodeAt is what stands at a path, aliases followed; nil where there is nothing.
func nodeAt(o *manifest.Object, field manifest.Path) *yaml.Node {
	n := o.Node
	for _, step := range field {
		switch s := step.(type) {
		case string:
			n = manifest.Field(n, s)
		case int:
			items := manifest.Items(n)
			if s >= len(items) {
				return nil
			}
			n = items[s]
		}
	}
	return n
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
