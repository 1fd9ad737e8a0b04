package planner

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// clients plans the Services of --keep-internal, and names what the stream shows of clients inside the cluster that use
// a port which moves to the gate: from now on they are asked for a password.
func (p *planner) clients(s *manifest.Stream) {
	p.keepInternal()
	p.nativeClients(s)
	c := p.searchClients(p.MovedServices(), func(_ *topology.Service, port *topology.ServicePort) bool { return p.Moved(port) })
	c.tell = c.needsPassword
	c.search(s)
}

// searchClients is a search for clients of some ports of some Services.
func (p *planner) searchClients(services []*topology.Service, leads func(*topology.Service, *topology.ServicePort) bool) *clientSearch {
	c := &clientSearch{planner: p, moved: services, leads: leads, byName: map[string][]*topology.Service{}, skip: map[*manifest.Object]bool{}}
	for _, svc := range services {
		c.byName[svc.Object.Name] = append(c.byName[svc.Object.Name], svc)
	}
	for _, r := range c.Model.Routes {
		c.skip[r.Object] = true
	}
	return c
}

func (c *clientSearch) search(s *manifest.Stream) {
	if len(c.moved) == 0 {
		return
	}
	for _, d := range s.Docs {
		if bytes.Contains(d.Raw(), []byte("ServiceMonitor")) || bytes.Contains(d.Raw(), []byte("alertmanagers")) || c.hosts(string(d.Raw()), func(*topology.Service) bool { return true }) {
			for _, o := range d.Peek() {
				c.look(o)
			}
		}
	}
}

// clientSearch looks for clients of the Services whose ports change for them.
type clientSearch struct {
	*planner
	moved  []*topology.Service
	leads  func(*topology.Service, *topology.ServicePort) bool // whether a port is one that is looked for
	tell   func(client *manifest.Object, svc *topology.Service, field manifest.Path)
	byName map[string][]*topology.Service
	skip   map[*manifest.Object]bool // routes, which move too
}

func (c *clientSearch) look(o *manifest.Object) {
	if o.Namespace == "" {
		o.Namespace = c.Model.Namespace
	}
	switch {
	case c.skip[o] || o.Kind == "Service" || o.Kind == "CustomResourceDefinition":
	case o.Kind == "ServiceMonitor":
		c.monitor(o)
	default:
		for i, am := range manifest.Items(o.Node, "spec", "alerting", "alertmanagers") { // of a Prometheus
			for _, svc := range c.byName[manifest.String(am, "name")] {
				namespace := cmp.Or(manifest.String(am, "namespace"), o.Namespace)
				if c.movesPort(svc, topology.ParsePort(manifest.String(am, "port"))) && topology.SameNamespace(namespace, svc.Object.Namespace) {
					c.tell(o, svc, manifest.P("spec", "alerting", "alertmanagers", i))
				}
			}
		}
		told := map[*topology.Service]bool{}
		c.text(o.Node, nil, o, told)
	}
}

// movesPort says whether a port of the Service, by number or name, is one that is looked for.
func (c *clientSearch) movesPort(svc *topology.Service, port topology.Port) bool {
	return slices.ContainsFunc(svc.Ports, func(p *topology.ServicePort) bool {
		return c.leads(svc, p) && (port.Name != "" && port.Name == p.Name || port.Name == "" && port.Number == p.Number)
	})
}

// monitor looks at a ServiceMonitor. One that names the container's port instead of the Service's scrapes that.
func (c *clientSearch) monitor(o *manifest.Object) {
	for _, svc := range c.moved {
		if !looksInto(o, svc.Object.Namespace) || !topology.Matches(manifest.Field(o.Node, "spec", "selector"), manifest.Map(svc.Object.Node, "metadata", "labels")) {
			continue
		}
		for i, e := range manifest.Items(o.Node, "spec", "endpoints") {
			if name := manifest.String(e, "port"); name != "" && c.movesPort(svc, topology.Port{Name: name}) {
				c.tell(o, svc, manifest.P("spec", "endpoints", i, "port"))
			}
		}
	}
}

// looksInto says whether a ServiceMonitor or a PodMonitor looks into a namespace.
func looksInto(o *manifest.Object, namespace string) bool {
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
func (c *clientSearch) text(n *yaml.Node, field manifest.Path, o *manifest.Object, told map[*topology.Service]bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		c.hosts(n.Value, func(svc *topology.Service) bool {
			if !told[svc] {
				told[svc] = true
				c.tell(o, svc, field)
			}
			return false
		})
	case yaml.SequenceNode:
		for i, item := range n.Content {
			c.text(item, field.With(i), o, told)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if len(field) > 0 || n.Content[i].Value != "metadata" {
				c.text(n.Content[i+1], field.With(n.Content[i].Value), o, told)
			}
		}
	default: // an alias: looked at where it stands in full
	}
}

// hosts calls found for each place in a text where a Service's name stands as a host that a moving port is asked of: behind
// a scheme, with a port, or before NAMESPACE.svc. A name alone may be anything. It stops, and returns true, when found does.
func (c *clientSearch) hosts(text string, found func(*topology.Service) bool) bool {
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

func (c *clientSearch) asks(svc *topology.Service, domain, port string, scheme bool) bool {
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

// needsPassword reports a client of a port that leads to a gate from now on.
func (c *clientSearch) needsPassword(o *manifest.Object, svc *topology.Service, field manifest.Path) {
	name := svc.Object.Name
	hint := "let it name the Service " + strconv.Quote(c.kept[svc])
	if c.kept[svc] == "" {
		hint = "give it a user, or add a ClusterIP Service with --keep-internal " + name + "=" + name + "-internal and let it name that"
	}
	c.Find(finding.Warning, o, field, hint, "uses a port of Service %q that leads to the gate from now on, and so needs a password", name)
}
