package basicauth

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

type listOptions struct {
	*cluster
	output output
}

// userList is what -o json and -o yaml print. There is no hash in it.
type userList struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Namespace  string        `json:"namespace"`
	Secret     string        `json:"secret"`
	Items      []userItem    `json:"items"`
	Problems   []problemItem `json:"problems,omitempty"`
	// Projections are the kinds that kubectl basicauth project keeps of these users.
	Projections []string `json:"projections,omitempty"`
}

type userItem struct {
	User      string   `json:"user"`
	Line      int      `json:"line"`
	Algorithm string   `json:"algorithm"`
	Cost      int      `json:"cost,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

type problemItem struct {
	Line    int    `json:"line"`
	User    string `json:"user,omitempty"`
	Message string `json:"message"`
}

func newList(c *cluster) *cobra.Command {
	o := &listOptions{cluster: c}
	cmd := command("list", "List the users and what their hashes are worth", `
List the users of the Secret in the order of the file, with algorithm and cost of each hash. A hash
itself is never shown. Lines that cannot be used are named on standard error.`, `
# Who may get in, and what is each hash worth?
kubectl basicauth user list -n monitoring

# Names alone, one a line
kubectl basicauth user list -o name

# Users whose hash is not as it should be, by jq
kubectl basicauth user list -o json | jq -r '.items[] | select(.warnings).user'`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		return o.Run(cmd.Context())
	})
	cmd.Aliases = []string{"ls"}
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	return cmd
}

// Run lists the users.
func (o *listOptions) Run(ctx context.Context) error {
	store, err := o.store(nil)
	if err != nil {
		return err
	}
	f, meta, err := store.Read(ctx)
	if err != nil {
		return err
	}
	o.warnAll(meta.Warnings())
	o.warnProblems(store, f.Problems())
	list := userList{outputAPIVersion, "UserList", store.Namespace, store.Name, items(f, leftOut(f, meta)), nil, meta.Projections}
	for _, p := range f.Problems() {
		list.Problems = append(list.Problems, problemItem{p.Line, p.User, p.Message})
	}
	if ok, err := o.output.structured(o.Out, list); ok {
		return err
	}
	if o.output == "name" {
		var names strings.Builder
		for _, user := range f.Users() {
			names.WriteString(user + "\n")
		}
		return emit(o.Out, names.String())
	}
	if len(list.Items) == 0 {
		warn(o.ErrOut, "%s: no users, so nobody gets in; add one with kubectl basicauth user add", where(store))
		return nil
	}
	rows := [][]string{{"USER", "ALGORITHM", "COST", "WARNINGS"}}
	for _, item := range list.Items {
		cost, warnings := "-", "-"
		if item.Cost > 0 {
			cost = strconv.Itoa(item.Cost)
		}
		if len(item.Warnings) > 0 {
			warnings = strings.Join(item.Warnings, "; ")
		}
		rows = append(rows, []string{shown(item.User), item.Algorithm, cost, warnings})
	}
	return table(o.Out, rows)
}

// warnProblems names the first lines that cannot be used: a Secret of something else altogether has thousands.
func (o *listOptions) warnProblems(store *userstore.Store, problems []htpasswd.Problem) {
	const most = 20
	for _, p := range problems[:min(most, len(problems))] {
		warn(o.ErrOut, "%s: data.%s: %s", where(store), store.DataKey(), p)
	}
	if more := len(problems) - most; more > 0 {
		warn(o.ErrOut, "%s: data.%s: and %d more lines; kubectl basicauth verify lists them", where(store), store.DataKey(), more)
	}
}

// leftOut says by user why a projection that is kept cannot hold them as they are.
func leftOut(f *htpasswd.File, meta userstore.Meta) map[string][]string {
	reasons := map[string][]string{}
	for _, name := range meta.Projections {
		kind, err := projection.Find(name)
		if err != nil {
			continue // of a newer version; verify says so
		}
		for _, l := range kind.Left(f) {
			reasons[l.User] = append(reasons[l.User], name+": "+l.Reason)
		}
	}
	return reasons
}

func items(f *htpasswd.File, left map[string][]string) []userItem {
	entries := f.Entries()
	count := map[string]int{}
	for _, e := range entries {
		count[e.User]++
	}
	list := make([]userItem, 0, len(entries))
	for _, e := range entries {
		item := userItem{User: e.User, Line: e.Line, Algorithm: string(e.Hash.Algorithm()), Cost: e.Hash.Cost()}
		if weak := e.Hash.Weak(); weak != "" {
			item.Warnings = append(item.Warnings, weak)
		}
		if n := count[e.User]; n > 1 {
			item.Warnings = append(item.Warnings, "one of "+strconv.Itoa(n)+" passwords of this user")
		}
		item.Warnings = append(item.Warnings, left[e.User]...)
		list = append(list, item)
	}
	return list
}
