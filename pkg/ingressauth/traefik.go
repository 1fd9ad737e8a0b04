package ingressauth

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// TraefikMiddlewares is the annotation by which Traefik puts Middlewares before all routers of an Ingress.
const TraefikMiddlewares = topology.TraefikPrefix + "router.middlewares"

// traefikObstacle says why Traefik cannot be told by the annotations of an Ingress.
func traefikObstacle(r *topology.Route) *Obstacle {
	if r.Object.Namespace == "" {
		return &Obstacle{
			What: "is led to by an Ingress of Traefik, whose annotation must name its Middleware by the namespace, which is not known", Hint: "say it with --namespace",
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
		if rest, odd := strings.CutPrefix(strings.ToLower(key), TraefikMiddlewares); odd && key != TraefikMiddlewares && (rest == "" || rest[0] == '.') {
			return &Obstacle{
				Field: manifest.P("metadata", "annotations", key), What: "is led to by an Ingress with a second spelling of " + TraefikMiddlewares,
				Hint: "write it in lower case, with commas",
			}
		}
	}
	return nil
}

// The API groups of Traefik's objects; that of Traefik 2 was the only one up to 2.10.
const (
	TraefikGroup    = "traefik.io"
	OldTraefikGroup = "traefik.containo.us"
)

// MiddlewareIDs are the ids in the annotation of an Ingress.
func MiddlewareIDs(annotation string) []string {
	var ids []string
	for item := range strings.SplitSeq(annotation, ",") {
		ids = append(ids, strings.TrimSuffix(strings.TrimSpace(item), "@kubernetescrd"))
	}
	return ids
}

// NamedMiddlewares are the ids of the Middlewares of a route of an IngressRoute, in their order.
func NamedMiddlewares(r *topology.Route, field manifest.Path) []string {
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
