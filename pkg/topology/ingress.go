package topology

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/yamltext"
)

// What the AWS load balancer controller calls its things (LBC:docs/guide/ingress/annotations.md).
const (
	ALBPrefix     = "alb.ingress.kubernetes.io/"
	albController = "ingress.k8s.aws/alb"
	useAnnotation = "use-annotation"
	// nginxDefault names the Service that ingress-nginx asks when those of the rules have no pods; at its first port.
	nginxDefault = "nginx.ingress.kubernetes.io/default-backend"
)

// byFirstPort is the Protocol of such a backend: it has no port that could be moved to the gate's.
const byFirstPort = "no port, so by the first one"

func (m *Model) isALB(r *Route) bool {
	if r.Object.Kind != "Ingress" {
		return false
	}
	if r.Class == "" {
		r.Class = m.preset
	}
	if controller, known := m.classes[r.Class]; known && r.Class != "" {
		return controller == albController
	}
	if r.Class == "alb" {
		return true
	}
	for key := range r.Annotations {
		if strings.HasPrefix(key, ALBPrefix) {
			return true
		}
	}
	return false
}

// readIngress reads an Ingress of networking.k8s.io/v1, or of the older versions, whose fields differ in name.
func readIngress(r *Route) error {
	spec := manifest.Field(r.Object.Node, "spec")
	r.Class = orDefault(manifest.String(spec, "ingressClassName"), r.Annotations["kubernetes.io/ingress.class"])
	old := r.Object.Version == "v1beta1"
	defaultKey := "defaultBackend"
	if old {
		defaultKey = "backend"
	}
	if spec == nil || spec.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: spec: missing or not a mapping; is the input cut off?", r.Object.Ref)
	}
	var failed error
	add := func(n *yaml.Node, field manifest.Path, host, path string) {
		if err := r.addIngress(n, field, host, path, old); err != nil && failed == nil {
			failed = err
		}
	}
	if n := manifest.Field(spec, defaultKey); n != nil {
		add(n, manifest.P("spec", defaultKey), "", "")
	}
	at(spec, manifest.P("spec"), "rules", func(rule *yaml.Node, field manifest.Path) {
		at(manifest.Field(rule, "http"), field.With("http"), "paths", func(p *yaml.Node, field manifest.Path) {
			if n := manifest.Field(p, "backend"); n != nil {
				add(n, field.With("backend"), manifest.String(rule, "host"), manifest.String(p, "path"))
			}
		})
	})
	if name := r.Annotations[nginxDefault]; name != "" {
		r.Backends = append(r.Backends, &Backend{
			Field: manifest.P("metadata", "annotations", nginxDefault), Namespace: r.Object.Namespace, Service: name,
			Protocol: byFirstPort,
		})
	}
	return failed
}

func (r *Route) addIngress(n *yaml.Node, field manifest.Path, host, path string, old bool) error {
	b := &Backend{Field: field, Namespace: r.Object.Namespace, Host: host, Path: path, Protocol: r.ingressProtocol()}
	if old {
		b.Service, b.Port, b.PortField = manifest.String(n, "serviceName"), scalar(n, "servicePort"), field.With("servicePort")
	} else {
		b.Service = manifest.String(n, "service", "name")
		b.Port, b.PortField = scalar(n, "service", "port", "number"), field.With("service", "port", "number")
		if b.Port == (Port{}) {
			// A name is a name even where it looks like a number: the API's port.name is a string.
			b.Port, b.PortField = Port{Name: manifest.String(n, "service", "port", "name")}, field.With("service", "port", "name")
		}
	}
	if b.Service == "" {
		if manifest.Field(n, "resource") != nil {
			return nil // not a Service, so no pod
		}
		return fmt.Errorf("%s: %s: names no Service; write service.name and service.port", r.Object.Ref, field)
	}
	if b.Port.Name == useAnnotation {
		return r.addAction(b)
	}
	r.Backends = append(r.Backends, b)
	return nil
}

// ingressProtocol is what annotations make a controller speak to the backends of an Ingress, where it is nothing that a
// gate can guard. An ALB's protocol is set with its health check.
func (r *Route) ingressProtocol() string {
	for key, value := range r.Annotations {
		if strings.HasSuffix(key, "/ssl-passthrough") && value == "true" { // ingress-nginx, HAProxy, Kong, each with its prefix
			return "TLS passthrough"
		}
	}
	switch strings.ToUpper(r.Annotations["nginx.ingress.kubernetes.io/backend-protocol"]) {
	case "GRPC", "GRPCS":
		return "gRPC"
	case "FCGI":
		return "FastCGI"
	default:
		return ""
	}
}

// addAction reads the ALB action that a backend with the port name use-annotation stands for. Only forward leads to
// Services; the controller matches the JSON's keys without regard to case.
func (r *Route) addAction(b *Backend) error {
	key := ALBPrefix + "actions." + b.Service
	field := manifest.P("metadata", "annotations", key)
	text, found := r.Annotations[key]
	if !found {
		b.Problem = "the port is use-annotation, but there is no annotation " + quote(key)
		b.Hint = "add the annotation, or name a Service and its port"
		r.Backends = append(r.Backends, b)
		return nil
	}
	tree, err := yamltext.Parse([]byte(text))
	if err != nil || tree == nil {
		return fmt.Errorf("%s: %s: not valid JSON; the load balancer controller would refuse it", r.Object.Ref, field)
	}
	root := tree
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: %s: not a JSON object; the load balancer controller would refuse it", r.Object.Ref, field)
	}
	if key := foldedTwice(root); key != "" {
		return fmt.Errorf("%s: %s: the key %q stands twice, but for its case, and only one of them counts; remove one", r.Object.Ref, field, key)
	}
	if !strings.EqualFold(folded(root, "type").value(), "forward") {
		return nil
	}
	groups := folded(folded(root, "forwardConfig").node, "targetGroups")
	if groups.node == nil {
		return nil // a target group given by ARN leaves the cluster
	}
	outer := folded(root, "forwardConfig")
	for i, g := range groups.node.Content {
		name, port := folded(g, "serviceName"), folded(g, "servicePort")
		if name.value() == "" {
			continue
		}
		inner := manifest.P(outer.key, groups.key, i)
		r.Backends = append(r.Backends, &Backend{
			Field: field, Namespace: b.Namespace, Service: name.value(), Port: scalar(port.node),
			PortField: field, Inner: inner.With(port.key), Host: b.Host, Path: b.Path, Protocol: b.Protocol,
		})
	}
	return nil
}

// entry is one key of a mapping, as it is spelled, and its value.
type entry struct {
	key  string
	node *yaml.Node
}

func (e entry) value() string {
	if e.node == nil || e.node.Kind != yaml.ScalarNode {
		return ""
	}
	return e.node.Value
}

// folded finds a key without regard to case.
func folded(n *yaml.Node, key string) entry {
	if n == nil || n.Kind != yaml.MappingNode {
		return entry{key: key}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, key) {
			return entry{key: n.Content[i].Value, node: n.Content[i+1]}
		}
	}
	return entry{key: key}
}

// foldedTwice returns a key that a mapping in n has twice but for its case, "" where there is none.
func foldedTwice(n *yaml.Node) string {
	seen := map[string]bool{}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key := strings.ToLower(n.Content[i].Value)
		if seen[key] {
			return n.Content[i].Value
		}
		seen[key] = true
	}
	for _, c := range n.Content {
		if key := foldedTwice(c); key != "" {
			return key
		}
	}
	return ""
}
