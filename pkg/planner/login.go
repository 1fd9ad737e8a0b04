package planner

import (
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/native"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// login plans the login of one workload.
func (p *planner) login(t chosen, mode string) {
	before := len(finding.Errors(p.Findings))
	p.twice(t.workload)
	port, ok := p.upstreamPort(t)
	if !ok || len(finding.Errors(p.Findings)) > before {
		return
	}
	l := &plan.Login{Workload: t.workload, Mode: mode, Port: port, Settings: t.settings, Reason: t.reason, Asks: map[*topology.Way]string{}}
	switch mode {
	case config.ModeIngress:
		ok = p.ingressLogin(l)
	case config.ModeNative:
		ok = native.Login(p.Draft, l)
	}
	if ok {
		p.AddLogin(l)
	}
}

// loginWay decides about a way that leads to a workload with a login.
func (p *planner) loginWay(way *topology.Way, l *plan.Login) {
	switch l.Mode {
	case config.ModeIngress:
		p.ingressWay(way, l)
	case config.ModeNative:
		native.Way(p.Draft, way, l)
	}
}
