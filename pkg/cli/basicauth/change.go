package basicauth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// change is what -o json and -o yaml print of a command that changes users.
type change struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Secret     string `json:"secret"`
	Users      []done `json:"users"`
	DryRun     string `json:"dryRun,omitempty"`
}

type done struct {
	User     string     `json:"user"`
	Action   string     `json:"action"`             // added, changed, rotated, expired, removed, replaced, unchanged
	Password string     `json:"password,omitempty"` // only one that was generated, and is in force
	Until    *time.Time `json:"until,omitempty"`    // when the last old password may be taken away; of expired: when this one might have been
}

func newChange(store *userstore.Store, w write, users ...done) change {
	c := change{outputAPIVersion, "UserChange", store.Namespace, store.Name, users, ""}
	if store.DryRun != userstore.DryRunNone {
		c.DryRun = w.dryRun
	}
	return c
}

func (o *setOptions) print(store *userstore.Store, result userstore.Result, to destination, name, password string) error {
	inForce := store.DryRun == userstore.DryRunNone
	d, lines := o.told(store, result, name)
	if result.Created {
		say(o.ErrOut, "%s created%s\n", store.Ref(), dryRunNote(store))
	}
	if o.generate && inForce {
		d.Password = password
	}
	if ok, err := o.output.structured(o.Out, newChange(store, o.write, d)); ok {
		return err
	}
	switch {
	case o.output == "name":
		return emit(o.Out, name+"\n")
	case !o.generate && !o.output.forPrograms():
		return emit(o.Out, lines)
	}
	say(o.ErrOut, "%s", lines)
	switch {
	case !inForce: // a password that is not in force is not printed
		return nil
	case o.output.forPrograms():
		text, err := to.credential(o.output, name, password)
		if err != nil {
			return err
		}
		return emit(o.Out, text)
	}
	return emit(o.Out, password+"\n")
}

// told says what was done: for programs, and for people.
func (o *setOptions) told(store *userstore.Store, result userstore.Result, name string) (done, string) {
	switch {
	case o.add:
		return done{User: name, Action: "added"}, fmt.Sprintf("user %q added to %s%s\n", name, store.Ref(), dryRunNote(store))
	case !o.rotate:
		return done{User: name, Action: "changed"}, fmt.Sprintf("password of user %q changed in %s%s\n", name, store.Ref(), dryRunNote(store))
	}
	d := done{User: name, Action: "rotated"}
	var lines strings.Builder
	fmt.Fprintf(&lines, "password of user %q rotated in %s%s\n", name, store.Ref(), dryRunNote(store))
	user, _ := userstore.Find(htpasswd.Parse(result.Text), name)
	ends := map[time.Time]int{}
	for _, l := range result.Lines() {
		if l.User == user && !l.Until.IsZero() {
			ends[l.Until]++
		}
	}
	for _, until := range slices.SortedFunc(maps.Keys(ends), time.Time.Compare) {
		what := "an old password of user %q still counts until %s; kubectl basicauth user expire then takes it away\n"
		if n := ends[until]; n > 1 {
			what = fmt.Sprint(n) + " old passwords of user %q still count until %s; kubectl basicauth user expire then takes them away\n"
		}
		fmt.Fprintf(&lines, what, name, moment(until))
		d.Until = &until
	}
	return d, lines.String()
}

// present picks a user who must be there.
func present(store *userstore.Store, name string) userstore.Pick {
	return func(f *htpasswd.File) (string, error) {
		user, ok := userstore.Find(f, name)
		if !ok {
			return "", fmt.Errorf("%s: no user %q; kubectl basicauth user list shows who is there", store.Ref(), name)
		}
		return user, nil
	}
}

// stored does what follows a change of users: it brings the projections up to them, whose error it returns, and says what the
// change had to say.
func (c *cluster) stored(ctx context.Context, store *userstore.Store, result userstore.Result) error {
	behind := c.project(ctx, store, result.Meta)
	c.warnAll(result.Warnings())
	c.sayRemoved(store, result)
	return behind
}

// sayRemoved names the old passwords that a change took away by the way.
func (c *cluster) sayRemoved(store *userstore.Store, result userstore.Result) {
	const most = 10
	for _, line := range c.removedLines(store, result.Removed[:min(most, len(result.Removed))]) {
		say(c.ErrOut, "%s", line)
	}
	if more := len(result.Removed) - most; more > 0 {
		say(c.ErrOut, "and %d more\n", more)
	}
}

// removedLines is a line for each old password that was taken away.
func (c *cluster) removedLines(store *userstore.Store, removed []linenotes.Line) []string {
	var lines []string
	for _, l := range removed {
		end := "it would have counted until"
		if l.Over(c.clock()) {
			end = "its time was over at"
		}
		lines = append(lines, fmt.Sprintf("an old password of user %q removed from %s%s; %s %s\n", l.User, store.Ref(), dryRunNote(store), end, moment(l.Until)))
	}
	return lines
}
