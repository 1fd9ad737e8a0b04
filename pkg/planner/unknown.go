package planner

import (
	"maps"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/balancer"
	"github.com/kauth-dev/kauth/pkg/closing"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/stranger"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// unknown warns of what kauth does not follow and that names a Service of a gated workload, for it may be a way in:
// objects of kinds that it has not heard of, and annotations of routes and Services.
func (p *planner) unknown(s *manifest.Stream) {
	names := map[string]bool{}
	for _, svc := range p.Model.Services {
		for _, hit := range p.Model.Selected(svc) {
			if l := p.LoginOf(hit.Workload); p.GateOf(hit.Workload) != nil || l != nil && l.Mode == config.ModeIngress {
				names[svc.Object.Name] = true
			}
		}
	}
	if len(names) == 0 {
		return
	}
	workloads := map[*manifest.Object]bool{}
	for _, w := range p.Model.Workloads {
		workloads[w.Object] = true
		p.fronts(w, names)
	}
	for _, o := range s.Objects() {
		if workloads[o] || closing.IsPolicy(o) || isKnown(o) {
			continue
		}
		if field, name := stranger.Mention(o.Node, names); name != "" {
			hint := "see that it does not lead past the gate"
			if strings.Contains(o.Kind, "HealthCheck") && len(p.Gates) > 0 {
				hint = "have it ask the gate for " + p.Gates[0].Config.HealthPath
			}
			p.Find(finding.Warning, o, field, hint,
				"names the Service %q of a gated workload, and kauth does not know what a %s of %s does with it", name, o.Kind, o.Group)
		}
	}
	for _, r := range p.Model.Routes {
		p.readAnnotations(r.Object, r.Annotations, names)
	}
	for _, svc := range p.Model.Services {
		p.readAnnotations(svc.Object, svc.Annotations, names)
	}
}

func isKnown(o *manifest.Object) bool { return balancer.IsPolicy(o) || stranger.Known(o.Group, o.Kind) }

// readAnnotations warns of annotations that may lead to a Service, such as a mirror's target or a mapping of Ambassador.
func (p *planner) readAnnotations(o *manifest.Object, annotations map[string]string, names map[string]bool) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if name := stranger.Host(annotations[key], names); name != "" {
			p.Find(finding.Warning, o, manifest.P("metadata", "annotations", key), "see that it does not lead past the gate",
				"names the Service %q of a gated workload, and kauth does not know what becomes of it", name)
		}
	}
}

// fronts says which auth proxies of the stream lead to a gated workload: they ask for a login themselves, and are left
// as they are.
func (p *planner) fronts(w *topology.Workload, names map[string]bool) {
	for _, c := range w.Containers {
		if !program.IsAuthProxy(c) || p.GateOf(w) != nil {
			continue
		}
		for _, arg := range c.Args {
			if name := stranger.Host(arg, names); name != "" {
				p.Find(finding.Info, w.Object, c.Field, "", "asks for a login itself before it leads to Service %q, past the gate; left as it is", name)
			}
		}
	}
}
