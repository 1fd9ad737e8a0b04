package topology

import (
	"slices"
	"strings"
	"unicode"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// What ingress controllers are called in IngressClasses and GatewayClasses.
const (
	IngressNGINX   = "k8s.io/ingress-nginx"
	Traefik        = "traefik.io/ingress-controller"
	TraefikGateway = "traefik.io/gateway-controller"
	f5             = "nginx.org/ingress-controller" // NGINX Ingress Controller, of F5: another program, with other annotations
)

// Starts of the keys of annotations that ingress controllers read on an Ingress.
const (
	NGINXPrefix   = "nginx.ingress.kubernetes.io/"
	TraefikPrefix = "traefik.ingress.kubernetes.io/"
)

var prefixesOf = []struct{ prefix, controller string }{
	{NGINXPrefix, IngressNGINX}, {TraefikPrefix, Traefik}, {"nginx.org/", f5}, {"nginx.com/", f5},
}

// usualClasses are the names that classes of a controller have where nobody chose another.
var usualClasses = map[string]string{"nginx": IngressNGINX, "traefik": Traefik}

// otherClasses are names that classes of other controllers have; what annotations are left over from another one does not
// count against them.
var otherClasses = []string{
	"alb", "gce", "gce-internal", "haproxy", "haproxy-ingress", "kong", "contour", "cilium", "istio", "azure/application-gateway", "azure-application-gateway",
	"openshift-default", "higress", "apisix", "ngrok", "tailscale", "cloudflare-tunnel", "pomerium",
}

// findController says which controller serves an Ingress: the one that its IngressClass names, where that is in the
// stream; else the one that the name of its class, or its annotations, speak for, with Guess set. It stays "" where they
// speak for none, or for several.
func (m *Model) findController(r *Route) {
	if r.Object.Kind != "Ingress" {
		return
	}
	if controller, known := m.classes[r.Class]; known && r.Class != "" {
		r.Controller = controller
		switch nginx := strings.Contains(controller, "nginx"); {
		case nginx && strings.Contains(controller, "ingress-nginx"): // a second one, with --controller-class
			r.Controller = IngressNGINX
		case nginx && (strings.HasPrefix(controller, "k8s.io/") || strings.HasPrefix(controller, "webapprouting.kubernetes.azure.com/")): // and AKS' own
			r.Controller, r.Guess = IngressNGINX, `by its controller's name, "`+controller+`"`
		}
		return
	}
	if r.ALB {
		r.Controller = albController
		return
	}
	var read []string // by whom its annotations are
	for _, p := range prefixesOf {
		if r.annotated(p.prefix) && !slices.Contains(read, p.controller) {
			read = append(read, p.controller)
		}
	}
	usual := usualClasses[r.Class]
	switch {
	case usual == IngressNGINX && slices.Contains(read, f5): // whose usual class is nginx too
		if len(read) == 1 {
			r.Controller, r.Guess = f5, byAnnotations
		}
	case usual != "":
		r.Controller, r.Guess = usual, `by the name of its class, "`+r.Class+`"`
	case slices.Contains(otherClasses, r.Class):
		r.Controller, r.Guess = r.Class, "by the name of its class"
	case len(read) == 1:
		r.Controller, r.Guess = read[0], byAnnotations
	}
}

const byAnnotations = "by its annotations"

// annotated says whether a route has annotations whose keys start so.
func (r *Route) annotated(prefix string) bool {
	for key := range r.Annotations {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// ServerPrefix starts the keys of annotations of ingress-nginx that are for all paths of a host.
const ServerPrefix = NGINXPrefix + "server-"

// hasPiece says whether an Ingress has a piece of nginx's configuration that is for all paths of its hosts.
func (r *Route) hasPiece() bool {
	for key := range r.Annotations {
		if strings.HasPrefix(key, ServerPrefix) && strings.Contains(key, "snippet") {
			return true
		}
	}
	return false
}

// PiecesBeside returns the other Ingresses of ingress-nginx that have such pieces, and a host of r.
func (m *Model) PiecesBeside(r *Route) []*Route {
	var all []*Route
	for _, other := range m.pieces {
		if other != r && (other.Controller == IngressNGINX || other.Controller == "") && slices.ContainsFunc(other.Backends, func(b *Backend) bool {
			return slices.ContainsFunc(r.Backends, func(own *Backend) bool { return own.Host == b.Host })
		}) {
			all = append(all, other)
		}
	}
	return all
}

// OfTraefik says whether each Gateway that a route hangs on is one of Traefik's, as its GatewayClass in the stream says.
func (m *Model) OfTraefik(r *Route) bool {
	for _, p := range r.Parents {
		g := m.gateways[p.Namespace+"/"+p.Name]
		if g == nil || m.gwClasses[g.Class] != TraefikGateway {
			return false
		}
	}
	return len(r.Parents) > 0
}

// TraefikID is what Traefik calls an object of Kubernetes; objects of several namespaces may share one (provider.Normalize,
// and makeID of its CRD provider).
func TraefikID(namespace, name string) string {
	return strings.Join(strings.FieldsFunc(namespace+"-"+name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }), "-")
}

// MiddlewaresOf returns the Middlewares that Traefik calls so.
func (m *Model) MiddlewaresOf(id string) []*Route { return m.traefiks[id] }

// Detour is a place in a route that names a TraefikService, which leads on to Services.
type Detour struct {
	Route     *Route
	Field     manifest.Path
	Namespace string
	Name      string // or an id of Traefik's, with an @, which kauth does not follow
}

// DetoursTo returns the places of the stream that name a TraefikService.
func (m *Model) DetoursTo(r *Route) []*Detour {
	var all []*Detour
	for _, d := range m.detours[r.Object.Name] {
		if SameNamespace(d.Namespace, r.Object.Namespace) {
			all = append(all, d)
		}
	}
	return all
}
