package ingressauth

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Asks says whether the controller at a spot asks for the passwords of a Secret with a realm, before all else. What is ""
// is not known, and any will do.
func (s Spot) Asks(m *topology.Model, secret, realm string) bool {
	var ids []string
	switch o := s.Route.Object; {
	case s.Asker() == NGINX:
		return nginxAsks(m, s.Route, secret, realm)
	case o.Kind == "Ingress":
		if traefikObstacle(s.Route) != nil {
			return false
		}
		ids = MiddlewareIDs(s.Route.Annotations[TraefikMiddlewares])
	case o.Kind == "HTTPRoute":
		for _, filter := range manifest.Items(o.At(s.Path()), "filters") {
			ref := manifest.Field(filter, "extensionRef")
			if manifest.String(ref, "group") == TraefikGroup && manifest.String(ref, "kind") == "Middleware" {
				ids = append(ids, topology.TraefikID(o.Namespace, manifest.String(ref, "name")))
			} else {
				ids = append(ids, "")
			}
		}
	default:
		ids = NamedMiddlewares(s.Route, s.Path())
	}
	return len(ids) > 0 && middlewareAsks(m, s.Route.Object, ids[0], secret, realm)
}

// middlewareAsks says whether the Middleware of an id is one alone, in the namespace of the route, and asks for the
// passwords of a Secret.
func middlewareAsks(m *topology.Model, route *manifest.Object, id, secret, realm string) bool {
	found := m.MiddlewaresOf(id)
	if len(found) != 1 || !IsTraefik(found[0].Object.Ref) || found[0].Object.Namespace != route.Namespace {
		return false
	}
	spec := manifest.Field(found[0].Object.Node, "spec")
	basic := manifest.Field(spec, "basicAuth")
	return basic != nil && len(spec.Content) == 2 && is(secret, manifest.String(basic, "secret")) && is(realm, cmp.Or(manifest.String(basic, "realm"), traefikRealm))
}

// traefikRealm is the realm of a Middleware that says none (traefik/traefik:pkg/middlewares/auth/auth.go).
const traefikRealm = "traefik"

// is says whether something is as it must be, where that is known; else, whether it is anything at all.
func is(want, got string) bool { return got != "" && (want == "" || want == got) }

// Obstacle says why the controller at a spot would not ask everybody, with a realm, nil where it would.
func (s Spot) Obstacle(m *topology.Model, realm string) *Obstacle {
	switch {
	case s.Asker() == NGINX:
		return nginxObstacle(m, s.Route, realm)
	case strings.ContainsAny(realm, `"\`):
		return &Obstacle{What: "is led to by Traefik, which cannot show the realm " + strconv.Quote(realm), Hint: `choose a realm without " and \`}
	case s.Route.Object.Kind == "Ingress":
		return traefikObstacle(s.Route)
	default:
		return nil
	}
}
