package basicauth

import (
	"context"
	"time"

	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// project brings the projections up to the users after a change, which is stored by then: so it goes on where the user
// interrupts, for a while. A dry run of the change stores no users from which projections could be made.
func (c *cluster) project(ctx context.Context, store *userstore.Store, meta userstore.Meta) error {
	if len(meta.Projections) == 0 || store.DryRun != userstore.DryRunNone {
		return nil
	}
	_, err := c.sync(ctx, store, meta.Projections, store.Sync)
	return err
}

// syncFor is how long the projections are tried for when nobody waits for them any more.
const syncFor = 30 * time.Second

// syncing is Sync or Resync of the store.
type syncing func(context.Context, []string) ([]userstore.Projected, error)

// sync writes projections, and names whom they leave out.
func (c *cluster) sync(ctx context.Context, store *userstore.Store, names []string, write syncing) ([]userstore.Projected, error) {
	kept, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(syncFor, cancel) })
	defer stop()
	all, err := write(kept, names)
	for _, p := range all {
		if p.Created {
			say(c.ErrOut, "Secret %s/%s created%s\n", store.Namespace, p.Secret, dryRunNote(store))
		}
		c.warnLeft(store.Namespace+"/"+p.Secret, p.Left)
	}
	return all, err
}

// warnLeft names the first users whom a projection leaves out.
func (c *cluster) warnLeft(secret string, left []projection.Left) {
	const most = 10
	for _, l := range left[:min(most, len(left))] {
		warn(c.ErrOut, "Secret %s: user %q: %s", secret, l.User, l.Reason)
	}
	if more := len(left) - most; more > 0 {
		warn(c.ErrOut, "Secret %s: and %d more; kubectl basicauth verify lists them", secret, more)
	}
}
