package plan

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// knownGroups are the API groups whose kinds topology reads, or which lead nowhere from outside. Groups of Kubernetes
// itself count too; they have no dot, or end in k8s.io.
var knownGroups = []string{
	"monitoring.coreos.com", "traefik.io", "traefik.containo.us", "networking.istio.io", "security.istio.io", "route.openshift.io",
	"projectcontour.io", "kauth.dev", "elbv2.k8s.aws", "gateway.k8s.aws", "cert-manager.io", "operator.victoriametrics.com",
}

// unknown warns of objects of kinds that kauth has not heard of and that name a Service of a gated workload: they may
// be ways in.
func (p *planner) unknown(s *manifest.Stream) {
	names := map[string]bool{}
	for _, svc := range p.model.Services {
		for _, hit := range p.model.Selected(svc) {
			if p.gateOf(hit.Workload) != nil {
				names[svc.Object.Name] = true
			}
		}
	}
	if len(names) == 0 {
		return
	}
	workloads := map[*manifest.Object]bool{}
	for _, w := range p.model.Workloads {
		workloads[w.Object] = true
	}
	for _, o := range s.Objects() {
		if workloads[o] || !strings.Contains(o.Group, ".") || strings.HasSuffix(o.Group, "k8s.io") || slices.Contains(knownGroups, o.Group) {
			continue
		}
		if field, name := mention(o.Node, nil, names); name != "" {
			p.find(Warning, o, field, "see that it does not lead past the gate",
				"names the Service %q of a gated workload, and kauth does not know what a %s of %s does with it", name, o.Kind, o.Group)
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
