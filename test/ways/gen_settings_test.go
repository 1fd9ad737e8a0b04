package ways

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/planner"
)

// settings writes a settings file: defaults, gates for workloads by name, and one for a pattern of names.
func (g *gen) settings() {
	var b strings.Builder
	b.WriteString("apiVersion: kauth.dev/v1alpha1\nkind: Gates\n")
	if g.chance(0.5) {
		b.WriteString("defaults: {" + g.setting() + "}\n")
	}
	b.WriteString("gates:\n")
	for _, w := range g.workloads {
		said := slices.ContainsFunc(g.asked, func(a asked) bool { return a.kind == w.kind && a.name == w.name })
		switch n := g.IntN(10); {
		case said: // one target twice is refused
		case n < 4:
			fmt.Fprintf(&b, "- target: {kind: %s, name: %s%s}\n  %s\n", w.kind, w.name, g.portSetting(w), g.setting())
			g.asked = append(g.asked, asked{w.kind, w.name, true})
		case n < 5:
			fmt.Fprintf(&b, "- {target: {kind: %s, name: %s}, gate: disabled}\n", strings.ToLower(w.kind), w.name)
			g.asked = append(g.asked, asked{w.kind, w.name, false})
		}
	}
	switch g.IntN(6) {
	case 0:
		b.WriteString("- {target: {name: 'w*', labels: {tier: a}}, " + g.setting() + "}\n")
	case 1:
		b.WriteString("- {target: {namespace: web, name: 'w?'}, gate: disabled}\n")
	case 2:
		b.WriteString("- {target: {kind: Deployment, name: nobody}, realm: x}\n")
	default:
		b.WriteString("- {target: {name: 'nobody*'}, allowNone: true}\n")
	}
	g.file = b.String()
}

// setting is one of those that a request can tell, or not.
func (g *gen) setting() string {
	return pick(g, "realm: Here", "realm: There", "healthPath: /ok", "tlsSecret: tls", "signIn: page", "port: 9443", "upstreamHealthPath: /-/ready")
}

// portSetting names the application's port where it must be, and sometimes where not.
func (g *gen) portSetting(w *made) string {
	if len(w.ports) == 1 && g.chance(0.7) {
		return ""
	}
	return fmt.Sprintf(", port: %v", w.ports[0]["containerPort"])
}

// asked is what the settings file, or --gate, asks of the workloads of a kind and name.
type asked struct {
	kind, name string
	gate       bool
}

// undone returns what was asked for and not done. An annotation overrules the file, and the first word for a workload those
// that follow; what stands there twice is not looked at.
func (g *gen) undone(got tried) []string {
	if got.after == nil {
		return nil
	}
	gates, _ := Resolve(got.after, g.ns).gates()
	marked, times := false, map[string]int{}
	for _, o := range got.before.Objects {
		marked = marked || o.annotation("kauth.dev/gate") != ""
		times[o.Kind+"/"+o.Name]++
	}
	var wrong []string
	for _, a := range g.asked {
		name := a.kind + "/" + a.name
		if marked || times[name] != 1 || strings.Contains(strings.Join(g.targets, " ")+" ", name) && !a.gate {
			continue
		}
		gated := false
		for workload := range gates {
			gated = gated || strings.HasPrefix(workload, a.kind+" ") && strings.HasSuffix(workload, "/"+a.name)
		}
		if gated != a.gate {
			wrong = append(wrong, fmt.Sprintf("%s: asked for a gate: %t, has one: %t", name, a.gate, gated))
		}
	}
	return wrong
}

// keepInternal asks for Services for clients inside the cluster, beside some that are open to the outside.
func (g *gen) keepInternal() []planner.Internal {
	var all []planner.Internal
	for _, s := range g.services {
		if s.kind != "" && g.chance(0.2) {
			all = append(all, planner.Internal{Service: s.name, Name: s.name + "-inside"})
		}
	}
	return all
}

// parsed returns the settings file, nil where there is none.
func (g *gen) parsed() (*config.File, error) {
	if g.file == "" {
		return nil, nil
	}
	return config.Parse("kauth.yaml", []byte(g.file))
}

// TestUndone: a gate that is missing, and one too many, is noticed.
func TestUndone(t *testing.T) {
	gated, wrong := judge([]byte(app), inject.Options{Namespace: "mon"})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for _, c := range []struct {
		out  *Stream
		gate bool
		want int
	}{{gated.before, true, 1}, {gated.after, true, 0}, {gated.after, false, 1}, {gated.before, false, 0}} {
		g := &gen{ns: "mon", asked: []asked{{"Deployment", "prom", c.gate}}}
		if got := g.undone(tried{before: gated.before, after: c.out}); len(got) != c.want {
			t.Errorf("asked %t: %v", c.gate, got)
		}
	}
}
