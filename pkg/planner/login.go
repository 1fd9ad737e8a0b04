package planner

import (
	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/native"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// login plans the login of one workload.
func (p *planner) login(t choice.Chosen, mode string) {
	before := len(finding.Errors(p.Findings))
	p.twice(t.Workload)
	port, ok := p.choice.Upstream(t)
	if !ok || len(finding.Errors(p.Findings)) > before {
		return
	}
	l := &plan.Login{Workload: t.Workload, Mode: mode, Port: port, Settings: t.Settings, Reason: t.Reason, Asks: map[*topology.Way]string{}}
	if mode != config.ModeNative || native.Login(p.Draft, l) { // with mode ingress all depends on the ways
		p.AddLogin(l)
	}
}

// loginWay decides about a way that leads to a workload with a login.
func (p *planner) loginWay(way *topology.Way, l *plan.Login) {
	switch l.Mode {
	case config.ModeIngress:
		p.ingress.Way(way, l)
	case config.ModeNative:
		native.Way(p.Draft, way, l)
	}
}
