package kauth

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/krm"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/patches"
	"github.com/kauth-dev/kauth/pkg/version"
)

func readFile(p *Process, name string) ([]byte, error) {
	if name == "-" {
		return readAll(p.Stdin)
	}
	return os.ReadFile(name)
}

// door finds out what came in, a plain stream or a ResourceList, and what is to be done with it.
func (p *Process) door(f *flags, in []byte) (inject.Options, *krm.List, error) {
	list := krm.Of(in)
	file, err := f.settings(p.Getenv, list)
	if err != nil {
		return inject.Options{}, list, err
	}
	o, err := f.options(file)
	return o, list, err
}

func (p *Process) inject(f *flags) error {
	in, err := readAll(p.Stdin)
	if err != nil {
		return err
	}
	return p.run(f, in)
}

// run gates in, reports and only then writes: a failure writes no manifests to standard output. A ResourceList is the
// exception that its convention asks for: it goes back as it came, with the results.
func (p *Process) run(f *flags, in []byte) error {
	o, list, err := p.door(f, in)
	var s *manifest.Stream
	report := &inject.Report{Version: version.String()}
	failed := err
	if failed == nil {
		s, report, failed = inject.Run(in, o)
	}
	if list != nil {
		s, failed = function(in, s, report, failed)
	}
	if err := p.report(f.report, report, failed); err != nil {
		return errors.Join(failed, err)
	}
	if failed != nil && s == nil {
		return failed
	}
	if failed == nil {
		p.printFindings(report)
	}
	return errors.Join(failed, write(s, p))
}

// function puts the results of a run into the ResourceList s, or into the one that came in where the run failed.
func function(in []byte, s *manifest.Stream, r *inject.Report, failed error) (*manifest.Stream, error) {
	var results []krm.Result
	for _, g := range r.Gates {
		if failed == nil {
			results = append(results, krm.Result{Severity: finding.Info, Ref: g.Workload, Message: "gated: " + g.Done})
		}
	}
	for _, l := range r.Logins {
		if failed == nil {
			results = append(results, krm.Result{Severity: finding.Info, Ref: l.Ref, Message: "gated: " + l.Done})
		}
	}
	results = append(results, krm.Results(r.Findings, failed)...)
	if failed != nil {
		var err error
		if s, err = manifest.Read(in); err != nil {
			return nil, failed // which says the same
		}
	}
	if err := krm.Append(s, results); err != nil {
		return nil, errors.Join(failed, err)
	}
	return s, failed
}

// patches writes what inject would do as a kustomization.
func (p *Process) patches(f *flags, in []byte, dir string) error {
	o, list, err := p.door(f, in)
	if err != nil {
		return err
	}
	if list != nil {
		return errors.New("a KRM ResourceList; patches are made of plain manifests")
	}
	s, report, failed := inject.Run(in, o)
	if err := p.report(f.report, report, failed); err != nil || failed != nil {
		return errors.Join(failed, err)
	}
	files, err := patches.Of(in, s, version.String())
	if err != nil {
		return err
	}
	if err := patches.Write(dir, files); err != nil {
		return err
	}
	p.printFindings(report)
	return nil
}

func write(s *manifest.Stream, p *Process) error {
	out := bufio.NewWriterSize(p.Stdout, 256<<10)
	_, err := s.WriteTo(out)
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

func (p *Process) printFindings(r *inject.Report) {
	for _, g := range r.Gates {
		fmt.Fprintf(p.Stderr, "kauth: gated %s: %s\n", g.Workload, g.Done)
	}
	for _, l := range r.Logins {
		fmt.Fprintf(p.Stderr, "kauth: gated %s: %s\n", l.Ref, l.Done)
	}
	for _, f := range r.Findings {
		prefix := "warning"
		if f.Severity == finding.Info {
			prefix = "hint"
		}
		fmt.Fprintf(p.Stderr, "kauth: %s: %s\n", prefix, f)
	}
}

// report writes the report file, whole or not at all.
func (p *Process) report(name string, r *inject.Report, failed error) error {
	if name == "" {
		name = p.Getenv("KAUTH_REPORT")
	}
	if name == "" {
		return nil
	}
	text, err := r.JSON(failed)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already where the rename was done
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nil
}
