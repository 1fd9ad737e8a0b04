package explain

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// stops are what a request passes on a way, in its order.
func (out outcome) stops(way *topology.Way) []Stop {
	gated := out.gated(way)
	g := out.gates[way.Workload]
	space := way.Namespace
	if way.Workload != nil {
		space = way.Workload.Object.Namespace
	}
	list := []Stop{{Kind: Client}, entrance(way)}
	if way.Route != nil {
		list = append(list, Stop{Kind: Route, Name: within(space, way.Route.Object.Ref)})
		if l := out.logins[way.Workload]; l != nil && l.Mode == config.ModeIngress {
			list[len(list)-1].Asks = l.Asker(way)
		}
	}
	if s, ok := out.service(way, space); ok {
		list = append(list, s)
	}
	if way.Workload == nil {
		return append(list, Stop{Kind: Unknown, Name: unknown(way)})
	}
	last := Stop{Kind: Application, Name: container(way.Workload, way.Port), Today: colon(way.Port, way.PortName)}
	last.After = last.Today
	if l := out.logins[way.Workload]; l != nil && l.Mode == config.ModeNative {
		last.Asks = l.Asker(way)
	}
	if gated && g != nil {
		if way.Port != g.Upstream && way.Port != 0 { // a guard made by hand, which the way no longer leads to
			list = append(list, Stop{Kind: Application, Name: last.Name, Today: last.Today, Gone: true})
			last = Stop{Kind: Application, New: true}
		}
		list = append(list, Stop{Kind: GateStop, Name: gateconf.ContainerName, After: colon(g.Port, ""), New: true})
		last.Name, last.After = container(way.Workload, g.Upstream), colon(g.Upstream, "")
	}
	return append(list, last)
}

// within is a reference as it reads among objects of a namespace.
func within(namespace string, ref manifest.Ref) string {
	if ref.Namespace == namespace {
		ref.Namespace = ""
	}
	return ref.Short()
}

// colon is a port as it stands behind a name: by its number where that is known.
func colon(number int, name string) string {
	switch {
	case number != 0:
		return ":" + strconv.Itoa(number)
	case name != "":
		return ":" + name
	default:
		return ""
	}
}

// service is the stop at a Service, where the way has one; one that is not in the stream goes by the route's word.
func (out outcome) service(way *topology.Way, space string) (Stop, bool) {
	s := Stop{Kind: Service}
	switch {
	case way.Service != nil && way.ServicePort != nil:
		s.Name, s.Today = within(space, way.Service.Object.Ref), colon(way.ServicePort.Number, "")
	case way.Service != nil:
		s.Name = within(space, way.Service.Object.Ref)
	case way.Backend != nil && way.Backend.Service != "":
		s.Name = within(space, manifest.Ref{Kind: "Service", Namespace: way.Backend.Namespace, Name: way.Backend.Service})
	default:
		return s, false
	}
	if s.Today == "" && way.Backend != nil {
		s.Today = colon(way.Backend.Port.Number, way.Backend.Port.Name)
	}
	s.After = s.Today
	if number := out.ports[way.Service]; number != 0 && out.reroutes[way.Backend] {
		s.After = colon(number, "")
	}
	return s, true
}

func container(w *topology.Workload, port int) string {
	if c := w.Container(port); c != nil {
		return "container " + strconv.Quote(c.Name)
	}
	return ""
}

func unknown(way *topology.Way) string {
	if way.Nowhere != "" {
		return "no workload of this stream"
	}
	return "cannot be known"
}

// takers are what takes the requests of a kind of route in, where the route does not say it itself.
var takers = map[string]string{
	"IngressRoute": "Traefik", "IngressRouteTCP": "Traefik", "IngressRouteUDP": "Traefik", "TraefikService": "Traefik", "Middleware": "Traefik",
	"VirtualService": "Istio", "HTTPProxy": "Contour", "TargetGroupBinding": "AWS target group",
}

// entrance is what takes the requests in, before they come to the object that opens the way.
func entrance(way *topology.Way) Stop {
	switch {
	case way.Route != nil:
		s := Stop{Kind: Balancer, Name: taker(way.Route)}
		if s.Name == "ALB" {
			s.whose = way.Route.Object.Short()
		}
		return s
	case way.Service == nil:
		port := colon(nodePort(way), "")
		return Stop{Kind: Balancer, Name: "node", Today: port, After: port, whose: way.Ref().Short()}
	}
	switch exposed := way.Service.Exposed(); exposed {
	case "LoadBalancer":
		return Stop{Kind: Balancer, Name: "load balancer", whose: way.Ref().Short()}
	case "NodePort":
		port := ""
		if way.ServicePort != nil {
			if n, ok := manifest.Int(manifest.At(way.Service.Object.Node, way.ServicePort.Field), "nodePort"); ok {
				port = colon(n, "")
			}
		}
		return Stop{Kind: Balancer, Name: "any node", Today: port, After: port, whose: way.Ref().Short()}
	default:
		return Stop{Kind: Balancer, Name: exposed, whose: way.Ref().Short()}
	}
}

func taker(r *topology.Route) string {
	var gateways []string
	for _, parent := range r.Parents {
		gateways = append(gateways, manifest.Ref{Kind: "Gateway", Namespace: parent.Namespace, Name: parent.Name}.Short())
	}
	name := takers[r.Object.Kind]
	switch {
	case r.Object.Group == "contour.heptio.com":
		return "Contour"
	case len(gateways) > 0 && r.AWS:
		return "ALB of " + strings.Join(gateways, ", ")
	case len(gateways) > 0:
		return strings.Join(gateways, ", ")
	case r.Object.Group == "gateway.networking.k8s.io":
		return "Gateway"
	case name != "":
		return name
	case r.Object.Kind == "Route":
		return "OpenShift router"
	case r.ALB && r.Annotations[albGroup] != "":
		return "ALB of group " + r.Annotations[albGroup]
	case r.ALB:
		return "ALB"
	case r.Class != "":
		return "ingress controller " + r.Class
	default:
		return "ingress controller"
	}
}

// albGroup puts several Ingresses on one load balancer.
const albGroup = "alb.ingress.kubernetes.io/group.name"

// nodePort is the port of the node that leads to a workload without a Service.
func nodePort(way *topology.Way) int {
	for _, c := range way.Workload.Containers {
		for _, port := range c.Ports {
			if port.Number == way.Port && port.HostPort != 0 {
				return port.HostPort
			}
		}
	}
	return way.Port
}
