package planner

import (
	"strconv"

	"github.com/kauth-dev/kauth/pkg/client"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/native"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// clients plans the Services of --keep-internal, and names what the stream shows of clients inside the cluster that use
// a port which moves to the gate: from now on they are asked for a password.
func (p *planner) clients(s *manifest.Stream) {
	p.keepInternal()
	native.Clients(p.Draft, s)
	c := client.New(p.Model, p.MovedServices(), func(_ *topology.Service, port *topology.ServicePort) bool { return p.Moved(port) })
	c.Run(s, p.needsPassword)
}

// needsPassword reports a client of a port that leads to a gate from now on.
func (p *planner) needsPassword(o *manifest.Object, svc *topology.Service, field manifest.Path) {
	name := svc.Object.Name
	hint := "let it name the Service " + strconv.Quote(p.kept[svc])
	if p.kept[svc] == "" {
		hint = "give it a user, or add a ClusterIP Service with --keep-internal " + name + "=" + name + "-internal and let it name that"
	}
	p.Find(finding.Warning, o, field, hint, "uses a port of Service %q that leads to the gate from now on, and so needs a password", name)
}
