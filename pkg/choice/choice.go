// Package choice owns which workloads are to be gated, why, and which of their ports is the application's.
package choice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Choice is a choice of workloads in the making.
type Choice struct {
	*plan.Draft
	targets  []Target
	settings config.Settings
	rules    []config.Rule
	uses     map[*config.Rule]ruleUse
	heard    map[*manifest.Object]bool // objects whose annotation "enabled" some workload is behind
	disabled []manifest.Ref
	guarded  int // workloads that a guard of their own stands before
}

// New returns a choice for a draft: of the targets that the user names, beside those that are gated by default, with the
// settings of the first rule that matches, or else these.
func New(d *plan.Draft, targets []Target, settings config.Settings, rules []config.Rule) *Choice {
	return &Choice{Draft: d, targets: targets, settings: settings, rules: rules, uses: map[*config.Rule]ruleUse{}, heard: map[*manifest.Object]bool{}}
}

// Chosen is a workload that is to be gated.
type Chosen struct {
	Workload *topology.Workload
	Port     topology.Port // that the user named
	Settings config.Settings
	Rule     *config.Rule // of the settings file; nil where none is for it
	Reason   string
}

// Workloads returns the workloads to gate, in document order: those that the user names by flag, annotation or settings
// file, and those of the default kinds. Flags overrule annotations, and these the file.
func (p *Choice) Workloads() []Chosen {
	named := p.named()
	var all []Chosen
	for _, w := range p.Model.Workloads {
		target, isNamed := named[w]
		rule, passed := p.ruleOf(w)
		c := Chosen{Workload: w, Port: target.Port, Settings: p.settings, Rule: rule}
		if rule != nil {
			c.Settings = rule.Settings
		}
		if c.Port == (topology.Port{}) {
			c.Port = rulePort(rule)
		}
		enabled, disabled := p.marks(w, c.Port)
		asked := isNamed || enabled != nil
		switch {
		case w.Hook:
			if asked || rule != nil && !rule.Disabled {
				p.Find(finding.Error, w.Object, manifest.P("metadata", "annotations", manifest.HookAnnotation), "gate the workload that serves",
					"a Helm hook runs to its end and goes, so it is never gated")
			}
			continue
		case disabled != nil && asked:
			p.Find(finding.Error, disabled, manifest.P("metadata", "annotations", gateconf.AnnotationGate), "remove one of the two",
				"says %q, but %s is also asked for by name or annotation", gateconf.GateDisabled, w.Object.Ref.Short())
			continue
		case disabled != nil:
			p.optOut(w, disabled, rule)
			continue
		case isNamed:
			c.Reason = "--gate " + target.String()
		case enabled != nil:
			c.Reason = "annotation of " + enabled.Short()
		case rule == nil && defaultTarget(w) && p.guardsItself(w):
			p.guarded++
			p.Find(finding.Info, w.Object, nil, "", "every way in leads to a container of its own that asks for a login; left without a gate, which --gate %s/%s would put in all the same", w.Object.Kind, w.Object.Name)
			continue
		case !p.byRule(&c, passed):
			continue
		}
		all = append(all, c)
	}
	p.unusedRules()
	return all
}

// guardsItself says whether every way in to a workload, and there are some, ends at an auth proxy in its pods.
func (p *Choice) guardsItself(w *topology.Workload) bool {
	ways := p.Model.WaysTo(w)
	return len(ways) > 0 && !slices.ContainsFunc(ways, func(way *topology.Way) bool {
		return way.Problem != "" || !program.IsAuthProxy(w.Container(way.Port))
	})
}

// optOut leaves out a workload as an annotation of the object o asks.
func (p *Choice) optOut(w *topology.Workload, o *manifest.Object, rule *config.Rule) {
	field := manifest.P("metadata", "annotations", gateconf.AnnotationGate)
	switch {
	case rule != nil && !rule.Disabled:
		p.disabled = append(p.disabled, w.Object.Ref)
		p.Find(finding.Warning, o, field, "remove it if the gate is wanted", "%s is left without a gate, as this annotation asks; it overrules %s", w.Object.Ref.Short(), rule.Origin)
	case defaultTarget(w):
		p.disabled = append(p.disabled, w.Object.Ref)
		p.Find(finding.Info, o, field, "", "%s is left without a gate, as this annotation asks", w.Object.Ref.Short())
	}
}

// byRule says whether the settings file, or the default, asks for a gate, and why.
func (p *Choice) byRule(c *Chosen, passed string) bool {
	w, rule := c.Workload, c.Rule
	if rule == nil {
		if c.Reason = "by default"; !defaultTarget(w) && passed != "" {
			p.Find(finding.Warning, w.Object, nil, "name it by kind and name if it wants a gate all the same", "has no gate though %s", passed)
		}
		return defaultTarget(w)
	}
	c.Reason = rule.Origin.String()
	if rule.Disabled {
		if defaultTarget(w) {
			p.disabled = append(p.disabled, w.Object.Ref)
			p.Find(finding.Info, w.Object, nil, "", "left without a gate, as %s asks", rule.Origin)
		}
		return false
	}
	return true
}

// defaultTarget says whether a workload is gated without being asked for.
func defaultTarget(w *topology.Workload) bool {
	switch w.Object.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return w.App != ""
	default:
		return w.Operator
	}
}

// named finds the workloads of --gate.
func (p *Choice) named() map[*topology.Workload]Target {
	found := map[*topology.Workload]Target{}
	for _, t := range p.targets {
		var fits []*topology.Workload
		for _, w := range p.Model.Workloads {
			if t.means(w) {
				fits = append(fits, w)
			}
		}
		switch {
		case len(fits) == 0:
			p.Findings = append(p.Findings, finding.Finding{Severity: finding.Error, Message: fmt.Sprintf("--gate %s: no such workload in this stream", t), Hint: "check the name" + p.workloadList()})
		case len(fits) > 1:
			p.Findings = append(p.Findings, finding.Finding{
				Severity: finding.Error, Message: fmt.Sprintf("--gate %s: means both %s and %s", t, fits[0].Object.Ref.Short(), fits[1].Object.Ref.Short()),
				Hint: "set the annotation " + gateconf.AnnotationGate + ": " + gateconf.GateEnabled + " on the one that is meant",
			})
		default:
			if other, twice := found[fits[0]]; twice && other.Port != t.Port {
				p.Findings = append(p.Findings, finding.Finding{Severity: finding.Error, Message: fmt.Sprintf("--gate %s contradicts --gate %s", t, other), Hint: "a workload has one gate; leave one of them out"})
			}
			found[fits[0]] = t
		}
	}
	return found
}

// RefuseNone finds that there is nothing to gate, unless all that would be has a guard of its own.
func (p *Choice) RefuseNone() {
	if p.guarded > 0 {
		return
	}
	p.Findings = append(p.Findings, finding.Finding{
		Severity: finding.Error, Message: "nothing to gate: no Prometheus, Alertmanager or ThanosRuler in this stream" + p.leftOut(),
		Hint: "name a workload with --gate KIND/NAME, or use --allow-none where an open door is what you want" + p.workloadList(),
	})
}

func (p *Choice) leftOut() string {
	if len(p.disabled) == 0 {
		return ""
	}
	return " but " + strconv.Itoa(len(p.disabled)) + " that an annotation or the settings file leaves out"
}

// workloadList names the workloads of the stream, for hints.
func (p *Choice) workloadList() string {
	var names []string
	for _, w := range p.Model.Workloads {
		if !w.Hook {
			names = append(names, w.Object.Kind+"/"+w.Object.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	const most = 12
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return "; the stream has " + strings.Join(names, ", ")
}
