package basicauth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/cli/screen"
	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/verify"
	"github.com/kauth-dev/kauth/pkg/visible"
)

type verifyOptions struct {
	*cluster
	output  output
	user    string
	stdin   bool
	all     bool // namespaces
	release string
	options verify.Options
}

func newVerify(c *cluster) *cobra.Command {
	o := &verifyOptions{cluster: c}
	cmd := command("verify", "Ask the cluster whether the doors are shut", verifyLong, verifyExample, func(cmd *cobra.Command, args []string) error {
		if err := o.complete(cmd, args); err != nil {
			return err
		}
		return o.Run(cmd.Context())
	})
	cmd.Use = "verify [TYPE/NAME ...]"
	// This hides kubectl's flag of the same name, which chooses a user of the kubeconfig.
	cmd.Flags().StringVar(&o.user, "user", "", "Check the password of this user of the gate, and knock with it")
	cmd.Flags().BoolVar(&o.stdin, "password-stdin", false, "Read the password from standard input, less one newline at its end")
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "Look at the workloads of all namespaces")
	cmd.Flags().StringVar(&o.release, "release", "", "Look at the manifest of this installed Helm release, not at what runs")
	o.output.addFlag(cmd, "table", "json", "yaml")
	return cmd
}

const verifyLong = `
Find every workload that has a gate, or should have one, and check that its door is shut: the Secret
with the users, each pod's gate and the users that it goes by, every Service, Ingress and route that
leads to it, and what leads past it. Each gate is asked itself, through port-forward: it must refuse
who has no password, and with --user let that user in. Nothing is changed. A gate's log shows two
requests for each verification, one of them as the user "kauth-verify".

What you may not look at is a warning that names the right you lack. Where no gate is found, the
Secret alone is checked, and with --user the password against it.

With --release, the manifest that Helm has stored of a release is looked at instead of what runs:
what would be open in it, gated or not.

Exit code 0: fine, warnings included. 1: something failed. 2: the command line was wrong, or nothing
could be checked. Here --user is the user of the gate; choose the user of the kubeconfig through
--context.`

const verifyExample = `
# Every gate of a namespace, or of the cluster
kubectl basicauth verify -n monitoring
kubectl basicauth verify -A

# One workload; does it let alice in?
pass show prometheus/alice | kubectl basicauth verify sts/prom --user alice --password-stdin

# What is open in a release that was installed without kauth?
kubectl basicauth verify --release prom -n monitoring`

// complete reads the command line.
func (o *verifyOptions) complete(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("user") && o.user == "" {
		return usagef("--user is empty")
	}
	if o.stdin && o.user == "" {
		return usagef("--password-stdin needs --user")
	}
	if cmd.Flags().Changed("release") && o.release == "" {
		return usagef("--release is empty")
	}
	if o.release != "" && (o.all || o.user != "") {
		return usagef("--release looks at a manifest; it cannot be used together with --user or --all-namespaces")
	}
	targets, err := verify.Targets(args)
	if err != nil {
		return usagef("%w", err)
	}
	o.options.Targets, o.options.Named = targets, cmd.Flags().Changed("secret")
	return nil
}

// verification is what -o json and -o yaml print. Namespace is "" for all.
type verification struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Namespace  string         `json:"namespace"`
	Secret     string         `json:"secret"`
	Release    string         `json:"release,omitempty"`
	Checks     []verify.Check `json:"checks"`
}

