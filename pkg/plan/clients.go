package plan

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// clients plans the Services of --keep-internal, and names what the stream shows of clients inside the cluster that use
// a port which moves to the gate: from now on they are asked for a password.
func (p *planner) clients(s *manifest.Stream) {
	p.keepInternal()
	for _, svc := range p.movedServices() {
		c := client{planner: p, service: svc, name: []byte(svc.Object.Name)}
		c.asked = regexp.MustCompile(`(?:^|[^-a-z0-9.])` + regexp.QuoteMeta(svc.Object.Name) + `(?:\.([-a-z0-9]+))?(?:\.[-a-z0-9.]+)?(?::(\d+))?(?:[^-a-z0-9.]|$)`)
		for _, d := range s.Docs {
			if !bytes.Contains(d.Raw(), c.name) && !bytes.Contains(d.Raw(), []byte("kind: ServiceMonitor")) {
				continue
			}
			for _, o := range d.Peek() {
				c.look(o)
			}
		}
	}
}

// client looks for clients of one Service.
type client struct {
	*planner
	service *topology.Service
	name    []byte
	asked   *regexp.Regexp // the Service's name as a host: NAME[.NAMESPACE[...]][:PORT]
}

func (c *client) look(o *manifest.Object) {
	if !topology.SameNamespace(o.Namespace, c.service.Object.Namespace) && o.Kind == "Service" || o == c.service.Object {
		return
	}
	switch {
	case o.Kind == "ServiceMonitor":
		c.monitor(o)
	case o.Group == "monitoring.coreos.com" && o.Kind == "Prometheus":
		for i, am := range manifest.Items(o.Node, "spec", "alerting", "alertmanagers") {
			if manifest.String(am, "name") == c.service.Object.Name && c.moves(topology.ParsePort(manifest.String(am, "port"))) {
				c.tell(o, manifest.P("spec", "alerting", "alertmanagers", i))
			}
		}
		c.text(o.Node, nil, o)
	case o.Kind == "Service", o.Kind == "CustomResourceDefinition", c.isRoute(o):
	default:
		c.text(o.Node, nil, o)
	}
}

func (c *client) isRoute(o *manifest.Object) bool {
	return slices.ContainsFunc(c.model.Routes, func(r *topology.Route) bool { return r.Object == o })
}

// moves says whether a port of the Service, by number or name, is one that moves; the zero Port means any.
func (c *client) moves(port topology.Port) bool {
	for _, mv := range c.Moves {
		if mv.Service == c.service && (port == topology.Port{} || port.Name != "" && port.Name == mv.Port.Name || port.Name == "" && port.Number == mv.Port.Number) {
			return true
		}
	}
	return false
}

// monitor looks at a ServiceMonitor. One that names the container's port instead of the Service's scrapes that.
func (c *client) monitor(o *manifest.Object) {
	labels := manifest.Map(c.service.Object.Node, "metadata", "labels")
	if !topology.Matches(manifest.Field(o.Node, "spec", "selector"), labels) || !c.space(o) {
		return
	}
	for i, e := range manifest.Items(o.Node, "spec", "endpoints") {
		if name := manifest.String(e, "port"); name != "" && c.moves(topology.Port{Name: name}) {
			c.tell(o, manifest.P("spec", "endpoints", i, "port"))
		}
	}
}

// space says whether a ServiceMonitor looks into the Service's namespace.
func (c *client) space(o *manifest.Object) bool {
	if manifest.Bool(o.Node, "spec", "namespaceSelector", "any") {
		return true
	}
	names := manifest.Items(o.Node, "spec", "namespaceSelector", "matchNames")
	if len(names) == 0 {
		return topology.SameNamespace(o.Namespace, c.service.Object.Namespace)
	}
	return slices.ContainsFunc(names, func(n *yaml.Node) bool { return topology.SameNamespace(n.Value, c.service.Object.Namespace) })
}

// text looks for the Service's name as a host in every text below n, and reports the first of the object.
func (c *client) text(n *yaml.Node, field manifest.Path, o *manifest.Object) bool {
	switch n.Kind {
	case yaml.ScalarNode:
		for _, m := range c.asked.FindAllStringSubmatchIndex(n.Value, -1) {
			if c.means(n.Value, m) {
				c.tell(o, field)
				return true
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if c.text(item, field.With(i), o) {
				return true
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if len(field) == 0 && n.Content[i].Value == "metadata" {
				continue
			}
			if c.text(n.Content[i+1], field.With(n.Content[i].Value), o) {
				return true
			}
		}
	default: // an alias: looked at where it stands in full
	}
	return false
}

// means says whether a place where the name stands is one where it is a host: behind a scheme, with a port, or with the
// namespace and svc. A name alone may be anything.
func (c *client) means(text string, m []int) bool {
	at := strings.Index(text[m[0]:m[1]], c.service.Object.Name) + m[0]
	group := func(i int) string {
		if m[2*i] < 0 {
			return ""
		}
		return text[m[2*i]:m[2*i+1]]
	}
	namespace, port := group(1), group(2)
	if namespace != "" && !topology.SameNamespace(namespace, c.service.Object.Namespace) {
		return false
	}
	scheme := strings.HasSuffix(text[:at], "://") || strings.HasSuffix(text[:at], "@")
	switch number, _ := strconv.Atoi(port); {
	case port != "":
		return c.moves(topology.Port{Number: number})
	case scheme:
		return c.moves(topology.Port{Number: 80}) || c.moves(topology.Port{Number: 443})
	default:
		return namespace != "" && strings.Contains(text[m[0]:m[1]], "."+namespace+".svc")
	}
}

func (c *client) tell(o *manifest.Object, field manifest.Path) {
	name := c.service.Object.Name
	hint := "let it name the Service " + strconv.Quote(c.kept[c.service])
	if c.kept[c.service] == "" {
		hint = "give it a user, or add a ClusterIP Service with --keep-internal " + name + "=" + name + "-internal and let it name that"
	}
	c.find(Warning, o, field, hint, "uses a port of Service %q that leads to the gate from now on, and so needs a password", name)
}
