package plan

import (
	"cmp"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// spot is a place on ways where an ingress controller can be made to ask for a password.
type spot struct {
	route *topology.Route
	field string // "spec.routes[0]" of an IngressRoute, "spec.rules[0]" of an HTTPRoute; "" for the whole of an Ingress
}

// path is the field of a spot that is one of several in its object.
func (s spot) path() manifest.Path {
	path, err := manifest.ParsePath(s.field)
	if err != nil { // only that of an Ingress is none
		return nil
	}
	return path
}

// who asks at a spot.
const (
	byNGINX   = "ingress-nginx"
	byTraefik = "Traefik"
)

// asker is who asks at a spot.
func (s spot) asker() string {
	if s.route.Object.Kind == "Ingress" && s.route.Controller == topology.IngressNGINX {
		return byNGINX
	}
	return byTraefik
}

// obstacle is why nobody can be made to ask for a password on a way.
type obstacle struct {
	field      manifest.Path // of the object that opens the way; nil for the field of the way itself
	what, hint string
}

const orSidecar = "use mode sidecar, which works behind any controller"

// spotsOf returns the places on a way where a controller can be made to ask, each of which a request may come by, or why
// there is none.
func spotsOf(m *topology.Model, way *topology.Way) ([]spot, *obstacle) {
	switch {
	case way.Route == nil && way.Service == nil:
		hint := "remove the hostPort, or " + orSidecar
		if way.Workload != nil && way.Workload.HostNetwork {
			hint = loopbackHint
		}
		return nil, &obstacle{what: "is open on its node, where no ingress controller asks for a password", hint: hint}
	case way.Route == nil:
		return nil, &obstacle{
			what: "is open to the outside (" + way.Service.Exposed() + "), past every ingress controller", hint: "make it a ClusterIP Service, or " + orSidecar,
		}
	case way.Backend.Protocol != "":
		return nil, &obstacle{what: "is led to with " + way.Backend.Protocol + ", where nobody can ask for a password", hint: "remove the route"}
	case way.Route.Object.Kind == "TraefikService":
		spots, no := detours(m, way.Route, map[*topology.Route]bool{})
		if len(spots) == 0 && no == nil { // they only lead to each other
			no = &noIngressRoute
		}
		return spots, no
	default:
		return spotAt(m, way.Route, way.Backend.Field)
	}
}

// spotAt returns the spot of a field of a route.
func spotAt(m *topology.Model, r *topology.Route, field manifest.Path) ([]spot, *obstacle) {
	of := manifest.Ref{Group: r.Object.Group, Kind: r.Object.Kind}
	switch {
	case of.Kind == "Ingress" && (r.Controller == topology.IngressNGINX || r.Controller == topology.Traefik):
		return []spot{{route: r}}, nil
	case of.Kind == "Ingress" && r.Controller == "":
		return nil, &obstacle{
			what: "is led to by an Ingress of which it cannot be told whose it is",
			hint: "put its IngressClass into the stream, or give it an annotation of its controller (" + topology.NGINXPrefix + "... or " + topology.TraefikPrefix + "...), or " + orSidecar,
		}
	case r.ALB:
		return nil, &obstacle{what: "is led to by an ALB, which cannot ask for a password", hint: orSidecar}
	case of.Kind == "Ingress":
		return nil, &obstacle{what: "is led to by an Ingress of controller " + r.Controller + ", which kauth cannot make ask for a password", hint: orSidecar}
	case isTraefik(of) && of.Kind == "IngressRoute", of.Kind == "HTTPRoute" && m.OfTraefik(r):
		return []spot{{route: r, field: field[:3].String()}}, nil // spec.routes[i], spec.rules[i]
	case of.Group == "gateway.networking.k8s.io":
		return nil, &obstacle{
			what: "is led to by a Gateway that is not one of Traefik's, as far as the stream tells, and kauth can make no other ask for a password",
			hint: "put the Gateway and its GatewayClass into the stream, or " + orSidecar,
		}
	default:
		return nil, &obstacle{what: "is led to by " + cmp.Or(leaders[of.Kind], "a "+of.Kind) + ", which kauth cannot make ask for a password", hint: orSidecar}
	}
}

// leaders are who leads to Services by what a route says.
var leaders = map[string]string{
	"VirtualService": "Istio", "Route": "OpenShift's router", "HTTPProxy": "Contour", "TargetGroupBinding": "an AWS target group",
	"Middleware": "a Middleware that shows pages of errors",
}

// isTraefik says whether an object is of one of Traefik's own groups.
func isTraefik(ref manifest.Ref) bool {
	return ref.Group == traefikGroup || ref.Group == oldTraefikGroup
}

// detours returns the spots of the routes that lead to a TraefikService, also by way of others.
func detours(m *topology.Model, r *topology.Route, seen map[*topology.Route]bool) ([]spot, *obstacle) {
	var all []spot
	seen[r] = true
	from := m.DetoursTo(r)
	if len(from) == 0 {
		return nil, &noIngressRoute
	}
	for _, d := range from {
		var more []spot
		var no *obstacle
		switch {
		case d.Route.Object.Kind != "TraefikService":
			more, no = spotAt(m, d.Route, d.Field)
		case !seen[d.Route]:
			more, no = detours(m, d.Route, seen)
		}
		if no != nil {
			return nil, no
		}
		all = append(all, more...)
	}
	return all, nil
}

var noIngressRoute = obstacle{
	what: "is led to by a TraefikService to which no IngressRoute of this stream leads, so whoever does asks for no password",
	hint: "put the IngressRoute into the stream, or " + orSidecar,
}

// besidesLogin says whether a way leads to another port than the one that the login is for, where somebody else asks
// for a login, or where the user was asked and said so.
func besidesLogin(way *topology.Way, port int) bool {
	if way.Service == nil && way.Workload.HostNetwork && onLoopback(way.Workload, way.Port) {
		return true
	}
	c := way.Workload.Container(way.Port)
	return way.Port != 0 && way.Port != port && (isAuthProxy(c) || isReloader(c) || way.OptedOut())
}

// sayBesides reports such a way.
func (p *planner) sayBesides(way *topology.Way) {
	o, field, c := way.Object(), way.Field(), way.Workload.Container(way.Port)
	switch to := "leads to port " + way.PortText() + " of " + way.Workload.Object.Ref.Short(); {
	case way.Service == nil && way.Workload.HostNetwork:
	case isAuthProxy(c):
		p.find(Info, o, field, "", "%s, where container %q asks for a login itself; left as it is", to, c.Name)
	case isReloader(c):
		p.find(Warning, o, field, "take the port away, or give the application a Service of its own",
			"%s, where the operator's reloader shows its metrics without a password", to)
	default:
		p.find(Warning, o, field, "", "%s without a password; left as it is, as the annotation %s asks", to, gateconf.AnnotationGate)
	}
}
