package basicauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

func newRotate(c *cluster) *cobra.Command {
	o := &setOptions{cluster: c, rotate: true, tried: map[htpasswd.Hash]bool{}}
	cmd := o.command("rotate NAME", "Give a user a new password, and go on accepting the old one for a while", `
Give a user a new password. The old one still counts for --overlap, so that programs and people can
change it without being shut out: gates let in who has either. Nothing watches the clock: once the time
is over, the next command that changes a user, or user expire, takes the old password away.

The new password comes first in the Secret, and the old one behind it. nginx and Prometheus take the
new one alone, from the start; Traefik takes the old one, until it is taken away. docs/projections.md
says more. A user has at most four passwords at a time, for gates look at no more. Whoever is signed in
on a gate's sign-in page stays so until the password with which they did is taken away.
`+passwordHelp+waitHelp, `
# Ask for the new password
kubectl basicauth user rotate alice

# Make one for a program; it has a day to change
kubectl basicauth user rotate grafana --generate --overlap 24h -o grafana > datasource.yaml

# Others know the old one: it counts no more from now on
kubectl basicauth user rotate alice --generate --overlap 0 --wait`)
	cmd.Flags().DurationVar(&o.overlap, "overlap", time.Hour, "How long the old password still counts, ten years at most; 0: not at all")
	return cmd
}

type expireOptions struct {
	*cluster
	write
	waiting
	output output
	name   string // empty: all users
	now    bool
}

func newExpire(c *cluster) *cobra.Command {
	o := &expireOptions{cluster: c}
	cmd := command("expire [NAME]", "Take away old passwords whose overlap is over", `
Take away the passwords that were replaced by user rotate and whose overlap is over, of one user or of
all. Passwords that were not replaced stay.`+waitHelp, `
# Take away what is over, of all users
kubectl basicauth user expire -n monitoring

# alice has changed hers everywhere: do not wait for the end
kubectl basicauth user expire alice --now --wait`, func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return o.Run(cmd.Context())
		}
		if err := arguments(cmd, args, "NAME"); err != nil {
			return err
		}
		if o.name = args[0]; o.name == "" {
			return usagef("NAME is empty")
		}
		return o.Run(cmd.Context())
	})
	cmd.Flags().BoolVar(&o.now, "now", false, "Take away also those whose overlap is not over")
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
	o.waiting.addFlags(cmd)
	return cmd
}

// Run takes old passwords away.
func (o *expireOptions) Run(ctx context.Context) error {
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	var pick userstore.Pick
	if o.name != "" {
		pick = present(store, o.name)
	}
	result, err := store.Expire(ctx, pick, o.now)
	if err != nil {
		return err
	}
	behind := o.project(ctx, store, result.Meta)
	o.warnAll(result.Warnings())
	err = o.print(store, result)
	return errors.Join(err, behind, o.await(ctx, &o.waiting, store, result))
}

func (o *expireOptions) print(store *userstore.Store, result userstore.Result) error {
	users, names := []done{}, []string{}
	for i := range result.Removed {
		l := &result.Removed[i]
		users, names = append(users, done{User: l.User, Action: "expired", Until: &l.Until}), append(names, l.User)
	}
	if ok, err := o.output.structured(o.Out, newChange(store, o.write, users...)); ok {
		return err
	}
	switch {
	case o.output == "name":
		slices.Sort(names)
		return emitLines(o.Out, slices.Compact(names))
	case len(users) == 0:
		return emit(o.Out, fmt.Sprintf("nothing to take away from %s%s\n", store.Ref(), dryRunNote(store)))
	}
	return emit(o.Out, strings.Join(o.removedLines(store, result.Removed), ""))
}

// hours prints a duration without the minutes and seconds that it has not.
func hours(d time.Duration) string { return strings.TrimSuffix(d.String(), "0m0s") }
