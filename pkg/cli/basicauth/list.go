package basicauth

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
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
	User      string `json:"user"`
	Line      int    `json:"line"`
	Algorithm string `json:"algorithm"`
	Cost      int    `json:"cost,omitempty"`
	// Changed is when a command of kubectl basicauth wrote the line, if one has.
	Changed *time.Time `json:"changed,omitempty"`
	// Until is when an old password may be taken away; Over, that this has not been done yet.
	Until    *time.Time `json:"until,omitempty"`
	Over     bool       `json:"over,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
}

type problemItem struct {
	Line    int    `json:"line"`
	User    string `json:"user,omitempty"`
	Message string `json:"message"`
}

func newList(c *cluster) *cobra.Command {
	o := &listOptions{cluster: c}
	cmd := command("list", "List the users and what their hashes are worth", `
List the users of the Secret in the order of the file, with algorithm and cost of each hash: since when
the password is there, unless something else than kubectl basicauth wrote it, and until when an old one
counts. A hash itself is never shown. Lines that cannot be used are named on standard error.`, `
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
	list := userList{outputAPIVersion, "UserList", store.Namespace, store.Name, items(meta.Lines(f), leftOut(f, meta), o.clock()), nil, meta.Projections}
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
		warn(o.ErrOut, "%s: no users, so nobody gets in; add one with kubectl basicauth user add", store.Ref())
		return nil
	}
	rows := [][]string{{"USER", "ALGORITHM", "COST", "CHANGED", "UNTIL", "WARNINGS"}}
	for _, item := range list.Items {
		cost, warnings := "-", "-"
		if item.Cost > 0 {
			cost = strconv.Itoa(item.Cost)
		}
		if len(item.Warnings) > 0 {
			warnings = strings.Join(item.Warnings, "; ")
		}
		rows = append(rows, []string{shown(item.User), item.Algorithm, cost, changed(item), ends(item), warnings})
	}
	return table(o.Out, rows)
}

// warnProblems names the first lines that cannot be used: a Secret of something else altogether has thousands.
func (o *listOptions) warnProblems(store *userstore.Store, problems []htpasswd.Problem) {
	const most = 20
	for _, p := range problems[:min(most, len(problems))] {
		warn(o.ErrOut, "%s: data.%s: %s", store.Ref(), store.DataKey(), p)
	}
	if more := len(problems) - most; more > 0 {
		warn(o.ErrOut, "%s: data.%s: and %d more lines; kubectl basicauth verify lists them", store.Ref(), store.DataKey(), more)
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
		_, left := kind.Holds(f)
		for _, l := range left {
			reasons[l.User] = append(reasons[l.User], name+": "+l.Reason)
		}
	}
	return reasons
}

func changed(i userItem) string {
	if i.Changed == nil {
		return "-"
	}
	return moment(*i.Changed)
}

// ends is the column that says until when an old password counts.
func ends(i userItem) string {
	switch {
	case i.Until == nil:
		return "-"
	case i.Over:
		return moment(*i.Until) + " (over)"
	}
	return moment(*i.Until)
}

func items(lines []linenotes.Line, left map[string][]string, now time.Time) []userItem {
	count := map[string]int{}
	for _, l := range lines {
		count[l.User]++
	}
	list, place := make([]userItem, 0, len(lines)), map[string]int{}
	for i := range lines {
		l := &lines[i]
		place[l.User]++
		item := userItem{User: l.User, Line: l.Line, Algorithm: string(l.Hash.Algorithm()), Cost: l.Hash.Cost(), Over: l.Over(now)}
		if !l.Since.IsZero() {
			item.Changed = &l.Since
		}
		if !l.Until.IsZero() {
			item.Until = &l.Until
		}
		if weak := l.Hash.Weak(); weak != "" {
			item.Warnings = append(item.Warnings, weak)
		}
		if n := count[l.User]; n > 1 {
			item.Warnings = append(item.Warnings, "one of "+strconv.Itoa(n)+" passwords of this user")
		}
		if place[l.User] > gateconf.MaxPasswords {
			item.Warnings = append(item.Warnings, userstore.Beyond)
		}
		item.Warnings = append(item.Warnings, left[l.User]...)
		list = append(list, item)
	}
	return list
}
