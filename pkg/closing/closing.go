package closing

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/netpolicy"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// closing is what the setting networkPolicy asks for of the pods of one workload.
type closing struct {
	workload *topology.Workload
	settings *config.Settings
	mode     string
	open     []int       // ports for everybody, on which everybody is asked for a password
	app      int         // port of the application, on which nobody asks; 0 where it asks itself, and so on the open ones
	admin    int         // port of the gate's metrics; 0 without a gate
	login    *plan.Login // nil for a gate
	left     []int       // ports that ways from outside go on to use where nobody asks
	policy   string      // name of the NetworkPolicy that is added; "" where something stands in the way
}

// closed lists what is to be closed, by its workload. What stands in the way is found later.
func (p *policies) closed() map[*topology.Workload]*closing {
	all := map[*topology.Workload]*closing{}
	for _, g := range p.Gates {
		if g.Closed() {
			all[g.Workload] = &closing{workload: g.Workload, settings: &g.Settings, mode: config.ModeSidecar, open: []int{g.Port}, app: g.Upstream, admin: g.AdminPort}
		}
	}
	for _, l := range p.Logins {
		switch c := (&closing{workload: l.Workload, settings: &l.Settings, mode: l.Mode, login: l}); {
		case !l.Closed():
		case l.Native != nil:
			c.open, all[l.Workload] = l.Native.Ports, c
		default:
			c.app, all[l.Workload] = l.Port, c
		}
	}
	return all
}

func (c *closing) ref() manifest.Ref { return c.workload.Object.Ref }

// where names the ports that are closed to strangers, as far as they are of interest.
func (c *closing) where() string { return netpolicy.ClosedPorts(c.app, c.open) }

// undoneBy says whether a rule of a policy lets in to what is to be closed.
func (c *closing) undoneBy(rule topology.PolicyRule) bool {
	return netpolicy.LetsPast(rule, c.workload, c.app, slices.Concat(c.open, c.left))
}

// closePorts plans the policy of a workload: the ports on which everybody is asked for everybody, all others for those that
// the settings name. What it does not hold back, and who else has let others in, is found.
func (p *policies) closePorts(c *closing, all map[*topology.Workload]*closing) {
	w, asked := c.workload, "networkPolicy "+c.settings.NetworkPolicy
	if w.HostNetwork {
		p.Find(finding.Error, w.Object, w.PodSpec.With("hostNetwork"), "say networkPolicy: none for it", "no NetworkPolicy holds back what comes to pods in the network of their node, so %s cannot be kept", asked)
		return
	}
	selector := w.PodSelector()
	if selector == nil {
		p.Find(finding.Error, w.Object, nil, "give its pods a label of their own", "no labels select its pods, so %s cannot be kept", asked)
		return
	}
	for _, other := range p.Model.Namesakes(w, selector) {
		if !c.alike(all[other]) {
			p.Find(finding.Error, w.Object, nil, "give the pods of one of them a label of their own, or gate both alike",
				"the labels that select its pods select those of %s too, so %s would close them as well", other.Object.Ref.Short(), asked)
			return
		}
	}
	if !p.controllersIn(c) {
		return
	}
	var ports []*yaml.Node
	for _, port := range c.open {
		ports = append(ports, netpolicy.Port(port, "TCP"))
	}
	ports = append(ports, p.leftOpen(c)...)
	var rules []*yaml.Node
	if len(ports) > 0 { // without ports the rule would mean all of them
		rules = append(rules, netpolicy.Rule(nil, ports...))
	}
	inside := manifest.Mapping("podSelector", selector)
	if c.settings.NetworkPolicy == config.PolicySameNamespace {
		inside = manifest.Mapping("podSelector", manifest.Mapping())
	}
	peers := []*yaml.Node{inside}
	for _, peer := range c.settings.AllowFrom {
		peers = append(peers, netpolicy.PeerNode(peer))
	}
	p.chartPolicies(c)
	if c.policy = p.addPolicy(w, selector, append(rules, netpolicy.Rule(peers))); c.policy != "" {
		p.tellClosed(c, ports)
	}
}