// Run verifies.
func (o *verifyOptions) Run(ctx context.Context) error {
	store, err := o.store(nil)
	v := &o.options
	if err == nil {
		v.Config, err = o.restConfig()
	}
	if errors.As(err, new(usageError)) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", verify.ErrNothing, err)
	}
	v.Config.WarningHandler = rest.NoWarnings{} // of old versions of kinds, which are nothing to act on here
	v.Home, v.Namespace, v.Secret, v.Patience, v.Now = store.Namespace, store.Namespace, store.Name, verify.Patience, o.clock
	if o.all {
		v.Namespace = ""
	}
	if v.Config.Timeout > 0 {
		v.Patience = v.Config.Timeout
	}
	if o.release != "" {
		report, err := verify.Release(ctx, *v, o.release)
		if err != nil {
			return err
		}
		return o.print(report, "release "+v.Namespace+"/"+o.release)
	}
	if o.user != "" {
		if _, ok := o.terminal(); !ok && !o.stdin {
			return usagef("standard input is not a terminal, so nobody can be asked for the password; use --password-stdin")
		}
		if v.Password, err = o.password(ctx, o.user); err != nil {
			return err
		}
		v.User = o.user
	}
	report, err := verify.Run(ctx, *v)
	if err != nil {
		return err
	}
	if v.User != "" && report.Workloads == 0 && len(v.Targets) == 0 {
		return o.verifyUser(ctx, store)
	}
	what := "namespace " + v.Namespace
	if o.all {
		what = "all namespaces"
	}
	return o.print(report, what)
}

func (o *verifyOptions) print(r *verify.Report, what string) error {
	rows := [][]string{{"STATUS", "OBJECT", "CHECK", "RESULT"}}
	for _, c := range r.Checks {
		rows = append(rows, []string{string(c.Status), shown(c.Object), shown(c.Name), shown(c.String())})
	}
	v := verification{outputAPIVersion, "Verification", o.options.Namespace, o.options.Secret, o.release, append([]verify.Check{}, r.Checks...)}
	ok, err := o.output.structured(o.Out, v)
	if !ok {
		err = o.table(rows)
	}
	if failed := r.Failed(); err == nil && failed > 0 {
		err = fmt.Errorf("%s: %d of %d checks failed", what, failed, len(r.Checks))
	}
	return err
}

// The colours of the statuses on a terminal.
var statusColors = map[string]string{string(userstore.Pass): screen.Green, string(userstore.Warn): screen.Yellow, string(userstore.Fail): screen.Red}

// table prints the checks, whose status is the first column. It is painted last: the codes would count as letters of the column.
func (o *verifyOptions) table(rows [][]string) error {
	if !screen.Colors(o.Out, os.Getenv) {
		return table(o.Out, rows)
	}
	var plain, painted strings.Builder
	if err := table(&plain, rows); err != nil {
		return err
	}
	for line := range strings.Lines(plain.String()) {
		status, rest, _ := strings.Cut(line, " ")
		if color := statusColors[status]; color != "" {
			line = screen.Paint(color, status) + " " + rest
		}
		painted.WriteString(line)
	}
	return emit(o.Out, painted.String())
}

// verifyUser checks one password against the Secret alone. That a user is unknown is no secret here: whoever may read the
// Secret sees its users.
func (o *verifyOptions) verifyUser(ctx context.Context, store *userstore.Store) error {
	f, meta, err := store.Read(ctx)
	if err != nil {
		return err
	}
	user, ok := userstore.Find(f, o.user)
	if !ok {
		return fmt.Errorf("%s: no user %q; add one with kubectl basicauth user add %s", store.Ref(), o.user, visible.Argument(o.user))
	}
	if len(f.Lookup(user)) == 0 {
		return fmt.Errorf("%s: user %q has no hash that a gate can use; set the password with kubectl basicauth user passwd %s", store.Ref(), user, visible.Argument(user))
	}
	password, unfit := userstore.CleanPassword(o.options.Password) // other programs' hashes may be of what we would not take
	if message := userstore.Right(f, meta, user, password); message != "" {
		checks := []verify.Check{{Status: userstore.Pass, Object: store.Ref(), Name: fmt.Sprintf("user %q", user), Message: message}}
		if ok, err := o.output.structured(o.Out, verification{outputAPIVersion, "Verification", store.Namespace, store.Name, "", checks}); ok {
			return err
		}
		return emit(o.Out, fmt.Sprintf("user %q: %s\n", user, message))
	}
	if unfit != nil {
		return fmt.Errorf("%s: user %q: the password is wrong: %w", store.Ref(), user, unfit)
	}
	return fmt.Errorf("%s: user %q: the password is wrong", store.Ref(), user)
}

func (o *verifyOptions) password(ctx context.Context, user string) (string, error) {
	if o.stdin {
		return o.stdinPassword()
	}
	return o.prompt(ctx, fmt.Sprintf("Password of user %q: ", user))
}
