package balancer

import (
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Whoever sends requests to a gate must speak what the gate speaks: HTTP, whatever the application behind it speaks, or
// HTTPS with --tls-secret.
const (
	nginxProtocol = "nginx.ingress.kubernetes.io/backend-protocol"
	traefikScheme = "traefik.ingress.kubernetes.io/service.serversscheme" // on the Service
	nlbCert       = nlbPrefix + "ssl-cert"                                // the load balancer ends TLS

	traefikClass, nginxClass = "traefik", "nginx"
)

// speak makes a route's controller speak the gates' protocol. What an ALB, an Application Gateway and GKE are told is told
// with their health checks.
func (f *fitting) speak(route *topology.Route, services []*topology.Service) {
	group, kind := route.Object.Group, route.Object.Kind
	switch {
	case kind == "Ingress":
		f.speakIngress(route, services)
	case strings.HasPrefix(group, "traefik."):
		f.speakTraefik(route)
	case strings.HasPrefix(group, "gateway."):
		f.speakGateway(route, services)
	case kind == "HTTPProxy" || group == "contour.heptio.com":
		f.speakContour(route)
	case kind == "Route":
		f.speakOpenShift(route)
	case kind == "VirtualService":
		f.speakIstio(route, services)
	case f.GateBehind(route).TLS():
		f.untold(route, "let the target group speak HTTPS")
	}
}

// untold says that a route's controller must be told by a person that the gate speaks HTTPS.
func (f *fitting) untold(route *topology.Route, hint string) {
	f.Find(finding.Warning, route.Object, nil, hint, "the gate behind it speaks HTTPS, and nothing here says how this kind of route learns that")
}

func (f *fitting) speakIngress(route *topology.Route, services []*topology.Service) {
	var secure, plain []*topology.Service
	for _, svc := range services {
		if f.Behind(svc).TLS() {
			secure = append(secure, svc)
		} else {
			plain = append(plain, svc)
			f.replace(svc.Object, svc.Annotations, traefikScheme, "https", "http")
			f.replace(svc.Object, svc.Annotations, traefikScheme, "h2c", "http")
		}
	}
	if len(secure) == 0 {
		f.replace(route.Object, route.Annotations, nginxProtocol, "HTTPS", "HTTP")
		return
	}
	_, byNginx := route.Annotations[nginxProtocol]
	switch {
	case route.ALB, isAppGateway(route), isGKE(route), services[0].Annotations[gkeProtocols[0]] != "":
	case (byNginx || route.Class == nginxClass) && len(plain) > 0:
		f.Find(finding.Error, route.Object, manifest.P("metadata", "annotations", nginxProtocol), "give both gates a tlsSecret or neither, or give each an Ingress",
			"tells nginx one protocol for all, but the gate behind %s speaks HTTPS and the one behind %s HTTP", secure[0].Object.Short(), plain[0].Object.Short())
	case byNginx || route.Class == nginxClass:
		f.annotate(route.Object, route.Annotations, nginxProtocol, "HTTPS")
	case route.Class == traefikClass:
		for _, svc := range secure {
			f.annotate(svc.Object, svc.Annotations, traefikScheme, "https")
		}
	default:
		f.untold(route, "tell its controller to speak HTTPS to the Service, and which CA to trust")
	}
}

// speakNLB does so for a Service that is a load balancer itself.
func (f *fitting) speakNLB(svc *topology.Service) {
	have := svc.Annotations
	if !f.Behind(svc).TLS() {
		f.replace(svc.Object, have, nlbHealthProtocol, "https", "http")
		f.replace(svc.Object, have, nlbProtocol, "https", "http")
		f.replace(svc.Object, have, nlbProtocol, "ssl", "tcp")
		return
	}
	f.replace(svc.Object, have, nlbHealthProtocol, "http", "https")
	f.replace(svc.Object, have, nlbProtocol, "http", "https")
	if _, ends := have[nlbCert]; ends && !strings.EqualFold(have[nlbProtocol], "https") {
		f.annotate(svc.Object, have, nlbProtocol, "ssl") // without, it would send what it deciphered in plain text
	}
}

// replace plans an annotation where it has the value from.
func (f *fitting) replace(o *manifest.Object, have map[string]string, key, from, to string) {
	if strings.EqualFold(have[key], from) {
		f.annotate(o, have, key, to)
	}
}
