package basicauth

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kauth-dev/kauth/pkg/userstore"
)

type verifyOptions struct {
	*cluster
	output output
	user   string
	stdin  bool
}

func newVerify(c *cluster) *cobra.Command {
	o := &verifyOptions{cluster: c}
	cmd := command("verify", "Check the Secret, or one user's password", `
Check that the Secret is there, has the right key and holds users that a gate can read, and say what
each hash is worth. Exit code 0: fine, warnings included. 1: something failed.

With --user, check one password against the Secret instead. Exit code 0: it is right. 1: it is not.
Here --user is the user of the gate; choose the user of the kubeconfig through --context.`, `
kubectl basicauth verify -n monitoring
kubectl basicauth verify --user alice
pass show prometheus/alice | kubectl basicauth verify --user alice --password-stdin`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		switch {
		case cmd.Flags().Changed("user"):
			if o.user == "" {
				return usagef("--user is empty")
			}
			return o.verifyUser(cmd.Context())
		case o.stdin:
			return usagef("--password-stdin needs --user")
		}
		return o.Run(cmd.Context())
	})
	// This hides kubectl's flag of the same name, which chooses a user of the kubeconfig.
	cmd.Flags().StringVar(&o.user, "user", "", "Check the password of this user of the gate")
	cmd.Flags().BoolVar(&o.stdin, "password-stdin", false, "Read the password from standard input, less one newline at its end")
	o.output.addFlag(cmd, "table", "json", "yaml")
	return cmd
}

// verification is what -o json and -o yaml print.
type verification struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Namespace  string            `json:"namespace"`
	Secret     string            `json:"secret"`
	Checks     []userstore.Check `json:"checks"`
}

// Run checks the Secret.
func (o *verifyOptions) Run(ctx context.Context) error {
	store, err := o.store(nil)
	if err != nil {
		return err
	}
	f, meta, err := store.Read(ctx)
	var checks []userstore.Check
	switch {
	case apierrors.IsNotFound(err):
		checks = []userstore.Check{{Status: userstore.Fail, Name: "secret", Message: err.Error()}}
	case err != nil:
		return err
	default:
		checks = append(userstore.Checks(f, meta), store.ProjectionChecks(ctx, f, meta)...)
	}
	return o.print(store, checks)
}

func (o *verifyOptions) print(store *userstore.Store, checks []userstore.Check) error {
	failed := 0
	rows := [][]string{{"STATUS", "CHECK", "RESULT"}}
	for _, c := range checks {
		if c.Status == userstore.Fail {
			failed++
		}
		rows = append(rows, []string{string(c.Status), shown(c.Name), shown(c.Message)})
	}
	ok, err := o.output.structured(o.Out, verification{outputAPIVersion, "Verification", store.Namespace, store.Name, checks})
	if !ok {
		err = table(o.Out, rows)
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%s: %d of %d checks failed", where(store), failed, len(checks))
	}
	return err
}

// verifyUser checks one password. That a user is unknown is no secret here: whoever may read the Secret sees its users.
func (o *verifyOptions) verifyUser(ctx context.Context) error {
	store, err := o.store(nil)
	if err != nil {
		return err
	}
	if _, ok := o.terminal(); !ok && !o.stdin {
		return usagef("standard input is not a terminal, so nobody can be asked for the password; use --password-stdin")
	}
	f, _, err := store.Read(ctx)
	if err != nil {
		return err
	}
	user, ok := userstore.Find(f, o.user)
	if !ok {
		return fmt.Errorf("%s: no user %q; add one with kubectl basicauth user add %s", where(store), o.user, argument(o.user))
	}
	hashes := f.Lookup(user)
	if len(hashes) == 0 {
		return fmt.Errorf("%s: user %q has no hash that a gate can use; set the password with kubectl basicauth user passwd %s", where(store), user, argument(user))
	}
	password, err := o.password(ctx, user)
	if err != nil {
		return err
	}
	password, unfit := userstore.CleanPassword(password) // other programs' hashes may be of what we would not take
	for _, h := range hashes {
		if !h.Match(password) {
			continue
		}
		message := fmt.Sprintf("the password is right (%s)", userstore.Describe(h))
		checks := []userstore.Check{{Status: userstore.Pass, Name: fmt.Sprintf("user %q", user), Message: message}}
		if ok, err := o.output.structured(o.Out, verification{outputAPIVersion, "Verification", store.Namespace, store.Name, checks}); ok {
			return err
		}
		return emit(o.Out, fmt.Sprintf("user %q: %s\n", user, message))
	}
	if unfit != nil {
		return fmt.Errorf("%s: user %q: the password is wrong: %w", where(store), user, unfit)
	}
	return fmt.Errorf("%s: user %q: the password is wrong", where(store), user)
}

func (o *verifyOptions) password(ctx context.Context, user string) (string, error) {
	if o.stdin {
		return o.stdinPassword()
	}
	return o.prompt(ctx, fmt.Sprintf("Password of user %q: ", user))
}
