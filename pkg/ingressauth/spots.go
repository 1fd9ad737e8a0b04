// Package ingressauth owns how ingress controllers ask for a password: at which spots of a way they can be made to, what
// stands in the way of that, and whether one does.
package ingressauth

import (
	"cmp"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Spot is a place on ways where an ingress controller can be made to ask for a password.
type Spot struct {
	Route *topology.Route
	Field string // "spec.routes[0]" of an IngressRoute, "spec.rules[0]" of an HTTPRoute; "" for the whole of an Ingress
}

// Path is the field of a spot that is one of several in its object.
func (s Spot) Path() manifest.Path {
	path, err := manifest.ParsePath(s.Field)
	if err != nil { // only that of an Ingress is none
		return nil
	}
	return path
}

// Who asks at a spot.
const (
	NGINX   = "ingress-nginx"
	Traefik = "Traefik"
)

// Asker is who asks at a spot.
func (s Spot) Asker() string {
	if s.Route.Object.Kind == "Ingress" && s.Route.Controller == topology.IngressNGINX {
		return NGINX
	}
	return Traefik
}

// Obstacle is why nobody can be made to ask for a password on a way.
type Obstacle struct {
	Field      manifest.Path // of the object that opens the way; nil for the field of the way itself
	What, Hint string
}

// OrSidecar is the end of a hint for what no ingress controller can do.
const OrSidecar = "use mode sidecar, which works behind any controller"

// Spots returns the places on a way where a controller can be made to ask, each of which a request may come by, or why
// there is none.
func Spots(m *topology.Model, way *topology.Way) ([]Spot, *Obstacle) {
	switch {
	case way.Route == nil && way.Service == nil:
		hint := "remove the hostPort, or " + OrSidecar
		if way.Workload != nil && way.Workload.HostNetwork {
			hint = program.LoopbackHint
		}
		return nil, &Obstacle{What: "is open on its node, where no ingress controller asks for a password", Hint: hint}
	case way.Route == nil:
		return nil, &Obstacle{
			What: "is open to the outside (" + way.Service.Exposed() + "), past every ingress controller", Hint: "make it a ClusterIP Service, or " + OrSidecar,
		}
	case way.Backend.Protocol != "":
		return nil, &Obstacle{What: "is led to with " + way.Backend.Protocol + ", where nobody can ask for a password", Hint: "remove the route"}
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
func spotAt(m *topology.Model, r *topology.Route, field manifest.Path) ([]Spot, *Obstacle) {
	of := manifest.Ref{Group: r.Object.Group, Kind: r.Object.Kind}
	switch {
	case of.Kind == "Ingress" && (r.Controller == topology.IngressNGINX || r.Controller == topology.Traefik):
		return []Spot{{Route: r}}, nil
	case of.Kind == "Ingress" && r.Controller == "":
		return nil, &Obstacle{
			What: "is led to by an Ingress of which it cannot be told whose it is",
			Hint: "put its IngressClass into the stream, or give it an annotation of its controller (" + topology.NGINXPrefix + "... or " + topology.TraefikPrefix + "...), or " + OrSidecar,
		}
	case r.ALB:
		return nil, &Obstacle{What: "is led to by an ALB, which cannot ask for a password", Hint: OrSidecar}
	case of.Kind == "Ingress":
		return nil, &Obstacle{What: "is led to by an Ingress of controller " + r.Controller + ", which kauth cannot make ask for a password", Hint: OrSidecar}
	case IsTraefik(of) && of.Kind == "IngressRoute", of.Kind == "HTTPRoute" && m.OfTraefik(r):
		return []Spot{{Route: r, Field: field[:3].String()}}, nil // spec.routes[i], spec.rules[i]
	case of.Group == "gateway.networking.k8s.io":
		return nil, &Obstacle{
			What: "is led to by a Gateway that is not one of Traefik's, as far as the stream tells, and kauth can make no other ask for a password",
			Hint: "put the Gateway and its GatewayClass into the stream, or " + OrSidecar,
		}
	default:
		return nil, &Obstacle{What: "is led to by " + cmp.Or(leaders[of.Kind], "a "+of.Kind) + ", which kauth cannot make ask for a password", Hint: OrSidecar}
	}
}

// leaders are who leads to Services by what a route says.
var leaders = map[string]string{
	"VirtualService": "Istio", "Route": "OpenShift's router", "HTTPProxy": "Contour", "TargetGroupBinding": "an AWS target group",
	"Middleware": "a Middleware that shows pages of errors",
}

// IsTraefik says whether an object is of one of Traefik's own groups.
func IsTraefik(ref manifest.Ref) bool {
	return ref.Group == TraefikGroup || ref.Group == OldTraefikGroup
}

// detours returns the spots of the routes that lead to a TraefikService, also by way of others.
func detours(m *topology.Model, r *topology.Route, seen map[*topology.Route]bool) ([]Spot, *Obstacle) {
	var all []Spot
	seen[r] = true
	from := m.DetoursTo(r)
	if len(from) == 0 {
		return nil, &noIngressRoute
	}
	for _, d := range from {
		var more []Spot
		var no *Obstacle
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

var noIngressRoute = Obstacle{
	What: "is led to by a TraefikService to which no IngressRoute of this stream leads, so whoever does asks for no password",
	Hint: "put the IngressRoute into the stream, or " + OrSidecar,
}

// BesidesLogin says whether a way leads to another port than the one that the login is for, where somebody else asks
// for a login, or where the user was asked and said so.
func BesidesLogin(way *topology.Way, port int) bool {
	if way.Service == nil && way.Workload.HostNetwork && program.OnLoopback(way.Workload, way.Port) {
		return true
	}
	c := way.Workload.Container(way.Port)
	return way.Port != 0 && way.Port != port && (program.IsAuthProxy(c) || program.IsReloader(c) || way.OptedOut())
}
