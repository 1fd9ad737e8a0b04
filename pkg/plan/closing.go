package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// closed says whether a NetworkPolicy keeps others away from the ports that are not the gate's.
func (g *Gate) closed() bool { return Closes(g.Settings.NetworkPolicy) }

// Closes says whether a value of the setting networkPolicy asks for a policy.
func Closes(policy string) bool {
	return policy == config.PolicySameNamespace || policy == config.PolicyGateOnly
}

// closePorts plans the policy of a gate: its port for everybody, all others for those that the settings name. What it does
// not hold back, and who else has let others in, is found.
func (p *planner) closePorts(g *Gate) {
	w, asked := g.Workload, "networkPolicy "+g.Settings.NetworkPolicy
	if w.HostNetwork {
		p.find(Error, w.Object, w.PodSpec.With("hostNetwork"), "say networkPolicy: none for it", "no NetworkPolicy holds back what comes to pods in the network of their node, so %s cannot be kept", asked)
		return
	}
	selector := w.PodSelector()
	if selector == nil {
		p.find(Error, w.Object, nil, "give its pods a label of their own", "no labels select its pods, so %s cannot be kept", asked)
		return
	}
	for _, other := range p.model.Namesakes(w, selector) {
		if same := p.gateOf(other); same == nil || same.Settings.NetworkPolicy != g.Settings.NetworkPolicy || same.Port != g.Port || !slices.EqualFunc(same.Settings.AllowFrom, g.Settings.AllowFrom, samePeer) {
			p.find(Error, w.Object, nil, "give the pods of one of them a label of their own, or gate both alike",
				"the labels that select its pods select those of %s too, so %s would close them as well", other.Object.Ref.Short(), asked)
			return
		}
	}
	ports := append([]*yaml.Node{policyPort(g.Port, "TCP")}, p.leftOpen(g)...)
	inside := manifest.Mapping("podSelector", selector)
	if g.Settings.NetworkPolicy == config.PolicySameNamespace {
		inside = manifest.Mapping("podSelector", manifest.Mapping())
	}
	peers := []*yaml.Node{inside}
	for _, peer := range g.Settings.AllowFrom {
		peers = append(peers, peerNode(peer))
	}
	p.chartPolicies(g)
	if p.addPolicy(g, []*yaml.Node{policyRule(nil, ports...), policyRule(peers)}) {
		p.tellClosed(g, ports)
	}
}

// tellClosed says what the policy of a gate does. Ports are those that it opens for everybody.
func (p *planner) tellClosed(g *Gate, ports []*yaml.Node) {
	var open []string
	for _, port := range ports {
		open = append(open, manifest.String(port, "port"))
	}
	who := []string{"the pods of its namespace"}
	if g.Settings.NetworkPolicy == config.PolicyGateOnly {
		who[0] = "its own pods"
	}
	for i, peer := range g.Settings.AllowFrom {
		who = append(who, peer.String())
		if peer.Everyone() {
			p.find(Warning, g.Workload.Object, nil, "name whom you mean", "%s: entry %d lets everybody in to port %d, past the gate (%s)", g.Settings.Origin("allowFrom").Reference(), i, g.Upstream, peer)
		}
	}
	p.find(Info, g.Workload.Object, nil, "name who else needs them in allowFrom, and see that the cluster's network plugin enforces policies",
		"gets NetworkPolicy %q: port %s for everybody, all others (%d, and %d with the gate's metrics) for %s", g.PolicyName, strings.Join(open, " and "), g.Upstream, g.AdminPort, strings.Join(who, ", "))
}

// leftOpen are the ports that ways from outside go on to use past the gate, as somebody allows or as an auth proxy guards
// them. The application's own is not among them: to open it would undo the policy.
func (p *planner) leftOpen(g *Gate) []*yaml.Node {
	var ports []*yaml.Node
	seen := map[string]bool{}
	for _, way := range p.model.WaysTo(g.Workload) {
		if way.Port == 0 || way.Port == g.Port || p.movedToGate(way, g) {
			continue
		}
		if way.Port == g.Upstream {
			p.find(Warning, p.objectOf(way), way.Field(), "let those who bring it in by allowFrom",
				"stays open to port %d of %s, which its NetworkPolicy closes", way.Port, g.Ref().Short())
			continue
		}
		protocol := protocolOf(way)
		if key := fmt.Sprint(protocol, way.Port); !seen[key] {
			seen[key] = true
			ports = append(ports, policyPort(way.Port, protocol))
		}
	}
	return ports
}

// movedToGate says whether a way that led to another port of a gated workload leads to its gate from now on.
func (p *planner) movedToGate(way *topology.Way, g *Gate) bool {
	return p.rerouted[way.Route][way.Backend] || p.moves[way.ServicePort] ||
		way.Service == nil && g.HostPort != 0 && g.HostField.String() == way.Field().String()
}

func protocolOf(way *topology.Way) string {
	if way.ServicePort != nil && way.ServicePort.Protocol != "" {
		return way.ServicePort.Protocol
	}
	for _, c := range way.Workload.Containers {
		for _, port := range c.Ports {
			if way.Service == nil && port.Number == way.Port && port.HostPort != 0 && port.Protocol != "" {
				return port.Protocol
			}
		}
	}
	return "TCP"
}

// addPolicy plans a NetworkPolicy for the pods of a gate. It fails, with a finding, where they cannot be selected, or no
// name is left.
func (p *planner) addPolicy(g *Gate, rules []*yaml.Node) bool {
	w := g.Workload
	selector := w.PodSelector()
	if selector == nil {
		p.find(Error, w.Object, nil, "give its pods a label of their own", "no labels select its pods, so no NetworkPolicy can let port %d of the gate in", g.Port)
		return false
	}
	for _, name := range []string{policyName(w.Object.Name), policyName(w.Object.Name + "-" + strings.ToLower(w.Object.Kind))} {
		if p.policyNamed(name, w.Object.Namespace) {
			continue
		}
		g.PolicyName, p.policyNames[name] = name, append(p.policyNames[name], w.Object.Namespace)
		p.Additions = append(p.Additions, &Addition{Beside: w.Object, Node: manifest.Mapping(
			"apiVersion", manifest.Text("networking.k8s.io/v1"), "kind", manifest.Text("NetworkPolicy"),
			"metadata", metadataBeside(w.Object, name, manifest.Map(w.Object.Node, "metadata", "labels")),
			"spec", manifest.Mapping("podSelector", selector, "policyTypes", manifest.Sequence(manifest.Text("Ingress")), "ingress", manifest.Sequence(rules...)))})
		return true
	}
	p.find(Error, w.Object, nil, "rename that", "its NetworkPolicy would be called %q, as one that is there already", policyName(w.Object.Name))
	return false
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
