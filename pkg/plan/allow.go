package plan

import (
	"fmt"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// ObjectName is an object that the user names: KIND/NAME or KIND/NAMESPACE/NAME.
type ObjectName struct {
	Kind      string
	Namespace string // "" for any
	Name      string
}

// ParseObjectName reads KIND/NAME or KIND/NAMESPACE/NAME. Kinds are as kubectl takes them.
func ParseObjectName(text string) (ObjectName, error) {
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if part == "" {
			parts = nil
		}
	}
	switch len(parts) {
	case 2:
		return ObjectName{Kind: parts[0], Name: parts[1]}, nil
	case 3:
		return ObjectName{Kind: parts[0], Namespace: parts[1], Name: parts[2]}, nil
	default:
		return ObjectName{}, fmt.Errorf("%q is not KIND/NAME or KIND/NAMESPACE/NAME, such as GRPCRoute/thanos or svc/monitoring/thanos", text)
	}
}

// String is the name as the user writes it.
func (n ObjectName) String() string {
	if n.Namespace != "" {
		return n.Kind + "/" + n.Namespace + "/" + n.Name
	}
	return n.Kind + "/" + n.Name
}

func (n ObjectName) means(o *manifest.Object) bool {
	return sameKind(n.Kind, o.Kind) && n.Name == o.Name && (n.Namespace == "" || n.Namespace == o.Namespace)
}

// Open is a way past a gate that the user allows to stay.
type Open struct {
	Object *manifest.Object
	Field  manifest.Path
	What   string // where it leads, for people
}

// allows says whether the user lets the ways of an object stay open.
func (p *planner) allows(o *manifest.Object) bool {
	found := false
	for _, n := range p.options.AllowOpen {
		if n.means(o) {
			p.allowed[n], found = true, true
		}
	}
	return found
}

// refuseWay makes a way that cannot lead to the gate an Error, or records that the user allows it.
func (p *planner) refuseWay(way *topology.Way, hint, format string, args ...any) {
	o, field, what := way.Object(), way.Field(), fmt.Sprintf(format, args...)
	if p.allows(o) {
		p.Opens = append(p.Opens, &Open{Object: o, Field: field, What: what})
		p.find(finding.Warning, o, field, "", "%s; left open, as --allow-open asks", what)
		return
	}
	if !strings.Contains(hint, gateconf.AnnotationGate) { // which leaves it open as well
		hint += ", or leave it open with --allow-open " + o.Kind + "/" + o.Name
	}
	p.find(finding.Error, o, field, hint, "%s", what)
}

// recordOpen writes what stays open on the objects themselves, and refuses an --allow-open that was for nothing: the
// door that somebody meant may stand open under another name.
func (p *planner) recordOpen(s *manifest.Stream) {
	what := map[*manifest.Object][]string{}
	var order []*manifest.Object
	for _, open := range p.Opens {
		if what[open.Object] == nil {
			order = append(order, open.Object)
		}
		what[open.Object] = append(what[open.Object], open.Field.String()+": "+open.What)
	}
	for _, o := range order {
		p.Annotations = append(p.Annotations, &Annotation{Object: o, Key: gateconf.AnnotationAllowOpen, Value: strings.Join(what[o], "; ")})
	}
	for _, n := range p.options.AllowOpen {
		if p.allowed[n] {
			continue
		}
		f := finding.Finding{Severity: finding.Error, Message: fmt.Sprintf("--allow-open %s: no such object in this stream", n), Hint: "check the name, or leave the flag out"}
		for _, o := range s.Objects() {
			if n.means(o) {
				f.Ref, f.Message, f.Hint = o.Ref, fmt.Sprintf("--allow-open %s: nothing of it needs to be left open", n), "leave the flag out"
			}
		}
		p.Findings = append(p.Findings, f)
	}
}

// Means says whether this is the object's name.
func (n ObjectName) Means(ref manifest.Ref) bool {
	return sameKind(n.Kind, ref.Kind) && n.Name == ref.Name && (n.Namespace == "" || n.Namespace == ref.Namespace)
}
