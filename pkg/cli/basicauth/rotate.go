package basicauth

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/rotation"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// rotateOptions are what the commands know that change header values and session keys.
type rotateOptions struct {
	*cluster
	write
	output  output
	overlap time.Duration
	now     bool
}

func (o *rotateOptions) addOverlap(cmd *cobra.Command, overlap time.Duration, what string) {
	cmd.Flags().DurationVar(&o.overlap, "overlap", overlap, what)
}

func (o *rotateOptions) addNow(cmd *cobra.Command, what string) {
	cmd.Flags().BoolVar(&o.now, "now", false, what)
}

func (o *rotateOptions) checkOverlap() error {
	if o.overlap < 0 {
		return usagef("--overlap: %s; use 0 or more", o.overlap)
	}
	return nil
}

// rotated is what -o json and -o yaml print of values and keys, and of what changed them.
type rotated struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Namespace  string        `json:"namespace"`
	Secret     string        `json:"secret"`
	Added      string        `json:"added,omitempty"` // the name of what is new
	Value      string        `json:"value,omitempty"` // the new value of a header, where it is in force
	Items      []rotatedItem `json:"items"`
	Removed    []string      `json:"removed,omitempty"`
	DryRun     string        `json:"dryRun,omitempty"`
}

type rotatedItem struct {
	Name        string     `json:"name"`
	Fingerprint string     `json:"fingerprint,omitempty"`
	Since       *time.Time `json:"since,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
	Over        bool       `json:"over,omitempty"`  // the time is over, and nothing has taken it away yet
	Signs       bool       `json:"signs,omitempty"` // the session key that signs
	Problem     string     `json:"problem,omitempty"`
}

func (o *rotateOptions) rotated(kind string, store *secretstore.Store, values []rotation.Value) rotated {
	r := rotated{APIVersion: outputAPIVersion, Kind: kind, Namespace: store.Namespace, Secret: store.Name, Items: []rotatedItem{}}
	for _, v := range values {
		item := rotatedItem{Name: v.Name, Fingerprint: v.Fingerprint, Problem: v.Problem, Over: v.Over(o.clock())}
		if !v.Since.IsZero() {
			item.Since = &v.Since
		}
		if !v.Until.IsZero() {
			item.Until = &v.Until
		}
		r.Items = append(r.Items, item)
	}
	return r
}

func (r rotated) of(c rotation.Change, store *secretstore.Store, w write) rotated {
	r.Added = c.Added
	for _, v := range c.Removed {
		r.Removed = append(r.Removed, v.Name)
	}
	if store.DryRun != secretstore.DryRunNone {
		r.DryRun = w.dryRun
	}
	return r
}

// moment prints a time as Kubernetes does; "-" where there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// until is the column that says how long something is still accepted.
func (o *rotateOptions) until(v rotation.Value) string {
	if v.Over(o.clock()) {
		return moment(v.Until) + " (over)"
	}
	return moment(v.Until)
}

// removed is a line for each value or key that was taken away.
func removed(what string, store *secretstore.Store, values []rotation.Value) []string {
	lines := []string{}
	for _, v := range values {
		lines = append(lines, fmt.Sprintf("%s%s removed from %s%s", what, v.Name, store.Ref(), dryRunWords(store.DryRun)))
	}
	return lines
}

func emitLines(w io.Writer, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	return emit(w, strings.Join(lines, "\n")+"\n")
}

// printList prints values or keys.
func (o *rotateOptions) printList(r rotated, rows [][]string) error {
	if ok, err := o.output.structured(o.Out, r); ok {
		return err
	}
	if o.output == "name" {
		names := []string{}
		for _, item := range r.Items {
			names = append(names, item.Name)
		}
		return emitLines(o.Out, names)
	}
	if len(rows) == 1 {
		return nil
	}
	return table(o.Out, rows)
}

// printExpired prints what was taken away.
func (o *rotateOptions) printExpired(r rotated, what string, store *secretstore.Store, change rotation.Change) error {
	if ok, err := o.output.structured(o.Out, r); ok {
		return err
	}
	switch {
	case o.output == "name":
		return emitLines(o.Out, r.Removed)
	case len(change.Removed) == 0:
		return emitLines(o.Out, []string{"nothing to take away from " + store.Ref() + dryRunWords(store.DryRun)})
	}
	return emitLines(o.Out, removed(what, store, change.Removed))
}
