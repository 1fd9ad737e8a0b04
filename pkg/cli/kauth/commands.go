package kauth

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/explain"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/version"
)

const long = `kauth puts a login in front of workloads that have none. It reads rendered manifests, adds a proxy that asks for
a password to the pods of Prometheus, Alertmanager and ThanosRuler, moves every outside route to it, proves that
none is left, and writes the manifests.

  helm upgrade --install prom CHART --post-renderer kauth        Helm 3: kauth in PATH; Helm 4: the plugin kauth
  helm template prom CHART | kauth                               the same, to look at
  kubectl basicauth user add alice                               let somebody in`

func command(p *Process) *cobra.Command {
	var f flags
	root := &cobra.Command{
		Use: "kauth [inject] [flags] < in > out", Short: "Put a login in front of workloads that have none", Long: long,
		SilenceErrors: true, SilenceUsage: true, CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args: noArgs, RunE: func(_ *cobra.Command, _ []string) error {
			if isTerminal(p.Stdin) {
				return usageError{errors.New("nothing on standard input; pipe manifests in, or see kauth --help")}
			}
			return p.inject(&f)
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	f.add(root)
	injectCommand := &cobra.Command{
		Use: "inject [flags] < in > out", Short: "Add the gates (what kauth does without a command)", Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return p.inject(&f) },
	}
	f.add(injectCommand)
	root.AddCommand(injectCommand, ejectCommand(p), explainCommand(p), versionCommand(p),
		laterCommand("fn", "KRM function"), laterCommand("patches", "Kustomize patches"))
	return root
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command or argument %q; see kauth --help", args[0])}
	}
	return nil
}

// laterCommand refuses a command that scripts may already name.
func laterCommand(name, what string) *cobra.Command {
	return &cobra.Command{
		Use: name, Hidden: true, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("kauth %s (%s) is not in this version; use kauth as a post-renderer or in a pipe", name, what)
		},
	}
}

func versionCommand(p *Process) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.Stdout, version.String())
			return err
		},
	}
}

func ejectCommand(p *Process) *cobra.Command {
	return &cobra.Command{
		Use: "eject < in > out", Short: "Take out what kauth put in", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			in, err := readAll(p.Stdin)
			if err != nil {
				return err
			}
			s, err := inject.Eject(in)
			if err != nil {
				return err
			}
			return write(s, p)
		},
	}
}

func explainCommand(p *Process) *cobra.Command {
	var f flags
	var file, output string
	c := &cobra.Command{
		Use: "explain [-f FILE] [-o text|mermaid|dot|json] [flags]", Short: "Show who reaches what today, and what inject would change", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			o, err := f.options(p.Getenv)
			if err != nil {
				return err
			}
			show := explainOutputs[output]
			if show == nil {
				return usageError{fmt.Errorf("-o: %q is not an output; use text, mermaid, dot or json", output)}
			}
			in, err := readFile(p, file)
			if err != nil {
				return err
			}
			m, planned, err := inject.Plan(in, o)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(p.Stdout)
			err = show(p, out, m, planned)
			if err = errors.Join(err, out.Flush()); err != nil {
				return fmt.Errorf("standard output: %w", err)
			}
			if errs := plan.Errors(planned.Findings); len(errs) > 0 {
				return fmt.Errorf("%d of the findings would stop inject", len(errs))
			}
			return nil
		},
	}
	c.Flags().StringVarP(&file, "filename", "f", "-", "the manifests, - for standard input")
	c.Flags().StringVarP(&output, "output", "o", "text", "`format`: text, a drawing for mermaid or dot (Graphviz), or json for programs")
	f.add(c)
	return c
}

// explainOutputs are the values of -o.
var explainOutputs = map[string]func(*Process, io.Writer, *topology.Model, *plan.Plan) error{
	"text": func(p *Process, w io.Writer, m *topology.Model, planned *plan.Plan) error {
		return explain.Draw(m, planned).Text(w, p.colors())
	},
	"mermaid": func(_ *Process, w io.Writer, m *topology.Model, planned *plan.Plan) error {
		return explain.Draw(m, planned).Mermaid(w)
	},
	"dot": func(_ *Process, w io.Writer, m *topology.Model, planned *plan.Plan) error {
		return explain.Draw(m, planned).DOT(w)
	},
	"json": func(_ *Process, w io.Writer, m *topology.Model, planned *plan.Plan) error {
		return explain.New(m, planned).JSON(w)
	},
}

func readFile(p *Process, name string) ([]byte, error) {
	if name == "-" {
		return readAll(p.Stdin)
	}
	return os.ReadFile(name)
}

// inject reads, runs, reports and only then writes: a failure writes nothing to standard output.
func (p *Process) inject(f *flags) error {
	o, err := f.options(p.Getenv)
	if err != nil {
		return err
	}
	in, err := readAll(p.Stdin)
	if err != nil {
		return err
	}
	s, report, failed := inject.Run(in, o)
	if err := p.report(f.report, report, failed); err != nil {
		return errors.Join(failed, err)
	}
	if failed != nil {
		return failed
	}
	p.printFindings(report)
	return write(s, p)
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
	for _, f := range r.Findings {
		prefix := "warning"
		if f.Severity == plan.Info {
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
