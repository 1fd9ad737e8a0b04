package kauth

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/cli/screen"
	"github.com/kauth-dev/kauth/pkg/explain"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/krm"
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
			if _, ok := screen.IsTerminal(p.Stdin); ok {
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
	root.AddCommand(injectCommand, ejectCommand(p), explainCommand(p), functionCommand(p), patchesCommand(p), versionCommand(p))
	return root
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command or argument %q; see kauth --help", args[0])}
	}
	return nil
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

func functionCommand(p *Process) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use: "fn [flags] < in > out", Short: "The same as a KRM function, as kustomize runs it", Args: noArgs,
		Long: `fn reads a ResourceList, takes its settings from the functionConfig, of kind Gates or a ConfigMap with flags as its
data, and writes the ResourceList with the gates and the results. A ResourceList is recognised without "fn" too.`,
		RunE: func(*cobra.Command, []string) error {
			in, err := readAll(p.Stdin)
			if err != nil {
				return err
			}
			if krm.Of(in) == nil {
				return errors.New("standard input: not a KRM ResourceList; leave out fn to pipe plain manifests")
			}
			return p.run(&f, in)
		},
	}
	f.add(c)
	return c
}

func patchesCommand(p *Process) *cobra.Command {
	var f flags
	var file, dir string
	c := &cobra.Command{
		Use: "patches -f FILE -o DIR [flags]", Short: "Write the same change as a kustomization with patches", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return usageError{errors.New("-o: missing; name the folder that the kustomization goes to")}
			}
			in, err := readFile(p, file)
			if err != nil {
				return err
			}
			return p.patches(&f, in, dir)
		},
	}
	c.Flags().StringVarP(&file, "filename", "f", "-", "the manifests, - for standard input")
	c.Flags().StringVarP(&dir, "output", "o", "", "the `folder` that the kustomization goes to")
	f.add(c)
	return c
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
			show := explainOutputs[output]
			if show == nil {
				return usageError{fmt.Errorf("-o: %q is not an output; use text, mermaid, dot or json", output)}
			}
			in, err := readFile(p, file)
			if err != nil {
				return err
			}
			o, _, err := p.door(&f, in)
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
			if errs := finding.Errors(planned.Findings); len(errs) > 0 {
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
		return explain.Draw(m, planned).Text(w, screen.Colors(p.Stdout, p.Getenv))
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
