package plan

import (
	"fmt"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Open is a way past a gate that the user allows to stay.
type Open struct {
	Object *manifest.Object
	Field  manifest.Path
	What   string // where it leads, for people
}

// Allows says whether the user lets the ways of an object stay open.
func (d *Draft) Allows(o *manifest.Object) bool {
	found := false
	for _, n := range d.allowOpen {
		if n.Means(o.Ref) {
			d.allowed[n], found = true, true
		}
	}
	return found
}

// RefuseWay makes a way that cannot lead to the gate an Error, or records that the user allows it.
func (d *Draft) RefuseWay(way *topology.Way, hint, format string, args ...any) {
	o, field, what := way.Object(), way.Field(), fmt.Sprintf(format, args...)
	if d.Allows(o) {
		d.Opens = append(d.Opens, &Open{Object: o, Field: field, What: what})
		d.Find(finding.Warning, o, field, "", "%s; left open, as --allow-open asks", what)
		return
	}
	if !strings.Contains(hint, gateconf.AnnotationGate) { // which leaves it open as well
		hint += ", or leave it open with --allow-open " + o.Kind + "/" + o.Name
	}
	d.Find(finding.Error, o, field, hint, "%s", what)
}

// RecordOpen writes what stays open on the objects themselves, and refuses an --allow-open that was for nothing: the
// door that somebody meant may stand open under another name.
func (d *Draft) RecordOpen(s *manifest.Stream) {
	what := map[*manifest.Object][]string{}
	var order []*manifest.Object
	for _, open := range d.Opens {
		if what[open.Object] == nil {
			order = append(order, open.Object)
		}
		what[open.Object] = append(what[open.Object], open.Field.String()+": "+open.What)
	}
	for _, o := range order {
		d.Annotations = append(d.Annotations, &Annotation{Object: o, Key: gateconf.AnnotationAllowOpen, Value: strings.Join(what[o], "; ")})
	}
	for _, n := range d.allowOpen {
		if d.allowed[n] {
			continue
		}
		f := finding.Finding{Severity: finding.Error, Message: fmt.Sprintf("--allow-open %s: no such object in this stream", n), Hint: "check the name, or leave the flag out"}
		for _, o := range s.Objects() {
			if n.Means(o.Ref) {
				f.Ref, f.Message, f.Hint = o.Ref, fmt.Sprintf("--allow-open %s: nothing of it needs to be left open", n), "leave the flag out"
			}
		}
		d.Findings = append(d.Findings, f)
	}
}
