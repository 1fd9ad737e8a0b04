package plan

import (
	"slices"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// RefuseVolumes finds volumes of a workload that have the name of one that is to be mounted.
func (d *Draft) RefuseVolumes(w *topology.Workload, mounts []gateconf.Mount) {
	refuse := func(name, hint string, field manifest.Path) {
		if slices.ContainsFunc(mounts, func(m gateconf.Mount) bool { return m.Volume == name }) {
			d.Find(finding.Error, w.Object, field, hint, "a volume %q that kauth did not write", name)
		}
	}
	for i, v := range manifest.Items(w.Spec(), "volumes") {
		refuse(manifest.String(v, "name"), "rename it, or remove it from the values", w.PodSpec.With("volumes", i))
	}
	for i, claim := range manifest.Items(w.Object.Node, "spec", "volumeClaimTemplates") {
		refuse(manifest.String(claim, "metadata", "name"), "rename it", manifest.P("spec", "volumeClaimTemplates", i))
	}
}
