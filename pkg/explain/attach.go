package explain

import (
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// place is a field of an object, as a finding names it.
type place struct {
	object manifest.Ref
	field  string
}

// places are the fields that a way is written in: what opens it, and the port of the Service on it.
func places(way *topology.Way) []place {
	list := []place{{way.Ref(), way.Field().String()}}
	if way.Service != nil && way.ServicePort != nil {
		if port := (place{way.Service.Object.Ref, way.ServicePort.Field.String()}); port != list[0] {
			list = append(list, port)
		}
	}
	return list
}

// attach puts each finding at what it concerns, once: at the way that its field is of, else at a way that its object
// is on, or that the settings in it are for, else at its workload; what is about none of them stays with the drawing.
func (d *Drawing) attach(findings []finding.Finding, settings map[manifest.Ref]manifest.Ref) {
	exact, on, groups := map[place]*Lane{}, map[manifest.Ref][]*Lane{}, map[manifest.Ref]*Group{}
	for _, g := range d.Groups {
		if g.Object != (manifest.Ref{}) {
			groups[g.Object] = g
		}
		for _, lane := range g.Lanes {
			for _, at := range lane.places {
				if known := exact[at]; known == nil || known.Opener != at.object && lane.Opener == at.object {
					exact[at] = lane
				}
				if list := on[at.object]; len(list) == 0 || list[len(list)-1] != lane {
					on[at.object] = append(list, lane)
				}
			}
		}
	}
	for _, f := range findings {
		field := f.Field.String()
		lane := exact[place{f.Ref, field}]
		if lane == nil {
			lane = nearest(on[f.Ref], f.Ref, field)
		}
		g := groups[f.Ref]
		if lane == nil && g == nil {
			lane = foremost(append(on[f.Ref], on[settings[f.Ref]]...))
		}
		switch {
		case lane != nil:
			lane.Findings = append(lane.Findings, f)
		case g != nil:
			g.Findings = append(g.Findings, f)
		default:
			d.Findings = append(d.Findings, f)
		}
	}
}

// nearest is the first lane that is written in a field above or below the given one, nil where none is.
func nearest(lanes []*Lane, object manifest.Ref, field string) *Lane {
	for _, lane := range lanes {
		if field != "" && slices.ContainsFunc(lane.places, func(at place) bool {
			return at.object == object && (below(at.field, field) || below(field, at.field))
		}) {
			return lane
		}
	}
	return nil
}

// below says whether the path a leads on from b.
func below(a, b string) bool {
	rest, ok := strings.CutPrefix(a, b)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// settingsFor says which Service the objects are for that hold a load balancer's settings.
func settingsFor(m *topology.Model) map[manifest.Ref]manifest.Ref {
	of := map[manifest.Ref]manifest.Ref{}
	for _, svc := range m.Services {
		for _, group := range m.TargetGroupsOf(svc) {
			of[group.Object.Ref] = svc.Object.Ref
		}
		for _, o := range m.HealthChecksOf(svc) {
			of[o.Ref] = svc.Object.Ref
		}
	}
	return of
}

// foremost is the first lane on which a password is asked for, which is what most findings are about, or else the first; nil where
// there is none.
func foremost(lanes []*Lane) *Lane {
	for _, lane := range lanes {
		if lane.guarded() {
			return lane
		}
	}
	if len(lanes) == 0 {
		return nil
	}
	return lanes[0]
}
