package plan

import (
	"cmp"
	"strconv"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Login is a check of passwords that is no gate of ours: by the ingress controller on each route that leads to a
// workload, or by the application itself.
type Login struct {
	Workload *topology.Workload
	Mode     string // config.ModeIngress or ModeNative
	Port     int    // container port of the application
	Settings config.Settings
	Reason   string // as Gate has it
	Native   *Native

	PolicyName string // as Gate has it

	asks map[*topology.Way]string // mode ingress: who asks on a way, "Traefik"
}

// Ref is the workload behind the login.
func (l *Login) Ref() manifest.Ref { return l.Workload.Object.Ref }

// Done is what the annotation on the workload says of the login.
func (l *Login) Done() string { return gateconf.GateDone(l.Mode, strconv.Itoa(l.Port)) }

// UsersSecret is the name of the Secret with the users.
func (l *Login) UsersSecret() string { return usersSecret(&l.Settings) }

// Realm is what browsers show to whoever is asked.
func (l *Login) Realm() string { return cmp.Or(l.Settings.Realm, gateconf.Realm) }

// Asker says who asks for a password on a way once the plan is carried out: "Traefik", "ingress-nginx" or "the
// application"; "" where nobody does.
func (l *Login) Asker(way *topology.Way) string {
	if l.Mode == config.ModeNative && way.Problem == "" && way.Port == l.Port {
		return "the application"
	}
	return l.asks[way]
}

// login plans the login of one workload.
func (p *planner) login(t chosen, mode string) {
	before := len(finding.Errors(p.Findings))
	p.twice(t.workload)
	port, ok := p.upstreamPort(t)
	if !ok || len(finding.Errors(p.Findings)) > before {
		return
	}
	l := &Login{Workload: t.workload, Mode: mode, Port: port, Settings: t.settings, Reason: t.reason, asks: map[*topology.Way]string{}}
	switch mode {
	case config.ModeIngress:
		ok = p.ingressLogin(l)
	case config.ModeNative:
		ok = p.nativeLogin(l)
	}
	if ok {
		p.Logins, p.logins[l.Workload] = append(p.Logins, l), l
	}
}

// loginWay decides about a way that leads to a workload with a login.
func (p *planner) loginWay(way *topology.Way, l *Login) {
	switch l.Mode {
	case config.ModeIngress:
		p.ingressWay(way, l)
	case config.ModeNative:
		p.nativeWay(way, l)
	}
}
