package choice

import (
	"fmt"
	"path"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// ruleOf returns the first rule that is for a workload, nil where none is, and remembers which rules match at all. One
// that describes workloads and passes over this one leaves it to the next; passed says which did so, and why.
func (p *Choice) ruleOf(w *topology.Workload) (first *config.Rule, passed string) {
	for i := range p.rules {
		r := &p.rules[i]
		if w.Hook && !exact(r) || !matches(&r.Target, w) {
			continue
		}
		use := p.uses[r]
		use.matches = true
		if first == nil {
			use.counts = true
			if reason := p.passes(r, w); reason == "" {
				first = r
			} else if passed == "" {
				passed = fmt.Sprintf("%s matches it, for it %s", r.Origin, reason)
			}
		}
		p.uses[r] = use
	}
	return first, passed
}

// ruleUse says what became of a rule.
type ruleUse struct {
	matches bool // some workload
	counts  bool // for one of them no earlier rule does
}

// matches says whether a target selects a workload.
func matches(t *config.Target, w *topology.Workload) bool {
	fits := func(pattern *string, text string) bool {
		if pattern == nil {
			return true
		}
		ok, err := path.Match(*pattern, text)
		return ok && err == nil
	}
	kind := t.Kind == nil && w.Serves() || t.Kind != nil && manifest.SameKind(*t.Kind, w.Object.Kind)
	if !kind || !fits(t.Name, w.Object.Name) || !fits(t.Namespace, w.Object.Namespace) {
		return false
	}
	own := manifest.Map(w.Object.Node, "metadata", "labels")
	for key, value := range t.Labels {
		if have, on := own[key]; !on || have != value {
			if have, on = w.Labels[key]; !on || have != value {
				return false
			}
		}
	}
	return true
}

// exact says whether a rule names its workload instead of describing it.
func exact(r *config.Rule) bool {
	return r.Target.Kind != nil && r.Target.Name != nil && !strings.ContainsAny(*r.Target.Name, `*?[\`)
}

// rulePort is the container port that a rule names.
func rulePort(r *config.Rule) topology.Port {
	if r == nil || r.Target.Port == nil {
		return topology.Port{}
	}
	return topology.ParsePort(string(*r.Target.Port))
}

// passes says why a rule that describes workloads passes over one that it matches, "" where it does not: such a rule
// is for what serves people, and whoever guards the others must be named.
func (p *Choice) passes(r *config.Rule, w *topology.Workload) string {
	switch {
	case exact(r) || r.Disabled || defaultTarget(w):
		return ""
	case program.GuardsOnly(w):
		return "is an auth proxy or an ingress controller itself"
	case rulePort(r) == topology.Port{} && len(p.candidates(w)) == 0 && len(p.Model.WaysTo(w)) == 0:
		return "says no port that it listens on, and nothing leads to it"
	default:
		return ""
	}
}

// unusedRules finds the rules that have no effect.
func (p *Choice) unusedRules() {
	for i := range p.rules {
		r := &p.rules[i]
		use := p.uses[r]
		if use.counts {
			continue
		}
		f := finding.Finding{Severity: finding.Error, Message: fmt.Sprintf("%s.target: no workload of this stream matches", r.Origin.Reference()), Hint: "check it, or set allowNone" + p.workloadList()}
		switch {
		case use.matches:
			f = finding.Finding{Severity: finding.Warning, Message: r.Origin.Reference() + ": has no effect, for the first gate that matches a workload counts, and all that this one matches have an earlier one", Hint: "put it before them, or remove it"}
		case r.AllowNone:
			f.Severity, f.Hint = finding.Info, ""
		case r.Disabled:
			f.Severity = finding.Warning
		case r.Target.Namespace != nil && p.Model.Namespace == "":
			f.Hint = "check it; where objects name no namespace, say it with --namespace" + p.workloadList()
		}
		p.Findings = append(p.Findings, f)
	}
}
