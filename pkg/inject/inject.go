// Package inject owns the order in which a stream of manifests gets its gates, and the proof that no way past them is
// left. It touches no file, clock or cluster.
package inject

import (
	"errors"
	"fmt"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/filters/eject"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/version"
)

// Options are what the user asked for.
type Options struct {
	Namespace string // of objects that name none; "" where unknown
	planner.Options
}

// RefusedError is the error of a stream that was understood but cannot be gated. Its findings say why.
type RefusedError struct {
	Findings []finding.Finding // the errors among them
}

// Error lists the findings, a line each.
func (r *RefusedError) Error() string {
	var errs []error
	for _, f := range r.Findings {
		errs = append(errs, errors.New(f.String()))
	}
	return errors.Join(errs...).Error()
}

// Run returns the stream with its gates, and the report. Documents that need no change keep their bytes. With an error
// there is no stream, and nothing of it may be used; the report then holds the findings so far. The output may share
// memory with in.
func Run(in []byte, o Options) (*manifest.Stream, *Report, error) {
	if o.Version == "" {
		o.Version = version.String()
	}
	s, report, err := gated(in, o)
	if err != nil {
		return nil, report, err
	}
	if open := prove(s, o.Namespace, report); len(open) > 0 {
		report.Findings = append(report.Findings, open...)
		return nil, report, &RefusedError{open}
	}
	return s, report, nil
}

// gated returns the stream with its gates, not yet proven. That it keeps the plan to itself frees the nodes that the
// plan was made on: the proof needs the same amount of memory again.
func gated(in []byte, o Options) (*manifest.Stream, *Report, error) {
	s, _, p, err := prepare(in, o)
	if err != nil {
		return nil, &Report{Version: o.Version}, err
	}
	report := newReport(o.Version, p)
	if errs := finding.Errors(p.Findings); len(errs) > 0 {
		return nil, report, &RefusedError{errs}
	}
	return s, report, apply(s, p, o.Version)
}

// Plan returns what Run would do, and the model that it was decided on. Findings that stop Run are among the plan's.
func Plan(in []byte, o Options) (*topology.Model, *plan.Plan, error) {
	_, m, p, err := prepare(in, o)
	return m, p, err
}

// Eject returns the stream without what kauth put in.
func Eject(in []byte) (*manifest.Stream, error) {
	s, err := manifest.Read(in)
	if err != nil {
		return nil, err
	}
	return s, ejectAll(s)
}

func prepare(in []byte, o Options) (*manifest.Stream, *topology.Model, *plan.Plan, error) {
	s, err := Eject(in)
	if err != nil {
		return nil, nil, nil, err
	}
	m, err := topology.Resolve(s, o.Namespace)
	if err != nil {
		return nil, nil, nil, err
	}
	return s, m, planner.Make(m, s, o.Options), nil
}

func ejectAll(s *manifest.Stream) error {
	var errs []error
	for _, o := range s.Objects() {
		if !eject.Marked(o.Node) {
			continue
		}
		if added, newline := eject.Added(o.Node); added {
			if err := s.Remove(o, newline); err != nil {
				errs = append(errs, err)
			}
			continue
		}
		o.Edit()
		if _, err := (eject.Filter{}).Filter(o.RNode()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", o.Ref, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.Commit()
}

// prove resolves the output anew, from its text.
func prove(s *manifest.Stream, namespace string, r *Report) []finding.Finding {
	after, err := topology.Resolve(s, namespace)
	if err != nil {
		return []finding.Finding{{Severity: finding.Error, Message: err.Error()}}
	}
	workloads := make([]manifest.Ref, len(r.Gates))
	var closed []proof.Closed
	for i, g := range r.Gates {
		workloads[i] = g.Workload
		if config.Closes(g.Closed.Policy) {
			closed = append(closed, g.Closed)
		}
	}
	logins := make([]proof.Checked, len(r.Logins))
	for i, l := range r.Logins {
		logins[i] = l.Checked
		if config.Closes(l.Closed.Policy) {
			closed = append(closed, l.Closed)
		}
	}
	return append(proof.Ways(after, workloads, logins, r.Open), proof.Policies(after, closed, r.Open)...)
}

// apply carries out the plan and writes it into the text of the stream.
func apply(s *manifest.Stream, p *plan.Plan, version string) error {
	edits := filtersOf(p, version)
	if err := distinct(edits); err != nil {
		return err
	}
	var errs []error
	for _, e := range edits {
		if err := e.apply(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.object.Ref, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	documents, err := listed(p.Additions)
	if err != nil {
		return err
	}
	if err := s.Commit(); err != nil {
		return err
	}
	return insert(s, documents)
}

// distinct refuses two objects of one identity that both need editing: the cluster would keep only one of them, and
// which one is not ours to choose.
func distinct(edits []*edit) error {
	var errs []error
	seen := map[manifest.Ref]*manifest.Object{}
	for _, e := range edits {
		id := e.object.Identity()
		if other := seen[id]; other != nil {
			errs = append(errs, fmt.Errorf("%s: stands twice in this stream, at lines %d and %d; remove one",
				e.object.Ref, other.StreamLine(), e.object.StreamLine()))
		}
		seen[id] = e.object
	}
	return errors.Join(errs...)
}
