package basicauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

type removeOptions struct {
	*cluster
	write
	waiting
	output output
	name   string
}

func newRemove(c *cluster) *cobra.Command {
	o := &removeOptions{cluster: c}
	cmd := command("remove NAME", "Remove a user", `
Remove a user from the Secret, with all lines that begin with the name. Whoever is signed in as that
user is signed out as soon as the gates have read the change. Without a user left, nobody gets in.`+waitHelp, `
# Let alice in no more
kubectl basicauth user remove alice

# The same, and return when she is out
kubectl basicauth user remove alice --wait`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args, "NAME"); err != nil {
			return err
		}
		o.name = args[0]
		return o.Run(cmd.Context())
	})
	cmd.Aliases = []string{"rm", "delete"}
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
	o.waiting.addFlags(cmd)
	return cmd
}

// Run removes the user.
func (o *removeOptions) Run(ctx context.Context) error {
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	removed, left := "", 0
	result, err := store.Edit(ctx, func(f *htpasswd.File) error {
		user, err := present(store, o.name)(f)
		if err != nil {
			return err
		}
		f.Remove(user)
		removed, left = user, len(f.Users())
		return nil
	})
	if err != nil {
		return err
	}
	behind := o.stored(ctx, store, result)
	if left == 0 {
		warn(o.ErrOut, "%s: no user left, so nobody gets in", store.Ref())
	}
	err = o.print(store, removed)
	return errors.Join(err, behind, o.await(ctx, &o.waiting, store, result))
}

func (o *removeOptions) print(store *userstore.Store, removed string) error {
	if ok, err := o.output.structured(o.Out, newChange(store, o.write, done{User: removed, Action: "removed"})); ok {
		return err
	}
	if o.output == "name" {
		return emit(o.Out, removed+"\n")
	}
	return emit(o.Out, fmt.Sprintf("user %q removed from %s%s\n", removed, store.Ref(), dryRunNote(store)))
}
