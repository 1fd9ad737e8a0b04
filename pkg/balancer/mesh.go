package balancer

import (
	"strconv"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// What tells Istio and the Gateway API that a Service speaks TLS stands in objects of their own. kauth makes none, for it
// would have to say which CA signs the gate's certificate and which name it has, and neither is in the manifests; a finding
// holds one that only lacks these two.
const (
	certName = "NAME" // in findings: the name in the gate's certificate
	certCA   = "CA"   // and what holds its CA
)

// speakIstio finds what a DestinationRule says of TLS to the Services. Rules are by host, and not of the gate's making.
func (f *fitting) speakIstio(route *topology.Route, services []*topology.Service) {
	if !f.alike(route, nil) {
		return
	}
	for _, svc := range services {
		told, g := false, f.Behind(svc)
		for _, o := range f.Kinds("DestinationRule") {
			name, namespace := topology.HostService(o.TextAt(manifest.P("spec", "host")), o.Namespace)
			field, mode := f.istioMode(o, svc)
			if name != svc.Object.Name || !topology.SameNamespace(namespace, svc.Object.Namespace) || mode != "SIMPLE" && mode != "MUTUAL" {
				continue
			}
			told = true
			if !g.TLS() {
				f.Find(finding.Warning, o, field, "say it for the application's port alone (portLevelSettings), or have the gate speak HTTPS with --tls-secret",
					"is %s for the gate's port too, but the gate speaks HTTP", mode)
			}
		}
		if g.TLS() && !told {
			f.untold(route, "apply, where "+certName+" is the name in the gate's certificate and "+certCA+" the gateway's Secret with its CA as ca.crt, "+f.destinationRule(svc))
		}
	}
}

// istioMode returns what a DestinationRule says of TLS to the gate's port of a Service, and where: what it says of that port
// takes the place of all that it says of every port (istio.io/latest/docs/reference/config/networking/destination-rule).
func (f *fitting) istioMode(o *manifest.Object, svc *topology.Service) (manifest.Path, string) {
	all := manifest.P("spec", "trafficPolicy")
	for i, item := range manifest.Items(o.At(all), "portLevelSettings") {
		if number, _ := manifest.Int(item, "port", "number"); number == f.gatePortNumber(svc) {
			all = all.With("portLevelSettings", i)
			break
		}
	}
	field := all.With("tls", "mode")
	return field, o.TextAt(field)
}

// destinationRule is one for the gate's port of a Service, in one line of YAML.
func (f *fitting) destinationRule(svc *topology.Service) string {
	host := svc.Object.Name
	if svc.Object.Namespace != "" {
		host += "." + svc.Object.Namespace + ".svc.cluster.local"
	}
	return "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: " + metadataText(svc) + ", spec: {host: " + host +
		", trafficPolicy: {portLevelSettings: [{port: {number: " + strconv.Itoa(f.gatePortNumber(svc)) +
		"}, tls: {mode: SIMPLE, credentialName: " + certCA + ", subjectAltNames: [" + certName + "]}}]}}}"
}

// backendTLSPolicy is one for the gate's port of a Service, in one line of YAML.
func (f *fitting) backendTLSPolicy(svc *topology.Service) string {
	section := ""
	if name := f.gatePortName(svc); name != "" {
		section = ", sectionName: " + name
	}
	return `{apiVersion: gateway.networking.k8s.io/v1, kind: BackendTLSPolicy, metadata: ` + metadataText(svc) +
		`, spec: {targetRefs: [{group: "", kind: Service, name: ` + svc.Object.Name + section +
		`}], validation: {hostname: ` + certName + `, caCertificateRefs: [{group: "", kind: ConfigMap, name: ` + certCA + "}]}}}"
}

func metadataText(svc *topology.Service) string {
	if svc.Object.Namespace == "" {
		return "{name: " + svc.Object.Name + "-kauth}"
	}
	return "{name: " + svc.Object.Name + "-kauth, namespace: " + svc.Object.Namespace + "}"
}

// speakGateway finds the BackendTLSPolicies of the Services.
func (f *fitting) speakGateway(route *topology.Route, services []*topology.Service) {
	for _, svc := range services {
		told, g := false, f.Behind(svc)
		for _, o := range f.Kinds("BackendTLSPolicy") {
			if !topology.SameNamespace(o.Namespace, svc.Object.Namespace) {
				continue
			}
			for i, ref := range manifest.Items(o.Node, "spec", "targetRefs") {
				section := manifest.String(ref, "sectionName")
				if manifest.String(ref, "name") != svc.Object.Name || section != "" && section != f.gatePortName(svc) {
					continue
				}
				told = true
				if !g.TLS() {
					f.Find(finding.Warning, o, manifest.P("spec", "targetRefs", i), "name the application's port in sectionName, or have the gate speak HTTPS with --tls-secret",
						"makes the Gateway speak TLS to the gate's port of Service %q too, but the gate speaks HTTP", svc.Object.Name)
				}
			}
		}
		if g.TLS() && !told && !route.AWS && !f.gkeReads(route, svc) && len(f.Model.TargetGroupsOf(svc)) == 0 {
			f.untold(route, "apply, where "+certName+" is the name in the gate's certificate and "+certCA+" a ConfigMap with its CA as ca.crt, "+f.backendTLSPolicy(svc))
		}
	}
}

// gatePortName is the name of the port of a Service that leads to the gate.
func (f *fitting) gatePortName(svc *topology.Service) string {
	if port := f.PortOf(svc); port != nil {
		return port.Name
	}
	for _, port := range svc.Ports {
		if f.Moved(port) {
			return port.Name
		}
	}
	return ""
}

// gatePortNumber is the number of the port of a Service that leads to the gate.
func (f *fitting) gatePortNumber(svc *topology.Service) int {
	if port := f.PortOf(svc); port != nil {
		return port.Number
	}
	for _, port := range svc.Ports {
		if f.Moved(port) {
			return port.Number
		}
	}
	return 0
}
