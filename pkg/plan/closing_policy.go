package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// addPolicy plans a NetworkPolicy for the pods of a workload and returns its name. Where none is left it returns "", with a
// finding.
func (p *planner) addPolicy(w *topology.Workload, selector *yaml.Node, rules []*yaml.Node) string {
	for _, name := range []string{policyName(w.Object.Name), policyName(w.Object.Name + "-" + strings.ToLower(w.Object.Kind))} {
		if p.policyNamed(name, w.Object.Namespace) {
			continue
		}
		p.policyNames[name] = append(p.policyNames[name], w.Object.Namespace)
		p.Additions = append(p.Additions, &Addition{Beside: w.Object, Node: manifest.Mapping(
			"apiVersion", manifest.Text("networking.k8s.io/v1"), "kind", manifest.Text("NetworkPolicy"),
			"metadata", manifest.MetadataBeside(w.Object, name, manifest.Map(w.Object.Node, "metadata", "labels")),
			"spec", manifest.Mapping("podSelector", selector, "policyTypes", manifest.Sequence(manifest.Text("Ingress")), "ingress", manifest.Sequence(rules...)))})
		return name
	}
	p.find(Error, w.Object, nil, "rename that", "its NetworkPolicy would be called %q, as one that is there already", policyName(w.Object.Name))
	return ""
}

// policyName is NAME-kauth. What is too long for a name (253 bytes, an RFC 1123 subdomain) is cut and told from others by
// the start of its hash.
func policyName(name string) string {
	const suffix, most, hash = "-kauth", 253, 8
	name = strings.TrimRight(name, "-.") // of a generateName
	if len(name)+len(suffix) > most {
		sum := sha256.Sum256([]byte(name))
		name = strings.TrimRight(name[:most-len(suffix)-hash-1], "-.") + "-" + hex.EncodeToString(sum[:])[:hash]
	}
	return name + suffix
}

// policyNamed says whether a NetworkPolicy of the stream, or one that is added, has a name already.
func (p *planner) policyNamed(name, namespace string) bool {
	return slices.ContainsFunc(p.policyNames[name], func(other string) bool { return topology.SameNamespace(other, namespace) })
}

// policyRule is a rule that lets peers in to ports; without peers everybody, without ports to all.
func policyRule(peers []*yaml.Node, ports ...*yaml.Node) *yaml.Node {
	var from, to *yaml.Node
	if len(peers) > 0 {
		from = manifest.Sequence(peers...)
	}
	if len(ports) > 0 {
		to = manifest.Sequence(ports...)
	}
	return manifest.Mapping("from", from, "ports", to)
}

func policyPort(port int, protocol string) *yaml.Node {
	return manifest.Mapping("port", manifest.Number(port), "protocol", manifest.Text(protocol))
}

// peersOf are the peers of a rule of the stream, to be put into another.
func peersOf(rule topology.PolicyRule) []*yaml.Node {
	var all []*yaml.Node
	for _, peer := range rule.From {
		all = append(all, manifest.Copy(peer.Node))
	}
	return all
}
