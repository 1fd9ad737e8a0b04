package basicauth

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

func newProject(c *cluster) *cobra.Command {
	project := group("project", "Keep the users in the shapes that others want", `
Keep the users in the shapes that programs other than a gate want, each in a Secret of its own beside
the users. Every command that changes a user writes these Secrets too.

KIND             SECRET                  FOR
prometheus-web   the users Secret's      Prometheus, Alertmanager and exporters with
                 name and -web           --web.config.file, as kauth's mode native uses it
envoy            ... and -envoy          Envoy Gateway's SecurityPolicy, spec.basicAuth
haproxy          ... and -haproxy        HAProxy, as a userlist`, `
# The same users for Prometheus' own login
kubectl basicauth project add prometheus-web

# Which projections are kept, and are they up to date?
kubectl basicauth project list`)
	project.AddCommand(newProjectAdd(c), newProjectRemove(c), newProjectList(c), newProjectSync(c))
	return project
}

type projectOptions struct {
	*cluster
	write
	output output
}

// projectChange is what -o json and -o yaml print of a command that writes projections.
type projectChange struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Namespace  string           `json:"namespace"`
	Secret     string           `json:"secret"` // with the users
	Items      []projectionItem `json:"items"`
	DryRun     string           `json:"dryRun,omitempty"`
}

type projectionItem struct {
	Kind   string            `json:"kind"`
	Secret string            `json:"secret"`
	Action string            `json:"action,omitempty"` // added, removed, written, unchanged
	Users  int               `json:"users"`
	Left   []projection.Left `json:"left,omitempty"`
	Status string            `json:"status,omitempty"` // of project list: pass or fail
	Reason string            `json:"message,omitempty"`
}

func newProjectAdd(c *cluster) *cobra.Command {
	o := &projectOptions{cluster: c}
	cmd := command("add KIND", "Keep a projection of the users from now on", `
Write the users to a Secret in the shape that KIND names, and keep it in step with them from now on:
the users Secret, which is made when it is missing, gets an annotation that says so.

prometheus-web holds users with bcrypt hashes only, which is what user add makes; others are left out
and named. Without a user it refuses everybody. TLS settings cannot stand beside the users there.

envoy holds users with {SHA} hashes only, for Envoy reads no other; they have no salt, and are fit for
long random passwords alone. Without a user it holds one whom nobody can be. docs/projections.md shows
the SecurityPolicy.

haproxy holds users with bcrypt, sha256-crypt and sha512-crypt. Its key userlist.cfg is a piece of
configuration with a userlist called like the users Secret; HAProxy reads it when it starts or is
reloaded: until then, who was removed gets in.`, `
# The same users for Prometheus' own login
kubectl basicauth project add prometheus-web -n monitoring

# The users of another Secret for HAProxy; whom would it leave out?
kubectl basicauth project add haproxy --secret shop-users -n shop --dry-run=client
kubectl basicauth project add haproxy --secret shop-users -n shop`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args, "KIND ("+kindNames()+")"); err != nil {
			return err
		}
		kind, err := projection.Find(args[0])
		if err != nil {
			return usagef("KIND: %w", err)
		}
		return o.add(cmd.Context(), kind)
	})
	o.flags(cmd)
	return cmd
}

func (o *projectOptions) flags(cmd *cobra.Command) {
	cmd.ValidArgs, cmd.ValidArgsFunction = strings.Split(kindNames(), ", "), nil
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
}

