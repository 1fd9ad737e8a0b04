// Package verify owns the question whether the doors of a running cluster are shut: it looks at the gates, their pods and
// their users, knocks, and names every way that leads past them. It changes nothing.
package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// Check is one line of a verification.
type Check struct {
	Status  userstore.Status `json:"status"`
	Object  string           `json:"object,omitempty"` // what was looked at: "StatefulSet monitoring/prom"
	Name    string           `json:"name"`             // which side of it; the names are stable
	Message string           `json:"message"`          // what was found
	Hint    string           `json:"hint,omitempty"`   // what to do
}

// String is the message with what to do.
func (c Check) String() string {
	if c.Hint == "" {
		return c.Message
	}
	return c.Message + "; " + c.Hint
}

// Options say what to verify, and where.
type Options struct {
	Config    *rest.Config
	Namespace string                // whose workloads; "" for those of all namespaces
	Targets   []manifest.ObjectName // these alone; none for all that have a gate or should have one
	Secret    string                // the users Secret of whoever names none
	Named     bool                  // the user asked for that Secret: it is checked whoever uses it
	Home      string                // the namespace of that Secret, where Namespace is ""
	User      string                // of the gates; "" to knock without
	Password  string
	Patience  time.Duration    // for each request to the API server
	Now       func() time.Time // by which old passwords count; nil: time.Now
}

// Report is what was found.
type Report struct {
	Workloads int // that were reported on
	Gates     int // those of them with a gate or another login
	Checks    []Check
}

// Failed counts the checks that failed.
func (r *Report) Failed() int {
	n := 0
	for _, c := range r.Checks {
		if c.Status == userstore.Fail {
			n++
		}
	}
	return n
}

// ErrNothing is the error of a verification that could look at nothing.
var ErrNothing = errors.New("nothing could be checked")

func (r *Report) add(status userstore.Status, object, name, hint, format string, args ...any) {
	r.Checks = append(r.Checks, Check{Status: status, Object: visible.OneLine(object), Name: visible.OneLine(name), Message: visible.OneLine(fmt.Sprintf(format, args...)), Hint: visible.OneLine(hint)})
}

// few lists names, at most so many.
func few(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// unique sorts names and leaves out those that stand twice.
func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// Patience is how long a request to the API server may take unless the user says otherwise.
const Patience = live.Patience

// Targets reads names of workloads as kubectl takes them: TYPE/NAME, or TYPE/NAMESPACE/NAME.
func Targets(args []string) ([]manifest.ObjectName, error) {
	var all []manifest.ObjectName
	for _, arg := range args {
		name, err := manifest.ParseObjectName(arg)
		if err != nil {
			return nil, fmt.Errorf("%q is not TYPE/NAME, such as deploy/grafana or sts/prom", arg)
		}
		all = append(all, name)
	}
	return all, nil
}
