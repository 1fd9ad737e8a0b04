// Package finding owns the lines of a report: what was found, where, how bad it is, and what to do.
package finding

import (
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
