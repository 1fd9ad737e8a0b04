package plan

import (
	"fmt"
	"slices"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

func (p *planner) find(severity finding.Severity, o *manifest.Object, field manifest.Path, hint, format string, args ...any) {
	p.Findings = append(p.Findings, finding.Finding{Severity: severity, Ref: o.Ref, Field: field, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (p *planner) failed() bool {
	return slices.ContainsFunc(p.Findings, func(f finding.Finding) bool { return f.Severity == finding.Error })
}

// sortFindings puts the findings into the order of the documents that they are about, and drops those that say the
// same twice.
func (p *planner) sortFindings() {
	place := map[manifest.Ref]int{}
	for d, i := range p.order {
		for _, o := range d.Objects() {
			place[o.Ref] = i + 1
		}
	}
	slices.SortStableFunc(p.Findings, func(a, b finding.Finding) int { return place[a.Ref] - place[b.Ref] })
	seen := map[string]bool{}
	p.Findings = slices.DeleteFunc(p.Findings, func(f finding.Finding) bool {
		text := string(f.Severity) + f.String()
		defer func() { seen[text] = true }()
		return seen[text]
	})
}