func kindNames() string {
	var names []string
	for _, k := range projection.Kinds() {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

func (o *projectOptions) add(ctx context.Context, kind projection.Kind) error {
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	result, err := store.Project(ctx, kind)
	if err != nil {
		return err
	}
	o.warnAll(result.Warnings())
	if result.Created {
		say(o.ErrOut, "%s created%s\n", store.Ref(), dryRunNote(store))
	}
	item := projectionItem{Kind: kind.Name, Secret: kind.Secret(store.Name), Action: "added"}
	if store.DryRun == userstore.DryRunNone {
		all, err := o.sync(ctx, store, []string{kind.Name}, store.Resync)
		if err != nil {
			return err
		}
		for _, p := range all {
			item.Users, item.Left = p.Users, p.Left
		}
	} else { // the users Secret does not ask for it, so that nothing can be kept in step
		item.Users, item.Left = kind.Holds(htpasswd.Parse(result.Text))
		o.warnLeft(store.Namespace+"/"+item.Secret, item.Left)
	}
	if item.Users == 0 {
		warn(o.ErrOut, "Secret %s/%s: no users in it, so it refuses everybody", store.Namespace, item.Secret)
	}
	return o.print(store, fmt.Sprintf("projection %s of %s kept in Secret %s/%s%s\n", kind.Name, store.Ref(), store.Namespace, item.Secret, dryRunNote(store)), item)
}

func newProjectSync(c *cluster) *cobra.Command {
	o := &projectOptions{cluster: c}
	cmd := command("sync", "Bring all projections up to the users", `
Write every projection that is kept of the users from what is stored now. Each command that changes a
user does so itself; this is for one that was cut off, and for users that something else has written.`, `
# Mend what is behind
kubectl basicauth project sync -n monitoring`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		return o.syncAll(cmd.Context())
	})
	o.flags(cmd)
	return cmd
}

func (o *projectOptions) syncAll(ctx context.Context) error {
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	_, meta, err := store.Read(ctx)
	if err != nil {
		return err
	}
	if len(meta.Projections) == 0 {
		return fmt.Errorf("%s: no projection is kept of it; add one with kubectl basicauth project add KIND", store.Ref())
	}
	all, err := o.sync(ctx, store, meta.Projections, store.Resync)
	if err != nil {
		return err
	}
	var text strings.Builder
	var items []projectionItem
	for _, p := range all {
		item := projectionItem{Kind: p.Kind, Secret: p.Secret, Action: "unchanged", Users: p.Users, Left: p.Left}
		if p.Changed {
			item.Action = "written"
		}
		items = append(items, item)
		fmt.Fprintf(&text, "projection %s of %s %s: %s in Secret %s/%s%s\n", p.Kind, store.Ref(), item.Action, number(p.Users, "user"), store.Namespace, p.Secret, dryRunNote(store))
	}
	return o.print(store, text.String(), items...)
}

func newProjectList(c *cluster) *cobra.Command {
	o := &projectOptions{cluster: c}
	cmd := command("list", "List the projections that are kept of the users", `
List the projections that are kept of the users, and say whether each is up to date.`, `
# Which projections are kept, and are they up to date?
kubectl basicauth project list -n monitoring`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		return o.list(cmd.Context())
	})
	cmd.Aliases = []string{"ls"}
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	return cmd
}

func (o *projectOptions) list(ctx context.Context) error {
	store, err := o.cluster.store(nil)
	if err != nil {
		return err
	}
	f, meta, err := store.Read(ctx)
	if err != nil {
		return err
	}
	status := map[string]userstore.Check{}
	for _, check := range store.ProjectionChecks(ctx, f, meta) {
		if _, seen := status[check.Name]; !seen {
			status[check.Name] = check
		}
	}
	rows := [][]string{{"KIND", "SECRET", "LEFT OUT", "STATUS", "MESSAGE"}}
	var items []projectionItem
	for _, name := range meta.Projections {
		check := status["projection "+name]
		item := projectionItem{Kind: name, Status: string(check.Status), Reason: check.Message}
		if kind, err := projection.Find(name); err == nil {
			item.Secret = kind.Secret(store.Name)
			item.Users, item.Left = kind.Holds(f)
		}
		items = append(items, item)
		rows = append(rows, []string{name, item.Secret, strconv.Itoa(len(item.Left)), item.Status, item.Reason})
	}
	if len(items) == 0 && o.output == "table" {
		say(o.ErrOut, "%s: no projection is kept of it\n", store.Ref())
		return nil
	}
	var text strings.Builder
	if err := table(&text, rows); err != nil {
		return err
	}
	return o.print(store, text.String(), items...)
}

func (o *projectOptions) print(store *userstore.Store, text string, items ...projectionItem) error {
	change := projectChange{outputAPIVersion, "ProjectionList", store.Namespace, store.Name, append([]projectionItem{}, items...), ""}
	if store.DryRun != userstore.DryRunNone {
		change.DryRun = o.dryRun
	}
	if ok, err := o.output.structured(o.Out, change); ok {
		return err
	}
	if o.output == "name" {
		text = ""
		for _, item := range items {
			text += item.Kind + "\n"
		}
	}
	return emit(o.Out, text)
}
