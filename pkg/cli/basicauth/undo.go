package basicauth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

type undoOptions struct {
	*cluster
	write
	waiting
	output      output
	to          string
	list, force bool
}

func newUndo(c *cluster) *cobra.Command {
	o := &undoOptions{cluster: c}
	cmd := command("undo", "Put the users back to what they were before a change", `
Put the users back to what they were before the last change of a kubectl basicauth command. The next
undo goes one change further back. With --to, they become what they were before the change of that
ID, whatever came since; --list shows the IDs.

Every command that changes users keeps the text of before in a Secret whose name ends in -history,
with when, who and the command: of the last 20 changes, or of fewer where they would have more than
768 KiB, or many write at the same time. It is as secret as the users. An undo is such a change too, so that --to takes it back.

Passwords come back with it: whoever was removed gets in again with the password of then, and where a
password was changed, the one of before counts again. The output names them all.

Where something else has changed the users since, such as kubectl edit or a command that was not
allowed to keep the text of before, undo tells what would be lost and does nothing, unless --force is
given. Users whose Secret was deleted come back; if the change that was the last is not kept, it is
not in them, and the output says so. Values of headers and session keys are not undone: old ones of
them count beside the new for a while anyway.`+waitHelp, `
# What was changed, when and by whom?
kubectl basicauth undo --list

# Which users would the last change bring back, or take away?
kubectl basicauth undo --dry-run=server

# Take it back
kubectl basicauth undo

# Back to what was before a certain change
kubectl basicauth undo --to 20261122-202226-417-1a2b3c`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		if err := exclusive(cmd, "list", "to"); err != nil {
			return err
		}
		for _, flag := range []string{"force", "wait", "dry-run", "field-manager"} {
			if err := exclusive(cmd, "list", flag); err != nil {
				return err
			}
		}
		if cmd.Flags().Changed("to") && o.to == "" {
			return usagef("--to is empty; kubectl basicauth undo --list shows the IDs")
		}
		if o.list {
			return o.printHistory(cmd.Context())
		}
		return o.Run(cmd.Context())
	})
	cmd.Flags().StringVar(&o.to, "to", "", "Put back what was before the change of this `ID`")
	cmd.Flags().BoolVar(&o.list, "list", false, "List the changes that are kept, and change nothing")
	cmd.Flags().BoolVar(&o.force, "force", false, "Undo though something else has changed the users since; what it replaces is kept")
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
	o.waiting.addFlags(cmd)
	return cmd
}

// undone is what -o json and -o yaml print of an undo.
type undone struct {
	change
	Undone keptChange `json:"undone"` // the change before which the users are now
	// Revived is given of a Secret that was gone.
	Revived *revived `json:"revived,omitempty"`
}

type revived struct {
	Last     keptChange `json:"last"`     // the last change that is kept
	Included bool       `json:"included"` // the users are as after it; false: as before it
}

// Run undoes one change.
func (o *undoOptions) Run(ctx context.Context) error {
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	if o.to != "" {
		store.Keep.Command += " --to " + o.to
	}
	u, err := store.Undo(ctx, o.to, o.force)
	if err != nil {
		return err
	}
	behind := o.project(ctx, store, u.Meta)
	o.warnAll(u.Warnings())
	if u.Created {
		say(o.ErrOut, "%s created%s\n", where(store), dryRunNote(store))
	}
	if u.Left == 0 {
		warn(o.ErrOut, "%s: no user left, so nobody gets in", where(store))
	}
	if err := o.print(store, u); err != nil {
		return errors.Join(err, behind)
	}
	if u.Created {
		o.ensureSessionKey(ctx, store)
	}
	return errors.Join(behind, o.await(ctx, &o.waiting, store, u.Result))
}

func (o *undoOptions) print(store *userstore.Store, u userstore.Undone) error {
	result := undone{newChange(store, o.write, changes(u.Users)...), kept(u.Entry), nil}
	if u.Revived != nil {
		result.Revived = &revived{kept(u.Revived), u.Revived != u.Entry}
	}
	if ok, err := o.output.structured(o.Out, result); ok {
		return err
	}
	if len(u.Users.Changed) > 0 && o.output == "name" {
		warn(o.ErrOut, "%s: passwords of before count again: %s", where(store), strings.Join(u.Users.Changed, ", "))
	}
	if o.output == "name" {
		var names strings.Builder
		for _, user := range result.Users {
			names.WriteString(user.User + "\n")
		}
		return emit(o.Out, names.String())
	}
	return emit(o.Out, undoText(store, u, result.Users))
}

// undoText is a line for each user, in the words of the commands that change them, and one that says what was undone.
func undoText(store *userstore.Store, u userstore.Undone, users []done) string {
	var text strings.Builder
	const most = 50
	note := dryRunNote(store)
	for _, d := range users[:min(most, len(users))] {
		switch d.Action {
		case "added":
			fmt.Fprintf(&text, "user %q added to %s with the password of then%s\n", d.User, where(store), note)
		case "removed":
			fmt.Fprintf(&text, "user %q removed from %s%s\n", d.User, where(store), note)
		default:
			fmt.Fprintf(&text, "password of user %q changed in %s: the one of before counts again%s\n", d.User, where(store), note)
		}
	}
	if more := len(users) - most; more > 0 {
		fmt.Fprintf(&text, "and %d users more; -o json or -o name names them all\n", more)
	}
	switch {
	case !u.Changed:
		fmt.Fprintf(&text, "nothing to change: the users are as before %s\n", named(u.Entry))
	case u.Revived != nil && u.Revived != u.Entry:
		fmt.Fprintf(&text, "%s is back as it was after %s%s\n", where(store), named(u.Revived), note)
	case u.Revived != nil:
		fmt.Fprintf(&text, "%s is back as it was before %s, which is not in it%s\n", where(store), named(u.Revived), note)
	case len(users) == 0:
		fmt.Fprintf(&text, "no user changed, but comments or lines that no gate can use: as before %s%s\n", named(u.Entry), note)
	default:
		fmt.Fprintf(&text, "undone: the users are as before %s%s\n", named(u.Entry), note)
	}
	return text.String()
}

// named is a change as lines for people have it.
func named(e *history.Entry) string {
	by := ""
	if e.Who != "" {
		by = " by " + shown(e.Who)
	}
	return fmt.Sprintf("%q of %s%s", e.Command, moment(e.When), by)
}

func changes(d userstore.Difference) []done {
	var users []done
	for _, part := range []struct {
		action string
		users  []string
	}{{"added", d.Added}, {"removed", d.Removed}, {"changed", d.Changed}} {
		for _, user := range part.users {
			users = append(users, done{User: user, Action: part.action})
		}
	}
	return users
}
