package balancer

import (
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// alike says whether all gates behind a route speak the same and have one health path, as what the route says at field wants
// it, and refuses the route otherwise.
func (f *fitting) alike(route *topology.Route, field manifest.Path) bool {
	first := f.GateBehind(route)
	for _, way := range f.MovedWays(route) {
		if g := f.GateOf(way.Workload); g.TLS() != first.TLS() || g.Config.HealthPath != first.Config.HealthPath {
			f.Find(finding.Error, route.Object, field, "give both the same tlsSecret and health path, or each a route of its own",
				"is said once for all backends, but the gates of %s and %s differ", first.Ref().Short(), g.Ref().Short())
			return false
		}
	}
	return true
}
