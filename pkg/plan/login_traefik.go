package plan

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// traefikMiddlewares is the annotation by which Traefik puts Middlewares before all routers of an Ingress.
const traefikMiddlewares = topology.TraefikPrefix + "router.middlewares"

// Front is an item that is put in front of a list.
type Front struct {
	Object *manifest.Object
	Field  manifest.Path // the list, which is made where it is missing
	Item   *yaml.Node
}

// middlewareKey is what a Middleware is made for: routes that want the same share one.
type middlewareKey struct {
	group, namespace, secret, realm string
	keep                            bool
}

// traefikObstacle says why Traefik cannot be told by the annotations of an Ingress.
func traefikObstacle(r *topology.Route) *obstacle {
	if r.Object.Namespace == "" {
		return &obstacle{
			what: "is led to by an Ingress of Traefik, whose annotation must name its Middleware by the namespace, which is not known", hint: "say it with --namespace",
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
		if rest, odd := strings.CutPrefix(strings.ToLower(key), traefikMiddlewares); odd && key != traefikMiddlewares && (rest == "" || rest[0] == '.') {
			return &obstacle{
				field: manifest.P("metadata", "annotations", key), what: "is led to by an Ingress with a second spelling of " + traefikMiddlewares,
				hint: "write it in lower case, with commas",
			}
		}
	}
	return nil
}

// askTraefik plans the Middleware of a spot, and that it is the first there.
func (p *planner) askTraefik(a *asking) {
	o := a.route.Object
	name := p.middleware(a)
	switch o.Kind {
	case "Ingress":
		p.sayGuess(a.route, byTraefik, topology.Traefik)
		value := topology.TraefikID(o.Namespace, name) + "@kubernetescrd"
		old := a.route.Annotations[traefikMiddlewares]
		p.saySecondLogin(a, middlewareIDs(old))
		if strings.TrimSpace(old) != "" {
			value += "," + old
		}
		p.Annotations = append(p.Annotations, &Annotation{Object: o, Key: traefikMiddlewares, Value: value})
	case "HTTPRoute":
		ref := manifest.Mapping("group", manifest.Text(traefikGroup), "kind", manifest.Text("Middleware"), "name", manifest.Text(name))
		p.Fronts = append(p.Fronts, &Front{Object: o, Field: a.path().With("filters"), Item: manifest.Mapping("type", manifest.Text("ExtensionRef"), "extensionRef", ref)})
	default:
		p.saySecondLogin(a, namedMiddlewares(a.route, a.path()))
		p.Fronts = append(p.Fronts, &Front{Object: o, Field: a.path().With("middlewares"), Item: manifest.Mapping("name", manifest.Text(name))})
	}
}

// middleware returns the name of the Middleware of a spot, which it adds where no spot before wanted the same.
func (p *planner) middleware(a *asking) string {
	l, o := a.logins[0], a.route.Object
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
	p.Additions = append(p.Additions, &Addition{Beside: o, Node: manifest.Mapping(
		"apiVersion", manifest.Text(key.group+"/v1alpha1"), "kind", manifest.Text("Middleware"),
		"metadata", manifest.MetadataBeside(o, name, manifest.Map(o.Node, "metadata", "labels")), // Traefik may look for labels
		"spec", manifest.Mapping("basicAuth", basic))})
	return name
}

// The API groups of Traefik's objects; that of Traefik 2 was the only one up to 2.10.
const (
	traefikGroup    = "traefik.io"
	oldTraefikGroup = "traefik.containo.us"
)

// middlewareGroup is the API group of the Middleware for a route: that of the route itself, for an Ingress the one that
// Traefik's objects in the stream have.
func (p *planner) middlewareGroup(o *manifest.Object) string {
	switch {
	case isTraefik(o.Ref):
		return o.Group
	case o.Kind == "HTTPRoute": // which Traefik 2 with the old group does not extend
		return traefikGroup
	}
	if p.traefik == "" {
		p.traefik = traefikGroup
		has := func(group string) bool {
			return slices.ContainsFunc(p.model.Routes, func(r *topology.Route) bool { return r.Object.Group == group })
		}
		if has(oldTraefikGroup) && !has(traefikGroup) {
			p.traefik = oldTraefikGroup
		}
	}
	return p.traefik
}

// middlewareTaken says whether Traefik would mistake a Middleware of that name for another one.
func (p *planner) middlewareTaken(namespace, name string) bool {
	alike := func(space, other string) bool {
		return topology.SameNamespace(space, namespace) && topology.TraefikID("", other) == topology.TraefikID("", name) || topology.TraefikID(space, other) == topology.TraefikID(namespace, name)
	}
	for key, planned := range p.middlewares {
		if alike(key.namespace, planned) {
			return true
		}
	}
	return slices.ContainsFunc(p.kinds["Middleware"], func(o *manifest.Object) bool { return alike(o.Namespace, o.Name) })
}

// middlewareIDs are the ids in the annotation of an Ingress.
func middlewareIDs(annotation string) []string {
	var ids []string
	for item := range strings.SplitSeq(annotation, ",") {
		ids = append(ids, strings.TrimSuffix(strings.TrimSpace(item), "@kubernetescrd"))
	}
	return ids
}

// namedMiddlewares are the ids of the Middlewares of a route of an IngressRoute, in their order.
func namedMiddlewares(r *topology.Route, field manifest.Path) []string {
	var ids []string
	for _, ref := range manifest.Items(r.Object.At(field), "middlewares") {
		name := manifest.String(ref, "name")
		if id, full := strings.CutSuffix(name, "@kubernetescrd"); full {
			ids = append(ids, id)
			continue
		}
		ids = append(ids, topology.TraefikID(cmp.Or(manifest.String(ref, "namespace"), r.Object.Namespace), name))
	}
	return ids
}

// saySecondLogin warns of Middlewares that ask for a login as well.
func (p *planner) saySecondLogin(a *asking, ids []string) {
	for _, id := range ids {
		for _, m := range p.model.MiddlewaresOf(id) {
			for _, kind := range []string{"basicAuth", "digestAuth", "forwardAuth"} {
				if manifest.Field(m.Object.Node, "spec", kind) != nil {
					p.find(Warning, a.route.Object, a.path(), "remove it", "%s asks for a login as well (%s): who comes in needs both, and the password does not reach it", m.Object.Short(), kind)
				}
			}
		}
	}
}

// idsOfTraefik refuses what names a service of Traefik's by its id: it may lead past the routes that ask.
func (p *planner) idsOfTraefik() {
	names := map[string]bool{}
	for _, a := range p.asked {
		if a.asker() != byTraefik {
			continue
		}
		for _, l := range a.logins {
			for way := range l.asks {
				names[topology.TraefikID("", way.Route.Object.Name)], names[topology.TraefikID("", way.Backend.Service)] = true, true
			}
		}
	}
	for _, r := range p.model.Routes {
		for _, d := range r.Detours {
			id, _, byID := strings.Cut(d.Name, "@")
			if byID && slices.ContainsFunc(slices.Collect(maps.Keys(names)), func(name string) bool { return strings.Contains(id, name) }) {
				p.find(Error, r.Object, d.Field, "name the Service itself", "names a service of Traefik by its id %q, which may lead past the routes that ask for a password", d.Name)
			}
		}
	}
}
