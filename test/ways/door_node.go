package ways

import "fmt"

// exposed says whether the Service is itself a way in. kube-proxy does nothing for a headless one.
func exposed(s *Object) bool {
	if text(s.Map, "spec", "clusterIP") == "None" {
		return false
	}
	kind := text(s.Map, "spec", "type")
	ips, _ := dig(s.Map, "spec", "externalIPs").([]any)
	return kind == "LoadBalancer" || kind == "NodePort" || kind != "ExternalName" && len(ips) > 0
}

// enterService goes through each published port.
func (w *World) enterService(s *Object) {
	if !exposed(s) {
		return
	}
	for _, p := range servicePorts(s) {
		d := Door{Object: s, At: fmt.Sprintf("port %d/%s", p.Number, p.Protocol), Field: p.at, Speaks: "HTTP"}
		if p.Protocol != "TCP" {
			d.Speaks = p.Protocol
		}
		w.Doors = append(w.Doors, d)
		w.through(s, d, []servicePort{p}, 0)
	}
}

// enterNodes goes through the ports that pods open on their nodes.
func (w *World) enterNodes() {
	for _, p := range w.Pods {
		if p.Host {
			d := Door{Object: p.Workload, At: "hostNetwork", Field: p.Spec.at + ".hostNetwork", Speaks: "HTTP"}
			w.Doors = append(w.Doors, d)
			w.Ways = append(w.Ways, Way{d.String(), "", p.Workload.String(), 0, "TCP", false, false})
		}
		for _, pp := range p.Ports {
			if pp.HostPort == 0 || p.Host {
				continue
			}
			d := Door{Object: p.Workload, At: fmt.Sprintf("hostPort %d/%s", pp.HostPort, pp.Protocol), Field: pp.at + ".hostPort", Speaks: "HTTP"}
			w.Doors = append(w.Doors, d)
			w.Ways = append(w.Ways, Way{d.String(), "", p.Workload.String(), pp.Number, pp.Protocol, false, false})
		}
	}
}
