package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Find adds a finding about a field of an object, the whole of it where the field is nil.
func (d *Draft) Find(severity finding.Severity, o *manifest.Object, field manifest.Path, hint, format string, args ...any) {
	d.placed(o) // one that is only read for clients is not among those that a Draft begins with
	d.Findings = append(d.Findings, finding.Finding{Severity: severity, Ref: o.Ref, Field: field, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// placed notes where the first object of a reference stands.
func (d *Draft) placed(o *manifest.Object) {
	if _, before := d.places[o.Ref]; !before {
		d.places[o.Ref] = o.Doc.Index
	}
}

// Failed says whether an error is among the findings.
func (d *Draft) Failed() bool {
	return slices.ContainsFunc(d.Findings, func(f finding.Finding) bool { return f.Severity == finding.Error })
}

// SortFindings puts the findings into the order of the documents that they are about, those about the whole stream first, and
// drops those that say the same twice.
func (d *Draft) SortFindings() {
	place := func(f finding.Finding) int {
		if at, placed := d.places[f.Ref]; placed {
			return at
		}
		return -1 // the whole stream
	}
	slices.SortStableFunc(d.Findings, func(a, b finding.Finding) int { return cmp.Compare(place(a), place(b)) })
	seen := map[string]bool{}
	d.Findings = slices.DeleteFunc(d.Findings, func(f finding.Finding) bool {
		text := string(f.Severity) + f.String()
		defer func() { seen[text] = true }()
		return seen[text]
	})
}
