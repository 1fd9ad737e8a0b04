package ingress

import (
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// sayBesides reports a way on which nobody is to be asked: see ingressauth.BesidesLogin.
func (p *Logins) sayBesides(way *topology.Way) {
	o, field, c := way.Object(), way.Field(), way.Workload.Container(way.Port)
	switch to := "leads to port " + way.PortText() + " of " + way.Workload.Object.Ref.Short(); {
	case way.Service == nil && way.Workload.HostNetwork:
	case program.IsAuthProxy(c):
		p.Find(finding.Info, o, field, "", "%s, where container %q asks for a login itself; left as it is", to, c.Name)
	case program.IsReloader(c):
		p.Find(finding.Warning, o, field, "take the port away, or give the application a Service of its own",
			"%s, where the operator's reloader shows its metrics without a password", to)
	default:
		p.Find(finding.Warning, o, field, "", "%s without a password; left as it is, as the annotation %s asks", to, gateconf.AnnotationGate)
	}
}
