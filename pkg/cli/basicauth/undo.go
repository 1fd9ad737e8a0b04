package basicauth

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

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
768 KiB, or many write at the same time. It is as secret as the users. An undo is such a change too, so
that --to takes it back.

Passwords come back with it: whoever was removed gets in again with the password of then, and where a
password was changed, the one of before counts again. The output names them all. Old passwords of user
rotate have no more time than they had: one whose time is over by now counts again until the next
command that changes a user, or user expire, takes it away.

Where something else has changed the users since, such as kubectl edit or a command that was not
allowed to keep the text of before, undo tells what would be lost and does nothing, unless --force is
given. Users whose Secret was deleted come back; if the change that was the last is not kept, it is
not in them, and the output says so. Values of headers and session keys are not undone: old ones of
them go on counting beside the new for a while anyway.`+waitHelp, `
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
		say(o.ErrOut, "%s created%s\n", store.Ref(), dryRunNote(store))
	}
	if u.Left == 0 {
		warn(o.ErrOut, "%s: no user left, so nobody gets in", store.Ref())
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
	result := undone{newChange(store, o.write, changes(u)...), kept(u.Entry), nil}
	if u.Revived != nil {
		result.Revived = &revived{kept(u.Revived), u.Revived != u.Entry}
	}
	if ok, err := o.output.structured(o.Out, result); ok {
		return err
	}
	if again := countAgain(u); len(again) > 0 && o.output == "name" {
		warn(o.ErrOut, "%s: passwords of before count again: %s", store.Ref(), strings.Join(again, ", "))
	}
	if o.output == "name" {
		var names strings.Builder
		for _, user := range result.Users {
			names.WriteString(user.User + "\n")
		}
		return emit(o.Out, names.String())
	}
	return emit(o.Out, undoText(store, u, result.Users, o.clock()))
}
