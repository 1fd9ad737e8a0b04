package plan

import (
	"cmp"
	"slices"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// ingressChecked says whether a password is asked for at every spot of a way of the output.
func ingressChecked(after *topology.Model, way *topology.Way, c Checked) bool {
	if way.Problem != "" || way.Workload == nil {
		return false
	}
	if besidesLogin(way, c.Port) {
		return true
	}
	spots, no := spotsOf(after, way)
	return no == nil && !slices.ContainsFunc(spots, func(s spot) bool { return !s.checks(after, c) })
}

// checks says whether the controller at a spot of the output asks for the passwords of a login, before all else.
func (s spot) checks(after *topology.Model, c Checked) bool {
	var ids []string
	switch o := s.route.Object; {
	case s.asker() == byNGINX:
		return nginxChecks(after, s.route, c)
	case o.Kind == "Ingress":
		if traefikObstacle(s.route) != nil {
			return false
		}
		ids = middlewareIDs(s.route.Annotations[traefikMiddlewares])
	case o.Kind == "HTTPRoute":
		for _, filter := range manifest.Items(o.At(s.path()), "filters") {
			ref := manifest.Field(filter, "extensionRef")
			if manifest.String(ref, "group") == traefikGroup && manifest.String(ref, "kind") == "Middleware" {
				ids = append(ids, topology.TraefikID(o.Namespace, manifest.String(ref, "name")))
			} else {
				ids = append(ids, "")
			}
		}
	default:
		ids = namedMiddlewares(s.route, s.path())
	}
	return len(ids) > 0 && asksFor(after, s.route.Object, ids[0], c)
}

// asksFor says whether the Middleware of an id is one alone, in the namespace of the route, and asks for the passwords of a
// login.
func asksFor(after *topology.Model, route *manifest.Object, id string, c Checked) bool {
	found := after.MiddlewaresOf(id)
	if len(found) != 1 || !isTraefik(found[0].Object.Ref) || found[0].Object.Namespace != route.Namespace {
		return false
	}
	spec := manifest.Field(found[0].Object.Node, "spec")
	basic := manifest.Field(spec, "basicAuth")
	return basic != nil && len(spec.Content) == 2 && is(c.UsersSecret, manifest.String(basic, "secret")) && is(c.Realm, cmp.Or(manifest.String(basic, "realm"), traefikRealm))
}

// traefikRealm is the realm of a Middleware that says none (traefik/traefik:pkg/middlewares/auth/auth.go).
const traefikRealm = "traefik"

// is says whether something is as it must be, where that is known; else, whether it is anything at all.
func is(want, got string) bool { return got != "" && (want == "" || want == got) }
