package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Target is a workload that the user names: KIND/NAME[:PORT].
type Target struct {
	Kind string
	Name string
	Port topology.Port // of its container; the zero Port where it is to be found out
}

// ParseTarget reads KIND/NAME[:PORT], where PORT is the number or the name of a container port.
func ParseTarget(text string) (Target, error) {
	kind, rest, found := strings.Cut(text, "/")
	name, port, hasPort := strings.Cut(rest, ":")
	if !found || kind == "" || name == "" || strings.Contains(name, "/") || hasPort && port == "" {
		return Target{}, fmt.Errorf("%q is not KIND/NAME or KIND/NAME:PORT, such as Deployment/grafana or deploy/grafana:3000", text)
	}
	t := Target{Kind: kind, Name: name}
	if hasPort {
		t.Port = topology.ParsePort(port)
		if n := t.Port.Number; t.Port.Name == "" && (n < 1 || n > 65535) {
			return Target{}, fmt.Errorf("%q: %d is not a port number", text, n)
		}
	}
	return t, nil
}

// String is the target as the user writes it.
func (t Target) String() string {
	if t.Port == (topology.Port{}) {
		return t.Kind + "/" + t.Name
	}
	return t.Kind + "/" + t.Name + ":" + t.Port.String()
}

func (t Target) means(w *topology.Workload) bool {
	return w.Object.Name == t.Name && manifest.SameKind(t.Kind, w.Object.Kind)
}

// chosen is a workload that is to be gated.
type chosen struct {
	workload *topology.Workload
	port     topology.Port // that the user named
	settings config.Settings
	rule     *config.Rule // of the settings file; nil where none is for it
	reason   string
}

// targets returns the workloads to gate, in document order: those that the user names by flag, annotation or settings
// file, and those of the default kinds. Flags overrule annotations, and these the file.
func (p *planner) targets() []chosen {
	named := p.named()
	var all []chosen
	for _, w := range p.Model.Workloads {
		target, isNamed := named[w]
		rule, passed := p.ruleOf(w)
		c := chosen{workload: w, port: target.Port, settings: p.options.Settings, rule: rule}
		if rule != nil {
			c.settings = rule.Settings
		}
		if c.port == (topology.Port{}) {
			c.port = rulePort(rule)
		}
		enabled, disabled := p.marks(w, c.port)
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
			c.reason = "--gate " + target.String()
		case enabled != nil:
			c.reason = "annotation of " + enabled.Short()
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
func (p *planner) guardsItself(w *topology.Workload) bool {
	ways := p.Model.WaysTo(w)
	return len(ways) > 0 && !slices.ContainsFunc(ways, func(way *topology.Way) bool {
		return way.Problem != "" || !program.IsAuthProxy(w.Container(way.Port))
	})
}

// optOut leaves out a workload as an annotation of the object o asks.
func (p *planner) optOut(w *topology.Workload, o *manifest.Object, rule *config.Rule) {
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
func (p *planner) byRule(c *chosen, passed string) bool {
	w, rule := c.workload, c.rule
	if rule == nil {
		if c.reason = "by default"; !defaultTarget(w) && passed != "" {
			p.Find(finding.Warning, w.Object, nil, "name it by kind and name if it wants a gate all the same", "has no gate though %s", passed)
		}
		return defaultTarget(w)
	}
	c.reason = rule.Origin.String()
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
func (p *planner) named() map[*topology.Workload]Target {
	found := map[*topology.Workload]Target{}
	for _, t := range p.options.Targets {
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

func (p *planner) leftOut() string {
	if len(p.disabled) == 0 {
		return ""
	}
	return " but " + strconv.Itoa(len(p.disabled)) + " that an annotation or the settings file leaves out"
}

// workloadList names the workloads of the stream, for hints.
func (p *planner) workloadList() string {
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