// alike says whether another workload is to be closed in the same way.
func (c *closing) alike(other *closing) bool {
	return other != nil && other.settings.NetworkPolicy == c.settings.NetworkPolicy && slices.Equal(other.open, c.open) &&
		slices.EqualFunc(other.settings.AllowFrom, c.settings.AllowFrom, netpolicy.Same)
}

// tellClosed says what the policy of a workload does. Ports are those that it opens for everybody.
func (p *policies) tellClosed(c *closing, ports []*yaml.Node) {
	var open []string
	for _, port := range ports {
		open = append(open, manifest.String(port, "port"))
	}
	who := []string{"the pods of its namespace"}
	if c.settings.NetworkPolicy == config.PolicyGateOnly {
		who[0] = "its own pods"
	}
	for i, peer := range c.settings.AllowFrom {
		who = append(who, peer.String())
		if peer.Everyone() {
			p.Find(finding.Warning, c.workload.Object, nil, "name whom you mean", "%s: entry %d lets everybody in to %s, %s (%s)", c.settings.Origin("allowFrom").Reference(), i, c.where(), netpolicy.PastWhom(c.mode), peer)
		}
	}
	text := "all others"
	switch {
	case len(open) == 0:
		text = fmt.Sprintf("all ports (%d among them)", c.app)
	case c.admin != 0:
		text = fmt.Sprintf("all others (%d, and %d with the gate's metrics)", c.app, c.admin)
	case c.app != 0:
		text = fmt.Sprintf("all others (%d)", c.app)
	}
	if len(open) > 0 {
		text = "port " + strings.Join(open, " and ") + " for everybody, " + text
	}
	among := ""
	if c.mode == config.ModeIngress {
		among = "see that the ingress controller is among them, "
	}
	p.Find(finding.Info, c.workload.Object, nil, among+"name who else needs them in allowFrom, and see that the cluster's network plugin enforces policies",
		"gets NetworkPolicy %q: %s for %s", c.policy, text, strings.Join(who, ", "))
}

// leftOpen are the ports that ways from outside go on to use where nobody of ours asks, as somebody allows or as an auth
// proxy guards them. The application's own is not among them: to open it would undo the policy.
func (p *policies) leftOpen(c *closing) []*yaml.Node {
	var ports []*yaml.Node
	seen := map[string]bool{}
	for _, way := range p.Model.WaysTo(c.workload) {
		protocol := protocolOf(way)
		if way.Port == 0 || slices.Contains(c.open, way.Port) && protocol == "TCP" || p.askedOn(way) {
			continue
		}
		if way.Port == c.app {
			p.Find(finding.Warning, way.Object(), way.Field(), "let those who bring it in by allowFrom",
				"stays open to port %d of %s, which its NetworkPolicy closes", way.Port, c.ref().Short())
			continue
		}
		if key := fmt.Sprint(protocol, way.Port); !seen[key] {
			seen[key] = true
			ports, c.left = append(ports, netpolicy.Port(way.Port, protocol)), append(c.left, way.Port)
		}
	}
	return ports
}

// askedOn says whether who comes by a way is asked somewhere else than at its port: at the gate that the way leads to from
// now on, or by the ingress controller.
func (p *policies) askedOn(way *topology.Way) bool {
	if l := p.LoginOf(way.Workload); l != nil {
		return l.Asks[way] != ""
	}
	g := p.GateOf(way.Workload)
	return g != nil && p.movedToGate(way, g)
}

// movedToGate says whether a way that led to another port of a gated workload leads to its gate from now on.
func (p *policies) movedToGate(way *topology.Way, g *plan.Gate) bool {
	return p.Rerouted(way.Route)[way.Backend] || p.Moved(way.ServicePort) ||
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
