package plan

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// nodePort decides about a port that a gated workload opens on its node: a hostPort of the application's moves to the
// gate.
func (p *planner) nodePort(way *topology.Way, g *Gate) {
	o, field, c := way.Object(), way.Field(), g.Workload.Container(way.Port)
	switch {
	case g.Workload.HostNetwork && onLoopback(g.Workload, way.Port):
	case isAuthProxy(c):
		p.find(Info, o, field, "", "port %d on the node leads to container %q, which asks for a login itself; left as it is", way.Port, c.Name)
	case isReloader(c):
		p.find(Warning, o, field, "", "port %d is open on the node, where the operator's reloader shows its metrics, and which has no gate", way.Port)
	case !g.Workload.HostNetwork && way.Port == g.Upstream && g.HostPort == 0 && c != nil:
		for _, port := range c.Ports {
			if port.Number == way.Port && port.HostPort != 0 && port.Field.With("hostPort").String() == field.String() {
				g.HostPort, g.HostIP, g.HostField = port.HostPort, manifest.String(manifest.At(o.Node, port.Field), "hostIP"), field
			}
		}
		p.find(Info, o, field, "", "port %d of the node now leads to the gate", g.HostPort)
	case g.Workload.HostNetwork:
		p.refuseWay(way, loopbackHint, "port %d of %s is open on its node, past the gate", way.Port, g.Ref().Short())
	default:
		p.refuseWay(way, "remove the hostPort", "port %d of %s is open on its node, past the gate", way.Port, g.Ref().Short())
	}
}

const loopbackHint = "set it to false, or have the application listen on 127.0.0.1 alone (listenLocal, --web.listen-address)"

// hostNetwork decides about a gated workload in the network of its node, where each port that it listens on is one of
// the node, declared or not.
func (p *planner) hostNetwork(g *Gate) {
	w := g.Workload
	if !w.HostNetwork {
		return
	}
	p.find(Warning, w.Object, w.PodSpec.With("hostNetwork"), "keep them out of the node's firewall but for the load balancer, and leave no second pod to a node",
		"the gate's ports %d and %d are ports of the node", g.Port, g.AdminPort)
	if !onLoopback(w, g.Upstream) && !w.Takes(g.Upstream) {
		p.refuseWay(&topology.Way{Workload: w, Port: g.Upstream}, loopbackHint, "port %d of %s is open on its node, past the gate", g.Upstream, w.Object.Ref.Short())
	}
}

// nodeTaken says who else of the stream takes a port of the nodes, "" where nobody does.
func (p *planner) nodeTaken(w *topology.Workload, port int) string {
	for _, g := range p.Gates {
		if g.Workload.HostNetwork && g.Workload != w && (g.Port == port || g.AdminPort == port) {
			return "the gate of " + g.Ref().Short() + ", on the node"
		}
	}
	for _, other := range p.model.Workloads {
		if other == w {
			continue
		}
		for _, c := range other.Containers {
			for _, taken := range c.Ports {
				if taken.HostPort == port || other.HostNetwork && taken.Number == port {
					return other.Object.Ref.Short() + ", on the node"
				}
			}
		}
	}
	return ""
}

// onLoopback says whether the application listens on a port of the loopback alone, so that only its pod, or with
// hostNetwork its node, reaches it. Each argument that says where to listen on that port must say so.
func onLoopback(w *topology.Workload, port int) bool {
	if w.Operator && port == w.WebPort() {
		return manifest.Bool(w.Spec(), "listenLocal")
	}
	c := w.Container(port)
	if c == nil && len(w.Containers) == 1 {
		c = w.Containers[0]
	}
	if c == nil {
		return false
	}
	said := false
	for i, arg := range c.Args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(c.Args) {
			value = c.Args[i+1]
		}
		name = strings.ToLower(name)
		listens := slices.ContainsFunc([]string{"listen", "bind", "addr"}, func(word string) bool { return strings.Contains(name, word) })
		host, number, err := net.SplitHostPort(value)
		if !strings.HasPrefix(name, "-") || !listens || err != nil || number != strconv.Itoa(port) {
			continue
		}
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return false
		}
		said = true
	}
	return said
}
