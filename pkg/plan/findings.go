package plan

import (
	"fmt"
	"slices"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Find adds a finding about a field of an object, the whole of it where the field is nil.
func (d *Draft) Find(severity finding.Severity, o *manifest.Object, field manifest.Path, hint, format string, args ...any) {
	d.Findings = append(d.Findings, finding.Finding{Severity: severity, Ref: o.Ref, Field: field, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Failed says whether an error is among the findings.
func (d *Draft) Failed() bool {
	return slices.ContainsFunc(d.Findings, func(f finding.Finding) bool { return f.Severity == finding.Error })
}

// SortFindings puts the findings into the order of the documents that they are about, and drops those that say the
// same twice.
func (d *Draft) SortFindings() {
	place := map[manifest.Ref]int{}
	for doc, i := range d.order {
		for _, o := range doc.Objects() {
			place[o.Ref] = i + 1
		}
	}
	slices.SortStableFunc(d.Findings, func(a, b finding.Finding) int { return place[a.Ref] - place[b.Ref] })
	seen := map[string]bool{}
	d.Findings = slices.DeleteFunc(d.Findings, func(f finding.Finding) bool {
		text := string(f.Severity) + f.String()
		defer func() { seen[text] = true }()
		return seen[text]
	})
}
