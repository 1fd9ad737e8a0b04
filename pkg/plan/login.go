package plan

import (
	"cmp"
	"strconv"

	"github.com/kauth-dev/kauth/pkg/config"
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

// Checked is what the proof knows of a login. Who looks at what is installed does not know the Secret and the realm of mode
// ingress: then they are "", and any will do.
type Checked struct {
	Ref         manifest.Ref
	Mode        string
	Port        int
	UsersSecret string
	Realm       string
}

// Checked is what the proof is to look for.
func (l *Login) Checked() Checked {
	return Checked{Ref: l.Ref(), Mode: l.Mode, Port: l.Port, UsersSecret: l.UsersSecret(), Realm: l.Realm()}
}

// login plans the login of one workload.
func (p *planner) login(t chosen, mode string) {
	before := len(Errors(p.Findings))
	p.twice(t.workload)
	port, ok := p.upstreamPort(t)
	if !ok || len(Errors(p.Findings)) > before {
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

// loginProblem says what is wrong with a login of the output, "" where nothing is.
func loginProblem(w *topology.Workload, c Checked) string {
	if c.Mode == config.ModeNative {
		return nativeProblem(w, c)
	}
	return ""
}

// checkedOn says whether a way of the output is one on which the login asks for a password.
func checkedOn(after *topology.Model, way *topology.Way, c Checked) bool {
	switch c.Mode {
	case config.ModeIngress:
		return ingressChecked(after, way, c)
	case config.ModeNative:
		return nativeChecked(way, c)
	default:
		return false
	}
}
