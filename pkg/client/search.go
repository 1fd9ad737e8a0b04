// Package client owns the search for clients inside the cluster: what the objects of a stream name as a Service whose port
// they use.
package client

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Search looks for clients of some ports of some Services.
type Search struct {
	model    *topology.Model
	services []*topology.Service
	leads    Leads
	byName   map[string][]*topology.Service
	skip     map[*manifest.Object]bool // routes, which are no clients
}

// Leads says whether a port of a Service is one whose clients are looked for.
type Leads func(*topology.Service, *topology.ServicePort) bool

// Tell is told of a client: the object, and the field of it that names the Service.
type Tell func(client *manifest.Object, svc *topology.Service, field manifest.Path)

// New returns a search for clients of those ports of some Services that lead somewhere.
func New(m *topology.Model, services []*topology.Service, leads Leads) *Search {
	c := &Search{model: m, services: services, leads: leads, byName: map[string][]*topology.Service{}, skip: map[*manifest.Object]bool{}}
	for _, svc := range services {
		c.byName[svc.Object.Name] = append(c.byName[svc.Object.Name], svc)
	}
	for _, r := range m.Routes {
		c.skip[r.Object] = true
	}
	return c
}

// Run goes through a stream and tells of each client that it finds.
func (c *Search) Run(s *manifest.Stream, tell Tell) {
	if len(c.services) == 0 {
		return
	}
	for _, d := range s.Docs {
		if bytes.Contains(d.Raw(), []byte("ServiceMonitor")) || bytes.Contains(d.Raw(), []byte("alertmanagers")) || c.Hosts(string(d.Raw()), func(*topology.Service) bool { return true }) {
			for _, o := range d.Peek() {
				c.look(o, tell)
			}
		}
	}
}

func (c *Search) look(o *manifest.Object, tell Tell) {
	if o.Namespace == "" {
		o.Namespace = c.model.Namespace
	}
	switch {
	case c.skip[o] || o.Kind == "Service" || o.Kind == "CustomResourceDefinition":
	case o.Kind == "ServiceMonitor":
		c.monitor(o, tell)
	default:
		for i, am := range manifest.Items(o.Node, "spec", "alerting", "alertmanagers") { // of a Prometheus
			for _, svc := range c.byName[manifest.String(am, "name")] {
				namespace := cmp.Or(manifest.String(am, "namespace"), o.Namespace)
				if c.movesPort(svc, topology.ParsePort(manifest.String(am, "port"))) && topology.SameNamespace(namespace, svc.Object.Namespace) {
					tell(o, svc, manifest.P("spec", "alerting", "alertmanagers", i))
				}
			}
		}
		told := map[*topology.Service]bool{}
		c.text(o.Node, nil, o, told, tell)
	}
}

// movesPort says whether a port of the Service, by number or name, is one that is looked for.
func (c *Search) movesPort(svc *topology.Service, port topology.Port) bool {
	return slices.ContainsFunc(svc.Ports, func(p *topology.ServicePort) bool {
		return c.leads(svc, p) && (port.Name != "" && port.Name == p.Name || port.Name == "" && port.Number == p.Number)
	})
}

// monitor looks at a ServiceMonitor. One that names the container's port instead of the Service's scrapes that.
func (c *Search) monitor(o *manifest.Object, tell Tell) {
	for _, svc := range c.services {
		if !LooksInto(o, svc.Object.Namespace) || !topology.Matches(manifest.Field(o.Node, "spec", "selector"), manifest.Map(svc.Object.Node, "metadata", "labels")) {
			continue
		}
		for i, e := range manifest.Items(o.Node, "spec", "endpoints") {
			if name := manifest.String(e, "port"); name != "" && c.movesPort(svc, topology.Port{Name: name}) {
				tell(o, svc, manifest.P("spec", "endpoints", i, "port"))
			}
		}
	}
}

// LooksInto says whether a ServiceMonitor or a PodMonitor looks into a namespace.
func LooksInto(o *manifest.Object, namespace string) bool {
	if manifest.Bool(o.Node, "spec", "namespaceSelector", "any") {
		return true
	}
	names := manifest.Items(o.Node, "spec", "namespaceSelector", "matchNames")
	if len(names) == 0 {
		return topology.SameNamespace(o.Namespace, namespace)
	}
	return slices.ContainsFunc(names, func(n *yaml.Node) bool { return topology.SameNamespace(n.Value, namespace) })
}

// text looks for the Services' names as hosts in every text below n, and reports the first place of each.
func (c *Search) text(n *yaml.Node, field manifest.Path, o *manifest.Object, told map[*topology.Service]bool, tell Tell) {
	switch n.Kind {
	case yaml.ScalarNode:
		c.Hosts(n.Value, func(svc *topology.Service) bool {
			if !told[svc] {
				told[svc] = true
				tell(o, svc, field)
			}
			return false
		})
	case yaml.SequenceNode:
		for i, item := range n.Content {
			c.text(item, field.With(i), o, told, tell)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if len(field) > 0 || n.Content[i].Value != "metadata" {
				c.text(n.Content[i+1], field.With(n.Content[i].Value), o, told, tell)
			}
		}
	default: // an alias: looked at where it stands in full
	}
}

// Hosts calls found for each place in a text where a Service's name stands as a host that a moving port is asked of: behind
// a scheme, with a port, or before NAMESPACE.svc. A name alone may be anything. It stops, and returns true, when found does.
func (c *Search) Hosts(text string, found func(*topology.Service) bool) bool {
	for at := 0; at < len(text); {
		if !hostByte(text[at]) {
			at++
			continue
		}
		end := at
		for end < len(text) && hostByte(text[end]) {
			end++
		}
		host, port, _ := strings.Cut(strings.Trim(text[at:end], ".:"), ":")
		name, rest, _ := strings.Cut(host, ".")
		for _, svc := range c.byName[name] {
			scheme := strings.HasSuffix(text[:at], "//") || strings.HasSuffix(text[:at], "@")
			if c.asks(svc, rest, port, scheme) && found(svc) {
				return true
			}
		}
		at = end
	}
	return false
}

func hostByte(b byte) bool {
	return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '.' || b == ':'
}

func (c *Search) asks(svc *topology.Service, domain, port string, scheme bool) bool {
	namespace, rest, _ := strings.Cut(domain, ".")
	if namespace != "" && !topology.SameNamespace(namespace, svc.Object.Namespace) || rest != "" && rest != "svc" && !strings.HasPrefix(rest, "svc.") {
		return false
	}
	switch number, _ := strconv.Atoi(port); {
	case port != "":
		return c.movesPort(svc, topology.Port{Number: number})
	case scheme:
		return c.movesPort(svc, topology.Port{Number: 80}) || c.movesPort(svc, topology.Port{Number: 443})
	default:
		return rest != ""
	}
}
