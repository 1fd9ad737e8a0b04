package ways

import "slices"

var gatewaySpeaks = map[string]string{"HTTPRoute": "HTTP", "GRPCRoute": "gRPC", "TLSRoute": "TLS", "TCPRoute": "TCP", "UDPRoute": "UDP"}

// gatewayRoute reads the routes of Gateway API. A grant for a reference across namespaces may stand elsewhere, so it is
// taken to be there; so is a listener. A weight of 0 is a switch that somebody turns later.
func gatewayRoute(o *Object) []backend {
	speaks := gatewaySpeaks[o.Kind]
	if o.Group != "gateway.networking.k8s.io" || speaks == "" {
		return nil
	}
	parents := entries(entry{"", o.Map}, "spec", "parentRefs")
	if len(parents) > 0 && !slices.ContainsFunc(parents, func(p entry) bool { return text(p.m, "kind") != "Service" }) {
		return nil // for clients in the mesh
	}
	var all []backend
	add := func(e entry) {
		kind, group := text(e.m, "kind"), text(e.m, "group")
		if e.m == nil || kind != "" && kind != "Service" || group != "" && group != "core" {
			return
		}
		ns := text(e.m, "namespace")
		if ns == "" {
			ns = o.NS
		}
		all = append(all, backend{Door{Object: o, At: e.at, Speaks: speaks}, ns, text(e.m, "name"), refOf(e.m["port"]).is, 0})
	}
	filters := func(in entry) {
		for _, f := range entries(in, "filters") {
			add(child(f, "requestMirror", "backendRef"))
			add(child(f, "externalAuth", "backendRef"))
		}
	}
	for _, rule := range entries(entry{"", o.Map}, "spec", "rules") {
		filters(rule)
		for _, ref := range entries(rule, "backendRefs") {
			add(ref)
			filters(ref)
		}
	}
	return all
}
