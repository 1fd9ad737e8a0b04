package basicauth

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/rotation"
)

// keyOptions are what the commands below session-key know.
type keyOptions struct{ rotateOptions }

// readSlack is how much later than its fellows a gate may read a new key, and so sign with the old one.
const readSlack = time.Hour

func newSessionKey(c *cluster) *cobra.Command {
	cmd := group("session-key", "Replace and list the keys that sign sessions", `
Replace and list the keys that sign the sessions of gates with a sign-in page. They stand in a Secret
beside that of the users, whose name has -session-key at its end. The first key signs, all are
recognised. A key itself is never shown; its name is the one in the gates' log.`, `
# A new key, which signs from now on
kubectl basicauth session-key rotate -n monitoring

# Which keys are there, and until when?
kubectl basicauth session-key list -n monitoring`)
	cmd.AddCommand(newKeyRotate(c), newKeyExpire(c), newKeyList(c))
	return cmd
}

func newKeyRotate(c *cluster) *cobra.Command {
	o := &keyOptions{rotateOptions{cluster: c}}
	overlap := gateconf.Defaults().SessionTTL + readSlack
	cmd := o.command("rotate", "Put a new key on top, and go on recognising the old one for a while", `
Put a new random key on top, which signs from now on. Sessions that the old key signed go on: it is
still recognised for the overlap, which is an hour longer than sessions last unless --session-ttl of the
gates says otherwise. Nothing watches the clock: from then on the next rotate or expire takes it away.
The Secret is created when it is missing.

Where a gate has several replicas, whoever signs in at one that has read the new key is asked again by
one that has not, for a minute or so.`, `
# A new key; sessions go on
kubectl basicauth session-key rotate -n monitoring

# The key is known to others: end all sessions
kubectl basicauth session-key rotate --overlap 0`, o.rotate)
	o.addOverlap(cmd, overlap, "How long the old keys are still recognised; 0: not at all, which ends all sessions")
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
	return cmd
}

func newKeyExpire(c *cluster) *cobra.Command {
	o := &keyOptions{rotateOptions{cluster: c}}
	cmd := o.command("expire", "Take away old keys whose overlap is over", `
Take away the keys that were replaced and whose overlap is over. The key that signs stays.`, `
# Take away what has had its time
kubectl basicauth session-key expire -n monitoring

# Do not wait: who signed in before the last rotation is asked again
kubectl basicauth session-key expire --now`, o.expire)
	o.addNow(cmd, "Take away also those whose overlap is not over, which ends the sessions that they signed")
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
	return cmd
}

func newKeyList(c *cluster) *cobra.Command {
	o := &keyOptions{rotateOptions{cluster: c}}
	cmd := o.command("list", "List the keys by name, without showing them", `
List the keys in their order, by the names that the gates' log has for them: since when there is one
that rotate made, and until when one that was replaced is recognised.`, `
# Which key signs, and until when are the others recognised?
kubectl basicauth session-key list -n monitoring

# The same for programs
kubectl basicauth session-key list -o json`, o.list)
	cmd.Aliases = []string{"ls"}
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	return cmd
}

func (o *keyOptions) command(use, short, long, example string, run func(context.Context) error) *cobra.Command {
	return command(use, short, long, example, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		return run(cmd.Context())
	})
}

func (o *keyOptions) connect(w *write) (rotation.SessionKeys, error) {
	users, err := o.store(w)
	if err != nil {
		return rotation.SessionKeys{}, err
	}
	return rotation.SessionKeys{Store: users.SessionKeys(), Now: o.clock}, nil
}

func (o *keyOptions) rotate(ctx context.Context) error {
	if err := o.checkOverlap(); err != nil {
		return err
	}
	keys, err := o.connect(&o.write)
	if err != nil {
		return err
	}
	change, err := keys.Rotate(ctx, o.overlap)
	if err != nil {
		return err
	}
	o.warnAll(change.Warnings(keys.Store))
	if change.Created {
		say(o.ErrOut, "%s created%s\n", keys.Ref(), dryRunWords(keys.DryRun))
	}
	if ok, err := o.output.structured(o.Out, signing(o.rotated("SessionKeyRotation", keys.Store, change.Left).of(change, keys.Store, o.write))); ok {
		return err
	}
	if o.output == "name" {
		return emit(o.Out, change.Added+"\n")
	}
	lines := append(removed("session key ", keys.Store, change.Removed),
		fmt.Sprintf("session key %s added to %s%s; it signs as soon as the gates have read it, in a minute or so", change.Added, keys.Ref(), dryRunWords(keys.DryRun)))
	for _, v := range change.Left[1:] {
		lines = append(lines, fmt.Sprintf("session key %s is recognised until %s; kubectl basicauth session-key expire then takes it away", v.Name, moment(v.Until)))
	}
	return emitLines(o.Out, lines)
}

func (o *keyOptions) expire(ctx context.Context) error {
	keys, err := o.connect(&o.write)
	if err != nil {
		return err
	}
	change, err := keys.Expire(ctx, o.now)
	if err != nil {
		return err
	}
	o.warnAll(change.Warnings(keys.Store))
	r := signing(o.rotated("SessionKeyExpiry", keys.Store, change.Left).of(change, keys.Store, o.write))
	return o.printExpired(r, "session key ", keys.Store, change)
}

func (o *keyOptions) list(ctx context.Context) error {
	keys, err := o.connect(nil)
	if err != nil {
		return err
	}
	values, warnings, err := keys.List(ctx)
	if err != nil {
		return err
	}
	o.warnAll(warnings)
	rows := [][]string{{"KEY", "USE", "SINCE", "UNTIL"}}
	for i, v := range values {
		use := "signs"
		if i > 0 {
			use = "recognises"
		}
		rows = append(rows, []string{v.Name, use, moment(v.Since), o.until(v)})
	}
	return o.printList(signing(o.rotated("SessionKeyList", keys.Store, values)), rows)
}

// signing marks the first key.
func signing(r rotated) rotated {
	if len(r.Items) > 0 {
		r.Items[0].Signs = true
	}
	return r
}
