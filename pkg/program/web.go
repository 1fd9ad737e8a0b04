package program

import (
	"cmp"
	"net/url"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Web is what the gate has to know of the pages that it stands before.
type Web struct {
	Scheme string // http or https
	Prefix string // "" for the root
	Health string // "" where unknown
}

// WebOf derives it from the resource that the operator reads, or from the container's arguments and probes.
func WebOf(w *topology.Workload, port int) Web {
	if w.Operator && port == w.WebPort() {
		return operatorWeb(w)
	}
	result := Web{Scheme: "http"}
	c := w.Container(port)
	if c == nil && len(w.Containers) == 1 {
		c = w.Containers[0]
	}
	if c == nil {
		return result
	}
	result.Prefix = argPrefix(w.App, c.Args)
	if probe := probeOf(c, port); probe != nil {
		result.Health = manifest.String(probe, "path")
		if result.Health == "" {
			result.Health = "/"
		} else if !strings.HasPrefix(result.Health, "/") {
			result.Health = "/" + result.Health
		}
		result.Scheme = strings.ToLower(cmp.Or(manifest.String(probe, "scheme"), "http"))
	}
	// Some charts probe the start page, which is a redirect below a prefix; the known programs have a better path.
	if start := strings.TrimSuffix(result.Health, "/"); w.App != "" && (start == "" || start == result.Prefix) {
		result.Health = result.Prefix + "/-/healthy"
	}
	return result
}

// operatorWeb reads what the operator makes flags of: routePrefix moves the handlers, externalUrl does not
// (PO:pkg/prometheus/promcfg.go).
func operatorWeb(w *topology.Workload) Web {
	result := Web{Scheme: "http", Prefix: cleanPrefix(manifest.String(w.Spec(), "routePrefix"))}
	if tls := manifest.Field(w.Spec(), "web", "tlsConfig"); tls != nil && tls.Kind == yaml.MappingNode {
		result.Scheme = "https"
	}
	result.Health = result.Prefix + "/-/healthy"
	return result
}

// probeOf returns the httpGet of the probe that says best whether the port serves.
func probeOf(c *topology.Container, port int) *yaml.Node {
	for _, name := range ProbeNames {
		get := manifest.Field(c.Node, name, "httpGet")
		if get == nil {
			continue
		}
		asked := topology.ParsePort(manifest.String(get, "port"))
		if asked.Number == port {
			return get
		}
		for _, p := range c.Ports {
			if asked.Name != "" && p.Name == asked.Name && p.Number == port {
				return get
			}
		}
	}
	return nil
}

// argPrefix finds the path that a program is told to serve below. Prometheus and Alertmanager take it from the
// external URL where no route prefix is given.
func argPrefix(app topology.App, args []string) string {
	for _, flag := range []string{"web.route-prefix", "base-url"} {
		if values := ArgValues(args, flag); len(values) > 0 {
			return cleanPrefix(values[0])
		}
	}
	if app == "" {
		return ""
	}
	for _, flag := range []string{"web.external-url", "web.external-prefix"} {
		if values := ArgValues(args, flag); len(values) > 0 {
			if u, err := url.Parse(values[0]); err == nil {
				return cleanPrefix(u.Path)
			}
		}
	}
	return ""
}

// cleanPrefix gives a prefix its one form: no slash at the end, "" for the root. What is not a plain path, such as
// one with a variable in it, is not used.
func cleanPrefix(prefix string) string {
	prefix = strings.TrimRight(prefix, "/")
	if prefix != "" && !strings.HasPrefix(prefix, "/") {
		prefix = "/" + prefix
	}
	if prefix == "" || !gateconf.IsCanonicalPath(prefix) || strings.Contains(prefix, "$") {
		return ""
	}
	return prefix
}
