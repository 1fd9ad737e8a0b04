package balancer

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// speakTraefik sets the scheme of Traefik's services, and has their health checks ask the gate. What it trusts behind
// https is said by a ServersTransport, which is not ours to choose.
func (f *fitting) speakTraefik(route *topology.Route) {
	o := route.Object
	for _, way := range f.MovedWays(route) {
		field, g := way.Backend.Field, f.GateOf(way.Workload)
		if text := o.TextAt(field.With("scheme")); text != "" && text != g.Scheme() || text == "" && g.TLS() {
			f.SetText(o, field.With("scheme"), g.Scheme())
		}
		if g.TLS() && o.TextAt(field.With("serversTransport")) == "" {
			f.Find(finding.Warning, o, field, "name a serversTransport with the CA of the gate's certificate", "the gate speaks HTTPS, and Traefik wants to trust its certificate")
		}
		health := field.With("healthCheck")
		if !o.HasAt(health) {
			continue
		}
		f.SetText(o, health.With("path"), g.Config.HealthPath)
		if o.HasAt(health.With("port")) {
			f.SetNumber(o, health.With("port"), strconv.Itoa(g.Port))
		}
		if text := o.TextAt(health.With("scheme")); text != "" && text != g.Scheme() {
			f.SetText(o, health.With("scheme"), g.Scheme())
		}
	}
}

// speakContour sets the protocol of an HTTPProxy's services and has its health checks ask the gate. Contour believes any
// certificate unless it is told a CA.
func (f *fitting) speakContour(route *topology.Route) {
	o := route.Object
	for _, way := range f.MovedWays(route) {
		field, g := way.Backend.Field, f.GateOf(way.Workload)
		protocol := field.With("protocol")
		switch text := o.TextAt(protocol); {
		case text == "" && g.TLS(), text == "h2c" && g.TLS():
			f.SetText(o, protocol, "tls")
		case text != "" && !g.TLS():
			f.Find(finding.Error, o, protocol, "take it out, or have the gate speak HTTPS with --tls-secret", "is %q, but the gate speaks HTTP", text)
		}
		parent := field[:len(field)-2] // without services[j]
		if !o.HasAt(parent.With("healthCheckPolicy")) {
			continue
		}
		moved, health := f.movedBelow(route, parent), parent.With("healthCheckPolicy", "path")
		if moved == servicesBelow(route, parent) {
			f.SetText(o, health, g.Config.HealthPath)
		} else {
			f.Find(finding.Warning, o, health, "give the gated service a route of its own, with path "+g.Config.HealthPath,
				"asks services without a gate too, and does not fit those with one")
		}
	}
}

func servicesBelow(route *topology.Route, parent manifest.Path) int {
	n := 0
	for _, b := range route.Backends {
		if strings.HasPrefix(b.Field.String(), parent.String()+".") {
			n++
		}
	}
	return n
}

func (f *fitting) movedBelow(route *topology.Route, parent manifest.Path) int {
	n := 0
	for b := range f.Rerouted(route) {
		if strings.HasPrefix(b.Field.String(), parent.String()+".") {
			n++
		}
	}
	return n
}

// speakOpenShift fits the termination of an OpenShift Route to the gate. The router checks the certificate behind
// reencrypt, so that which CA to trust must be known.
func (f *fitting) speakOpenShift(route *topology.Route) {
	o, g := route.Object, f.GateBehind(route)
	field := manifest.P("spec", "tls", "termination")
	if !f.alike(route, field) {
		return
	}
	reencrypt := strings.EqualFold(o.TextAt(field), "reencrypt")
	switch {
	case g.TLS() && reencrypt:
		f.Find(finding.Info, o, field, "see that destinationCACertificate is the CA of the gate's certificate", "the router now encrypts to the gate")
	case g.TLS():
		f.untold(route, "set spec.tls.termination to reencrypt, with the CA of the gate's certificate as destinationCACertificate")
	case reencrypt && o.HasAt(manifest.P("spec", "tls", "destinationCACertificate")):
		f.Find(finding.Error, o, field, "set it to edge and take destinationCACertificate out, or have the gate speak HTTPS with --tls-secret", "is reencrypt, but the gate speaks HTTP")
	case reencrypt:
		f.SetText(o, field, "edge")
	}
}
