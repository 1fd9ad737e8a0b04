package basicauth

import (
	"fmt"
	"strings"
	"time"

	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/linenotes"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// undoText is a line for each user, in the words of the commands that change them, one for each old password that counts, and one
// that says what was undone.
func undoText(store *userstore.Store, u userstore.Undone, users []done, now time.Time) string {
	var text strings.Builder
	const most = 50
	note := dryRunNote(store)
	again, stay, gone := byUser(u.Again), byUser(u.Stay), byUser(u.Gone)
	for _, d := range users[:min(most, len(users))] {
		switch {
		case d.Action == "added":
			fmt.Fprintf(&text, "user %q added to %s with the password of then%s\n", d.User, store.Ref(), note)
		case d.Action == "removed":
			fmt.Fprintf(&text, "user %q removed from %s%s\n", d.User, store.Ref(), note)
		case len(again[d.User]) > len(oldOnes(again[d.User])):
			fmt.Fprintf(&text, "password of user %q changed in %s: the one of before counts again%s\n", d.User, store.Ref(), note)
		case len(gone[d.User]) > 0:
			fmt.Fprintf(&text, "password of user %q changed in %s: the newer one counts no more, the one of before stays%s\n", d.User, store.Ref(), note)
		case len(again[d.User]) == 0:
			fmt.Fprintf(&text, "password of user %q changed in %s: the one of before comes first again%s\n", d.User, store.Ref(), note)
		}
		for _, l := range oldOnes(again[d.User]) {
			text.WriteString(oldCounts(l, "counts again in "+store.Ref()+note, now))
		}
		for _, l := range stay[d.User] {
			text.WriteString(oldCounts(l, "still counts in "+store.Ref()+note, now))
		}
	}
	if more := len(users) - most; more > 0 {
		fmt.Fprintf(&text, "and %d users more; -o json or -o name names them all\n", more)
	}
	switch {
	case !u.Changed:
		fmt.Fprintf(&text, "nothing to change: the users are as before %s\n", named(u.Entry))
	case u.Revived != nil && u.Revived != u.Entry:
		fmt.Fprintf(&text, "%s is back as it was after %s%s\n", store.Ref(), named(u.Revived), note)
	case u.Revived != nil:
		fmt.Fprintf(&text, "%s is back as it was before %s, which is not in it%s\n", store.Ref(), named(u.Revived), note)
	case len(users) == 0:
		fmt.Fprintf(&text, "no user changed, but comments or lines that no gate can use: as before %s%s\n", named(u.Entry), note)
	default:
		fmt.Fprintf(&text, "undone: the users are as before %s%s\n", named(u.Entry), note)
	}
	return text.String()
}

// oldCounts says of an old password that an undo has put back or left until when it counts.
func oldCounts(l linenotes.Line, counts string, now time.Time) string {
	if l.Over(now) {
		return fmt.Sprintf("an old password of user %q %s; its time was over at %s, so kubectl basicauth user expire takes it away, as does the next change of a user\n", l.User, counts, moment(l.Until))
	}
	return fmt.Sprintf("an old password of user %q %s until %s; kubectl basicauth user expire then takes it away\n", l.User, counts, moment(l.Until))
}

func byUser(lines []linenotes.Line) map[string][]linenotes.Line {
	users := map[string][]linenotes.Line{}
	for _, l := range lines {
		users[l.User] = append(users[l.User], l)
	}
	return users
}

func oldOnes(lines []linenotes.Line) []linenotes.Line {
	var old []linenotes.Line
	for _, l := range lines {
		if !l.Until.IsZero() {
			old = append(old, l)
		}
	}
	return old
}

// named is a change as lines for people have it.
func named(e *history.Entry) string {
	by := ""
	if e.Who != "" {
		by = " by " + shown(e.Who)
	}
	return fmt.Sprintf("%q of %s%s", e.Command, moment(e.When), by)
}

// changes are the users whom an undo changed, with the end of the last old password that each has.
func changes(u userstore.Undone) []done {
	until := map[string]time.Time{}
	for _, lines := range [][]linenotes.Line{u.Again, u.Stay} {
		for _, l := range lines {
			if l.Until.After(until[l.User]) {
				until[l.User] = l.Until
			}
		}
	}
	var users []done
	for _, part := range []struct {
		action string
		users  []string
	}{{"added", u.Users.Added}, {"removed", u.Users.Removed}, {"changed", u.Users.Changed}} {
		for _, user := range part.users {
			d := done{User: user, Action: part.action}
			if end, has := until[user]; has {
				d.Until = &end
			}
			users = append(users, d)
		}
	}
	return users
}

// countAgain names the users who changed and of whom a password counts again.
func countAgain(u userstore.Undone) []string {
	again := byUser(u.Again)
	var users []string
	for _, user := range u.Users.Changed {
		if len(again[user]) > 0 {
			users = append(users, user)
		}
	}
	return users
}
