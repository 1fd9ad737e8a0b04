package ingress

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/ingressauth"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// middlewareKey is what a Middleware is made for: routes that want the same share one.
type middlewareKey struct {
	group, namespace, secret, realm string
	keep                            bool
}

// askTraefik plans the Middleware of a spot, and that it is the first there.
func (p *Logins) askTraefik(a *asking) {
	o := a.Route.Object
	name := p.middleware(a)
	switch o.Kind {
	case "Ingress":
		p.sayGuess(a.Route, ingressauth.Traefik, topology.Traefik)
		value := topology.TraefikID(o.Namespace, name) + "@kubernetescrd"
		old := a.Route.Annotations[ingressauth.TraefikMiddlewares]
		p.saySecondLogin(a, ingressauth.MiddlewareIDs(old))
		if strings.TrimSpace(old) != "" {
			value += "," + old
		}
		p.Annotations = append(p.Annotations, &plan.Annotation{Object: o, Key: ingressauth.TraefikMiddlewares, Value: value})
	case "HTTPRoute":
		ref := manifest.Mapping("group", manifest.Text(ingressauth.TraefikGroup), "kind", manifest.Text("Middleware"), "name", manifest.Text(name))
		p.Fronts = append(p.Fronts, &plan.Front{Object: o, Field: a.Path().With("filters"), Item: manifest.Mapping("type", manifest.Text("ExtensionRef"), "extensionRef", ref)})
	default:
		p.saySecondLogin(a, ingressauth.NamedMiddlewares(a.Route, a.Path()))
		p.Fronts = append(p.Fronts, &plan.Front{Object: o, Field: a.Path().With("middlewares"), Item: manifest.Mapping("name", manifest.Text(name))})
	}
}

// middleware returns the name of the Middleware of a spot, which it adds where no spot before wanted the same.
func (p *Logins) middleware(a *asking) string {
	l, o := a.logins[0], a.Route.Object
	key := middlewareKey{p.middlewareGroup(o), o.Namespace, l.UsersSecret(), l.Realm(), a.keep}
	if name, planned := p.middlewares[key]; planned {
		return name
	}
	base := strings.ReplaceAll(o.Name, ".", "-") + "-kauth" // of the release's own, for a namespace may hold several releases
	name := base
	for i := 2; p.middlewareTaken(o.Namespace, name); i++ {
		name = base + "-" + strconv.Itoa(i)
	}
	p.middlewares[key] = name
	basic := manifest.Mapping("secret", manifest.Text(key.secret), "realm", manifest.Text(key.realm))
	if !key.keep { // what was asked for here is no business of the application's
		basic = manifest.Mapping("secret", manifest.Text(key.secret), "realm", manifest.Text(key.realm), "removeHeader", manifest.Flag(true))
	}
	p.Additions = append(p.Additions, &plan.Addition{Beside: o, Node: manifest.Mapping(
		"apiVersion", manifest.Text(key.group+"/v1alpha1"), "kind", manifest.Text("Middleware"),
		"metadata", manifest.MetadataBeside(o, name, manifest.Map(o.Node, "metadata", "labels")), // Traefik may look for labels
		"spec", manifest.Mapping("basicAuth", basic))})
	return name
}

// middlewareGroup is the API group of the Middleware for a route: that of the route itself, for an Ingress the one that
// Traefik's objects in the stream have.
func (p *Logins) middlewareGroup(o *manifest.Object) string {
	switch {
	case ingressauth.IsTraefik(o.Ref):
		return o.Group
	case o.Kind == "HTTPRoute": // which Traefik 2 with the old group does not extend
		return ingressauth.TraefikGroup
	}
	if p.traefik == "" {
		p.traefik = ingressauth.TraefikGroup
		has := func(group string) bool {
			return slices.ContainsFunc(p.Model.Routes, func(r *topology.Route) bool { return r.Object.Group == group })
		}
		if has(ingressauth.OldTraefikGroup) && !has(ingressauth.TraefikGroup) {
			p.traefik = ingressauth.OldTraefikGroup
		}
	}
	return p.traefik
}

// middlewareTaken says whether Traefik would mistake a Middleware of that name for another one.
func (p *Logins) middlewareTaken(namespace, name string) bool {
	alike := func(space, other string) bool {
		return topology.SameNamespace(space, namespace) && topology.TraefikID("", other) == topology.TraefikID("", name) || topology.TraefikID(space, other) == topology.TraefikID(namespace, name)
	}
	for key, planned := range p.middlewares {
		if alike(key.namespace, planned) {
			return true
		}
	}
	return slices.ContainsFunc(p.Kinds("Middleware"), func(o *manifest.Object) bool { return alike(o.Namespace, o.Name) })
}

// saySecondLogin warns of Middlewares that ask for a login as well.
func (p *Logins) saySecondLogin(a *asking, ids []string) {
	for _, id := range ids {
		for _, m := range p.Model.MiddlewaresOf(id) {
			for _, kind := range []string{"basicAuth", "digestAuth", "forwardAuth"} {
				if manifest.Field(m.Object.Node, "spec", kind) != nil {
					p.Find(finding.Warning, a.Route.Object, a.Path(), "remove it", "%s asks for a login as well (%s): who comes in needs both, and the password does not reach it", m.Object.Short(), kind)
				}
			}
		}
	}
}

// idsOfTraefik refuses what names a service of Traefik's by its id: it may lead past the routes that ask.
func (p *Logins) idsOfTraefik() {
	names := map[string]bool{}
	for _, a := range p.asked {
		if a.Asker() != ingressauth.Traefik {
			continue
		}
		for _, l := range a.logins {
			for way := range l.Asks {
				names[topology.TraefikID("", way.Route.Object.Name)], names[topology.TraefikID("", way.Backend.Service)] = true, true
			}
		}
	}
	for _, r := range p.Model.Routes {
		for _, d := range r.Detours {
			id, _, byID := strings.Cut(d.Name, "@")
			if byID && slices.ContainsFunc(slices.Collect(maps.Keys(names)), func(name string) bool { return strings.Contains(id, name) }) {
				p.Find(finding.Error, r.Object, d.Field, "name the Service itself", "names a service of Traefik by its id %q, which may lead past the routes that ask for a password", d.Name)
			}
		}
	}
}
