package ways

import (
	"slices"
	"strings"
)

// traefik reads IngressRoutes and what they may refer to. Who names a TraefikService or a Middleware may stand elsewhere, so
// they count as doors themselves.
func traefik(o *Object) []backend {
	if o.Group != "traefik.io" && o.Group != "traefik.containo.us" {
		return nil
	}
	var all []backend
	add := func(speaks string, places ...entry) {
		for _, e := range places {
			if kind := text(e.m, "kind"); e.m == nil || kind != "" && kind != "Service" || text(e.m, "name") == "" {
				continue
			}
			ns := text(e.m, "namespace")
			if ns == "" {
				ns = o.NS
			}
			all = append(all, backend{Door{Object: o, At: e.at, Speaks: speaks}, ns, text(e.m, "name"), refOf(e.m["port"]).is, 0})
		}
	}
	spec := child(entry{"", o.Map}, "spec")
	switch o.Kind {
	case "IngressRoute", "IngressRouteTCP", "IngressRouteUDP":
		speaks := "HTTP"
		if tail := strings.TrimPrefix(o.Kind, "IngressRoute"); tail != "" {
			speaks = tail
		}
		for _, r := range entries(spec, "routes") {
			add(speaks, entries(r, "services")...)
		}
	case "TraefikService":
		add("HTTP", entries(spec, "weighted", "services")...)
		add("HTTP", entries(spec, "highestRandomWeight", "services")...)
		add("HTTP", child(spec, "mirroring"))
		add("HTTP", entries(spec, "mirroring", "mirrors")...)
		add("HTTP", child(spec, "failover", "service"), child(spec, "failover", "fallback"))
	case "Middleware":
		add("HTTP", child(spec, "errors", "service"))
	}
	return all
}

// istio reads VirtualServices that a gateway uses, and those without hosts, which another may delegate to.
func istio(o *Object) []backend {
	if o.Kind != "VirtualService" || o.Group != "networking.istio.io" {
		return nil
	}
	spec := child(entry{"", o.Map}, "spec")
	gateways, _ := dig(spec.m, "gateways").([]any)
	hosts, _ := dig(spec.m, "hosts").([]any)
	if !slices.ContainsFunc(gateways, func(g any) bool { return g != "mesh" }) && len(hosts) > 0 {
		return nil
	}
	var all []backend
	add := func(speaks string, e entry) {
		if e.m == nil {
			return
		}
		ns, svc := istioHost(o, text(e.m, "host"))
		if svc == "" {
			return
		}
		port := func(servicePort, []servicePort) bool { return true } // the listener's, or the only one
		if n := number(e.m, "port", "number"); n > 0 {
			port = portRef{Number: n}.is
		}
		all = append(all, backend{Door{Object: o, At: e.at, Speaks: speaks}, ns, svc, port, 0})
	}
	for _, section := range []struct{ key, speaks string }{{"http", "HTTP"}, {"tls", "TLS"}, {"tcp", "TCP"}} {
		for _, h := range entries(spec, section.key) {
			for _, r := range entries(h, "route") {
				add(section.speaks, child(r, "destination"))
			}
			add(section.speaks, child(h, "mirror"))
			for _, m := range entries(h, "mirrors") {
				add(section.speaks, child(m, "destination"))
			}
		}
	}
	return all
}

// istioHost reads a host: a name without dots is one of the same namespace; svc is "" for a host outside the cluster.
func istioHost(o *Object, host string) (ns, svc string) {
	parts := strings.Split(host, ".")
	switch {
	case len(parts) == 1:
		return o.NS, host
	case len(parts) >= 3 && parts[2] == "svc":
		return parts[1], parts[0]
	}
	return "", ""
}

// openshift reads Routes. A port that is a number is the pod's; a name is the Service port's; without one every port is
// served.
func openshift(o *Object) []backend {
	if o.Kind != "Route" || o.Group != "route.openshift.io" {
		return nil
	}
	spec := child(entry{"", o.Map}, "spec")
	want := refOf(dig(spec.m, "port", "targetPort"))
	port := func(p servicePort, _ []servicePort) bool { return want.Name == "" || p.Name == want.Name }
	speaks := "HTTP"
	if t := text(spec.m, "tls", "termination"); t == "passthrough" {
		speaks = "TLS"
	}
	var all []backend
	for _, e := range append([]entry{child(spec, "to")}, entries(spec, "alternateBackends")...) {
		if kind := text(e.m, "kind"); e.m != nil && (kind == "" || kind == "Service") {
			all = append(all, backend{Door{Object: o, At: e.at, Speaks: speaks}, o.NS, text(e.m, "name"), port, want.Number})
		}
	}
	return all
}

// contour reads HTTPProxies; one without a virtual host is included by another.
func contour(o *Object) []backend {
	if o.Kind != "HTTPProxy" || o.Group != "projectcontour.io" {
		return nil
	}
	spec := child(entry{"", o.Map}, "spec")
	var all []backend
	add := func(speaks string, places []entry) {
		for _, e := range places {
			all = append(all, backend{Door{Object: o, At: e.at, Speaks: speaks}, o.NS, text(e.m, "name"), refOf(e.m["port"]).is, 0})
		}
	}
	for _, r := range entries(spec, "routes") {
		add("HTTP", entries(r, "services"))
	}
	add("TCP", entries(spec, "tcpproxy", "services"))
	return all
}
