package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Severity says what a finding means for the run.
type Severity string

// The severities. An Error stops the run; a Warning is for a person to act on; Info says what is so.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Finding is one line of the report.
type Finding struct {
	Severity Severity
	Ref      manifest.Ref  // zero where the whole stream is meant
	Field    manifest.Path // nil where the whole object is meant
	Message  string
	Hint     string // what to do, "" where there is nothing
}

// String prints a finding in the one shape of all errors: reference: field: message; hint.
func (f Finding) String() string {
	var b strings.Builder
	if f.Ref != (manifest.Ref{}) {
		b.WriteString(f.Ref.String() + ": ")
	}
	if len(f.Field) > 0 {
		b.WriteString(f.Field.String() + ": ")
	}
	b.WriteString(f.Message)
	if f.Hint != "" {
		b.WriteString("; " + f.Hint)
	}
	return b.String()
}

func (p *planner) find(severity Severity, o *manifest.Object, field manifest.Path, hint, format string, args ...any) {
	p.Findings = append(p.Findings, Finding{Severity: severity, Ref: o.Ref, Field: field, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (p *planner) failed() bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Severity == Error })
}

// Errors returns the findings that stop the run.
func Errors(findings []Finding) []Finding {
	var errs []Finding
	for _, f := range findings {
		if f.Severity == Error {
			errs = append(errs, f)
		}
	}
	return errs
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
	slices.SortStableFunc(p.Findings, func(a, b Finding) int { return place[a.Ref] - place[b.Ref] })
	seen := map[string]bool{}
	p.Findings = slices.DeleteFunc(p.Findings, func(f Finding) bool {
		text := string(f.Severity) + f.String()
		defer func() { seen[text] = true }()
		return seen[text]
	})
}
