// Package planner owns the decision what to change: which workloads get a gate or a login, and the order in which all
// else follows from that.
package planner

import (
	"cmp"

	"github.com/kauth-dev/kauth/pkg/balancer"
	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/closing"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/ingress"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Options are what the user asked for.
type Options struct {
	Targets      []choice.Target       // of --gate, beside those that are gated by default
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
	d := plan.NewDraft(m, s, o.AllowOpen)
	p := &planner{
		Draft: d, options: o, choice: choice.New(d, o.Targets, o.Settings, o.Rules), ingress: ingress.New(d), kept: map[*topology.Service]string{},
	}
	chosen := p.choice.Workloads()
	p.choice.CheckAnnotations(s)
	for _, t := range chosen {
		if mode := cmp.Or(t.Settings.Mode, config.ModeSidecar); mode != config.ModeSidecar {
			p.login(t, mode)
		} else if g := p.gate(t); g != nil {
			p.AddGate(g)
		}
	}
	if len(p.Gates)+len(p.Logins) == 0 && !p.Failed() && !o.AllowNone {
		p.choice.RefuseNone()
	}
	p.ways()
	p.ingress.Ask(o.AllowNone)
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

// planner is a Draft, and those who go on with it.
type planner struct {
	*plan.Draft
	options Options
	choice  *choice.Choice
	ingress *ingress.Logins
	kept    map[*topology.Service]string // names of the Services that are added for clients inside the cluster
}
