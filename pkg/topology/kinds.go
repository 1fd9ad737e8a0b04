package topology

import (
	"maps"
	"slices"
)

// asides are the kinds that addAside takes in.
var asides = []string{
	"networking.k8s.io/IngressClass", "discovery.k8s.io/EndpointSlice", "networking.istio.io/ServiceEntry",
	"gateway.networking.k8s.io/GatewayClass", "gateway.networking.k8s.io/Gateway", "gateway.k8s.aws/TargetGroupConfiguration",
	"multicluster.x-k8s.io/ServiceExport", "net.gke.io/ServiceExport", "networking.gke.io/HealthCheckPolicy",
}

// Kinds returns the kinds, as GROUP/KIND, that say who reaches a workload, for whoever has to ask for them one by one:
// Services, what leads to them, and what that needs to be understood. Old names of the same objects are left out.
func Kinds() []string {
	all := slices.Concat([]string{"/Service"}, asides)
	for _, kind := range slices.Sorted(maps.Keys(routeKinds)) {
		if kind != "extensions/Ingress" && kind != "/Route" {
			all = append(all, kind)
		}
	}
	return all
}

// Serves says whether a workload is of a kind whose pods serve until they are told to end.
func (w *Workload) Serves() bool {
	switch w.Object.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return true
	default:
		return w.Operator
	}
}
