// Package planner owns the decision what to change: which workloads get a gate or a login, and the order in which all
// else follows from that.
package planner

import (
	"cmp"

	"github.com/kauth-dev/kauth/pkg/balancer"
	"github.com/kauth-dev/kauth/pkg/closing"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/ingressauth"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Options are what the user asked for.
type Options struct {
	Targets      []Target              // of --gate, beside those that are gated by default
	Settings     config.Settings       // of the gates that no rule is for
	Rules        []config.Rule         // of the settings file; the first that matches a workload counts
	AllowOpen    []manifest.ObjectName // objects whose ways may stay open where they cannot lead to a gate
	KeepInternal []Internal            // ClusterIP Services to add for clients inside the cluster
	AllowNone    bool                  // nothing to gate is not an error
	Version      string                // of kauth
}

// Make plans the gates for the workloads of m. What stands in the way is among the findings as errors; a plan with
// such findings must not be carried out.
func Make(m *topology.Model, s *manifest.Stream, o Options) *plan.Plan {
	p := &planner{
		Draft: plan.NewDraft(m, s, o.AllowOpen), options: o, heard: map[*manifest.Object]bool{},
		kept: map[*topology.Service]string{},
		asks: map[ingressauth.Spot]*asking{}, middlewares: map[middlewareKey]string{}, rules: map[*config.Rule]ruleUse{},
	}
	targets := p.targets()
	p.checkAnnotations(s)
	for _, t := range targets {
		if mode := cmp.Or(t.settings.Mode, config.ModeSidecar); mode != config.ModeSidecar {
			p.login(t, mode)
		} else if g := p.gate(t); g != nil {
			p.AddGate(g)
		}
	}
	if len(p.Gates)+len(p.Logins) == 0 && !p.Failed() && p.guarded == 0 && !o.AllowNone {
		p.Findings = append(p.Findings, finding.Finding{
			Severity: finding.Error, Message: "nothing to gate: no Prometheus, Alertmanager or ThanosRuler in this stream" + p.leftOut(),
			Hint: "name a workload with --gate KIND/NAME, or use --allow-none where an open door is what you want" + p.workloadList(),
		})
	}
	p.ways()
	p.askAll()
	p.clusterPorts()
	p.clients(s)
	p.agree()
	balancer.Fit(p.Draft)
	closing.Close(p.Draft, s)
	p.unknown(s)
	p.RecordOpen(s)
	p.advise()
	p.SortFindings()
	return p.Plan
}

// planner is a Draft, and what is to be known to go on with it.
type planner struct {
	*plan.Draft
	options     Options
	disabled    []manifest.Ref
	rules       map[*config.Rule]ruleUse
	asked       []*asking // in the order of their ways
	asks        map[ingressauth.Spot]*asking
	middlewares map[middlewareKey]string     // the names of those that are added
	traefik     string                       // the API group of those that are for Ingresses, once it is known
	guarded     int                          // workloads that a guard of their own stands before
	kept        map[*topology.Service]string // names of the Services that are added for clients inside the cluster
	heard       map[*manifest.Object]bool    // objects whose annotation "enabled" some workload is behind
}
