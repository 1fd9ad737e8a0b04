package basicauth

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/projection"
)

func newProjectRemove(c *cluster) *cobra.Command {
	o := &projectOptions{cluster: c}
	cmd := command("remove KIND", "Keep a projection no more, and delete its Secret", `
Keep a projection of the users no more, and delete its Secret. A pod that mounts the Secret keeps what
it has read, so that whoever got in still does, and does not start again without it: take mode native
out of the release first, and what else reads the Secret.`, `
# Prometheus asks for no password of its own any more
kubectl basicauth project remove prometheus-web -n monitoring`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args, "KIND ("+kindNames()+")"); err != nil {
			return err
		}
		kind, err := projection.Find(args[0])
		if err != nil {
			return usagef("KIND: %w", err)
		}
		return o.remove(cmd.Context(), kind)
	})
	cmd.Aliases = []string{"rm", "delete"}
	o.flags(cmd)
	return cmd
}

func (o *projectOptions) remove(ctx context.Context, kind projection.Kind) error {
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	marked, deleted, err := store.Unproject(ctx, kind)
	if err != nil {
		return err
	}
	if !marked && !deleted {
		return fmt.Errorf("%s: no projection %s; kubectl basicauth project list shows which there are", store.Ref(), kind.Name)
	}
	item := projectionItem{Kind: kind.Name, Secret: kind.Secret(store.Name), Action: "removed"}
	with := fmt.Sprintf(" with Secret %s/%s%s", store.Namespace, item.Secret, dryRunNote(store))
	if !deleted {
		with = fmt.Sprintf("%s; there was no Secret %s/%s of it", dryRunNote(store), store.Namespace, item.Secret)
	}
	return o.print(store, fmt.Sprintf("projection %s of %s removed%s\n", kind.Name, store.Ref(), with), item)
}
