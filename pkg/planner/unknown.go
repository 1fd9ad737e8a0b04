package planner

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/balancer"
	"github.com/kauth-dev/kauth/pkg/closing"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// knownGroups are the API groups whose kinds topology reads, or which lead nowhere from outside, but for oddKinds. Groups
// of Kubernetes itself count too; they have no dot, or end in .k8s.io.
var knownGroups = []string{
	"monitoring.coreos.com", "traefik.io", "traefik.containo.us", "networking.istio.io", "security.istio.io", "route.openshift.io",
	"projectcontour.io", "kauth.dev", "contour.heptio.com", "elbv2.k8s.aws", "gateway.k8s.aws", "cert-manager.io", "operator.victoriametrics.com",
	"cloud.google.com",
}

var oddKinds = map[string]bool{"EnvoyFilter": true, "ExtensionService": true}

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
		if field, name := mention(o.Node, nil, names); name != "" {
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

func isKnown(o *manifest.Object) bool {
	if balancer.IsPolicy(o) {
		return true
	}
	return !strings.Contains(o.Group, ".") || strings.HasSuffix(o.Group, ".k8s.io") || slices.Contains(knownGroups, o.Group) && !oddKinds[o.Kind]
}

// hostText finds names of Services where they can only be hosts: behind a scheme, with a port, or before NAMESPACE.svc.
var hostText = regexp.MustCompile(`(?:://|@)([-a-z0-9]+)|([-a-z0-9]+):\d+|([-a-z0-9]+)\.[-a-z0-9]+\.svc`)

func hostIn(text string, names map[string]bool) string {
	for _, m := range hostText.FindAllStringSubmatch(text, -1) {
		if name := m[1] + m[2] + m[3]; names[name] {
			return name
		}
	}
	return ""
}

// readAnnotations warns of annotations that may lead to a Service, such as a mirror's target or a mapping of Ambassador.
func (p *planner) readAnnotations(o *manifest.Object, annotations map[string]string, names map[string]bool) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if name := hostIn(annotations[key], names); name != "" {
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
			if name := hostIn(arg, names); name != "" {
				p.Find(finding.Info, w.Object, c.Field, "", "asks for a login itself before it leads to Service %q, past the gate; left as it is", name)
			}
		}
	}
}

// mention finds the first text below n, its metadata left out, that holds one of names as a word, as in
// http://prom.monitoring.svc:9090. What an alias stands for is looked at where it stands in full.
func mention(n *yaml.Node, field manifest.Path, names map[string]bool) (manifest.Path, string) {
	switch n.Kind {
	case yaml.ScalarNode:
		for word := range strings.FieldsFuncSeq(n.Value, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-", r) }) {
			if names[word] {
				return field, word
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if at, name := mention(item, field.With(i), names); name != "" {
				return at, name
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if len(field) == 0 && n.Content[i].Value == "metadata" {
				continue
			}
			if at, name := mention(n.Content[i+1], field.With(n.Content[i].Value), names); name != "" {
				return at, name
			}
		}
	default: // an alias
	}
	return nil, ""
}
