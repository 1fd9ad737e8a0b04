// Package basicauth owns the command line of kubectl basicauth: flags in, a call of userstore, rotation, verify or inforce, lines out.
package basicauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kauth-dev/kauth/pkg/inforce"
	"github.com/kauth-dev/kauth/pkg/secretstore"
	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/verify"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// The exit codes of Main.
const (
	exitDone   = 0
	exitFailed = 1 // the work failed
	exitUsage  = 2 // the command line was wrong, or nothing could be verified
)

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Main runs one command line, without the program's name, and returns the exit code. Data goes to streams.Out; errors
// and warnings go to streams.ErrOut with the prefixes "error: " and "warning: ", as kubectl's own do.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	return mainAt(ctx, args, streams, time.Now)
}

// mainAt is Main with the clock by which old passwords, values of headers and session keys count.
func mainAt(ctx context.Context, args []string, streams genericiooptions.IOStreams, clock func() time.Time) int {
	c := newCluster(streams)
	c.clock = clock
	root := newRoot(c)
	root.SetArgs(args)
	help := &checkedWriter{Writer: streams.Out}
	root.SetOut(help)
	cmd, err := root.ExecuteContextC(ctx)
	switch err = cmp.Or(err, help.err); {
	case err == nil:
		return exitDone
	case help.err == nil && hasChanged(cmd): // help changes nothing
		err = though(err, "what was asked for is done all the same")
	case errors.As(err, new(*outputError)) && errors.Is(err, syscall.EPIPE): // whoever read it has had enough
		return exitFailed
	}
	message := err.Error()
	if ctx.Err() != nil && !mayHaveChanged(err) {
		message = "interrupted; nothing was changed"
	}
	say(streams.ErrOut, "error: %s\n", visible.Text(message)) // servers and objects may have had their say in it
	if errors.As(err, new(usageError)) || errors.Is(err, verify.ErrNothing) {
		return exitUsage
	}
	return exitFailed
}

// mayHaveChanged says whether a command that was interrupted may have changed something all the same: something was written, or
// may have been, and its error says so; or what was done could not be printed.
func mayHaveChanged(err error) bool {
	return secretstore.InDoubt(err) || errors.As(err, new(*userstore.BehindError)) || errors.As(err, new(*userstore.UndeletedError)) ||
		errors.As(err, new(*inforce.BehindError)) || errors.As(err, new(*outputError))
}

func newRoot(c *cluster) *cobra.Command {
	root := group("kubectl-basicauth", "Manage the users who may pass a kauth gate", `
Manage the users who may pass a kauth gate.

The users stand in one Secret, kauth-users unless --secret names another, as htpasswd text under
the key "auth". Gates, ingress-nginx and Traefik all read it. A change is in force as soon as the
kubelet has brought it to the pods, usually within a minute or so; with --wait within seconds, and
the command returns when it is. Nothing restarts.`, `
# Let alice in; asks for her password twice
kubectl basicauth user add alice -n monitoring

# Is the door shut? Asks the gates themselves, and names what leads past them
kubectl basicauth verify -n monitoring`)
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl basicauth"}
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(c.In)
	root.SetOut(c.Out)
	root.SetErr(c.ErrOut)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})

	c.addFlags(root.PersistentFlags())
	user := group("user", "Add, change, remove and list users", `
Add, change, remove and list the users in the Secret.`, `
# Who may get in?
kubectl basicauth user list

# Let alice in, with a password made for her
kubectl basicauth user add alice --generate

# Give her another, and go on accepting the old one for an hour
kubectl basicauth user rotate alice --overlap 1h

# Let her in no more
kubectl basicauth user remove alice`)
	user.AddCommand(newAdd(c), newPasswd(c), newRotate(c), newExpire(c), newRemove(c), newList(c), newImport(c), newExport(c))
	root.AddCommand(user, newUndo(c), newProject(c), newHeader(c), newSessionKey(c), newVerify(c), newCompletion(c), newVersion())
	c.completeAll(root)
	return root
}

// group is a command that only has others below it.
func group(use, short, long, example string) *cobra.Command {
	return command(use, short, long, example, func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf("; did you mean %q?", near[0])
			}
			return usagef("unknown command %q for %s%s; see %s --help", args[0], cmd.CommandPath(), hint, cmd.CommandPath())
		}
		return cmd.Help()
	})
}

// command returns a command whose help reads like kubectl's.
func command(use, short, long, example string, run func(*cobra.Command, []string) error) *cobra.Command {
	example = strings.ReplaceAll("\n"+strings.TrimSpace(example), "\n", "\n  ")
	return &cobra.Command{
		SuggestionsMinimumDistance: 2,

		Use:                   use,
		Short:                 short,
		Long:                  strings.TrimSpace(long),
		Example:               strings.ReplaceAll(example, "\n  \n", "\n\n")[1:],
		Args:                  cobra.ArbitraryArgs,
		ValidArgsFunction:     cobra.NoFileCompletions,
		DisableFlagsInUseLine: true,
		RunE:                  run,
	}
}

// arguments checks that there are just the wanted arguments, and names what is missing.
func arguments(cmd *cobra.Command, args []string, wanted ...string) error {
	switch {
	case len(args) < len(wanted):
		return usagef("%s is missing; see %s --help", wanted[len(args)], cmd.CommandPath())
	case len(args) > len(wanted):
		return usagef("unexpected argument %q; see %s --help", args[len(wanted)], cmd.CommandPath())
	}
	return nil
}

// exclusive checks that at most one of the flags was given.
func exclusive(cmd *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return usagef("%s cannot be used together; choose one", strings.Join(given, " and "))
	}
	return nil
}

// checkedWriter remembers what went wrong, and keeps it to itself: cobra prints it as it stands, and goes on as if nothing was.
type checkedWriter struct {
	io.Writer
	err error
}

func (w *checkedWriter) Write(p []byte) (int, error) {
	if _, err := w.Writer.Write(p); err != nil && w.err == nil {
		w.err = &outputError{err: err}
	}
	return len(p), nil
}

// say tells people something on standard error. Where that is closed, nobody is left to be told.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func warn(w io.Writer, format string, args ...any) {
	say(w, "warning: %s\n", visible.Text(fmt.Sprintf(format, args...)))
}

const helpTemplate = `{{with or .Long .Short}}{{.}}

{{end}}{{.UsageString}}`

const usageTemplate = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}{{if .HasAvailableSubCommands}}Available Commands:
{{range .Commands}}{{if .IsAvailableCommand}}  {{rpad .Name .NamePadding}}  {{.Short}}
{{end}}{{end}}
{{end}}{{if gt (len .Aliases) 0}}Aliases:
  {{.NameAndAliases}}

{{end}}{{if .HasAvailableLocalFlags}}{{if .HasParent}}Options:
{{.LocalFlags.FlagUsagesWrapped 100 | trimTrailingWhitespaces}}

{{end}}{{end}}Usage:
  {{.UseLine}}{{if and .HasAvailableSubCommands (not .ValidArgs)}} COMMAND{{end}} [options]
{{if not .HasParent}}
Options of every command:
{{.LocalFlags.FlagUsagesWrapped 100 | trimTrailingWhitespaces}}

Use "{{.CommandPath}} COMMAND --help" for more about a command.
{{else}}
The kubectl options (-n, --context, --as, ...) and --secret are listed by "kubectl basicauth --help".
{{end}}`
