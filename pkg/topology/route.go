package topology

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Route is an object that leads from outside to Services.
type Route struct {
	Object      *manifest.Object
	Annotations map[string]string
	Class       string   // the class of an Ingress, "" where it names none
	Controller  string   // who serves an Ingress, as IngressClasses call it; "" where that cannot be told
	Guess       string   // by what Controller is told, where the stream does not have the IngressClass
	ALB         bool     // an Ingress of the AWS load balancer controller
	AWS         bool     // a route of the Gateway API below a Gateway of that controller
	GKE         bool     // one below a Gateway of GKE, in one cluster
	Parents     []Parent // the Gateways that it hangs on, of a route of the Gateway API
	Backends    []*Backend
	Detours     []*Detour // the TraefikServices that it names
}

// Parent is a reference to a Gateway.
type Parent struct {
	Field     manifest.Path
	Namespace string
	Name      string
}

// Backend is one place in a Route that names a Service.
type Backend struct {
	Field     manifest.Path // the backend, for people
	Namespace string
	Service   string
	DNS       string        // the name that the route uses, where it is one of DNS and Service is only read from it
	Port      Port          // as written; the zero Port where none is
	ByTarget  bool          // Port may also be a targetPort, as in an OpenShift Route
	PortField manifest.Path // the scalar to change when the backend moves
	Inner     manifest.Path // where PortField is an annotation with JSON: the scalar inside of it
	Host      string        // for people; "" for any
	Path      string        // for people; "" for any
	Protocol  string        // "" for HTTP; otherwise a protocol that the gate cannot guard, such as "gRPC"
	Problem   string        // why the backend cannot be followed, "" where it can
	Hint      string
}

func (b *Backend) portText() string {
	if b.Port == (Port{}) {
		return "that is meant without saying which"
	}
	return quote(b.Port.String())
}

// routeKinds are the kinds that lead from outside, by group and kind, with what reads them.
var routeKinds = map[string]func(*Route) error{
	"networking.k8s.io/Ingress":           readIngress,
	"extensions/Ingress":                  readIngress,
	"gateway.networking.k8s.io/HTTPRoute": gatewayRoute(""),
	"gateway.networking.k8s.io/GRPCRoute": gatewayRoute("gRPC"),
	"gateway.networking.k8s.io/TCPRoute":  gatewayRoute("TCP"),
	"gateway.networking.k8s.io/TLSRoute":  gatewayRoute("TLS passthrough"),
	"gateway.networking.k8s.io/UDPRoute":  gatewayRoute("UDP"),
	"traefik.io/IngressRoute":             traefikRoute(""),
	"traefik.io/IngressRouteTCP":          traefikRoute("TCP"),
	"traefik.io/IngressRouteUDP":          traefikRoute("UDP"),
	"traefik.io/TraefikService":           readTraefikService,
	"traefik.containo.us/IngressRoute":    traefikRoute(""),
	"traefik.containo.us/IngressRouteTCP": traefikRoute("TCP"),
	"traefik.containo.us/IngressRouteUDP": traefikRoute("UDP"),
	"traefik.containo.us/TraefikService":  readTraefikService,
	"networking.istio.io/VirtualService":  readVirtualService,
	"route.openshift.io/Route":            readOpenShiftRoute,
	"/Route":                              readOpenShiftRoute, // of OpenShift before it had groups
	"projectcontour.io/HTTPProxy":         readHTTPProxy,
	"contour.heptio.com/IngressRoute":     readHTTPProxy, // its forerunner, of the same shape
	"elbv2.k8s.aws/TargetGroupBinding":    readTargetGroupBinding,
	"/ConfigMap":                          readStreams,
	"traefik.io/Middleware":               readMiddleware,
	"traefik.containo.us/Middleware":      readMiddleware,
}

// at reads a sequence below n and calls f with each item and its path.
func at(n *yaml.Node, field manifest.Path, key string, f func(item *yaml.Node, field manifest.Path)) {
	for i, item := range manifest.Items(n, key) {
		f(item, field.With(key, i))
	}
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
