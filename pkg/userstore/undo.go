package userstore

import (
	"bytes"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// Undone says what Undo did.
type Undone struct {
	Result
	Users Difference

	Entry *history.Entry // the change before which the users are now; its text is secret
	// Revived is the last change that is kept of a Secret that was gone: the users are now what they were after it, if Entry is
	// another, and otherwise what they were before it. nil: the Secret was there.
	Revived *history.Entry
	Left    int // users that there are now

	Again []linenotes.Line // passwords that count again; those with an Until are old ones
	Stay  []linenotes.Line // old passwords of Users.Changed that counted and still do
	Gone  []linenotes.Line // passwords of Users.Changed that count no more

	lost    error  // why it is not known until when old passwords count
	history string // the name of its Secret
}

// Undo puts the users back to what they were before one change, and is a change itself, whose entry says so. to names an entry;
// empty, it is the last change that is no undo and was not undone. Users that something else has changed since are not
// touched unless force says so. Users whose Secret is gone come back. Old passwords come back with the end that they had, and none is
// taken away because its time is over.
func (s *Store) Undo(ctx context.Context, to string, force bool) (Undone, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := undoing{store: s, to: to, force: force}
	keep := s.record(ctx)
	noted := *s
	noted.ownNotes = true
	result, err := noted.changeAs(ctx, keep, func(secret *corev1.Secret, file *htpasswd.File) error {
		entry, err := u.choose(ctx, secret)
		if err != nil {
			return err
		}
		then := htpasswd.Parse(entry.Text)
		u.done.Entry, u.done.Users, u.done.Left = entry, Compare(file, then), len(then.Users())
		if keep != nil {
			keep.entry.Undid = entry.ID
		}
		if bytes.Equal(file.Bytes(), then.Bytes()) {
			return nil
		}
		return u.putBack(secret, file, then)
	}, true)
	if err != nil {
		return Undone{}, err
	}
	u.done.Result = result
	return u.done, nil
}

// Changes returns the changes of the users that are kept, with what became of each. A history that is missing is an error that
// apierrors.IsNotFound recognises; users that are missing are none.
func (s *Store) Changes(ctx context.Context) (*history.Chain, error) {
	users, err := s.secret().Get(ctx)
	if apierrors.IsNotFound(err) {
		users = &corev1.Secret{}
	} else if err != nil {
		return nil, err
	}
	return s.History().Read(ctx, users, history.Digest(users.Data[s.DataKey()]))
}

// undoing is one Undo, whose edit may be tried several times.
type undoing struct {
	store *Store
	to    string
	force bool
	done  Undone

	tried bool
	head  string // the last change of the users when it was first tried
}

// choose returns the entry whose text is to be put back.
func (u *undoing) choose(ctx context.Context, users *corev1.Secret) (*history.Entry, error) {
	s := u.store
	u.done = Undone{history: s.History().Ref()}
	text := users.Data[s.DataKey()]
	digest := history.Digest(text)
	chain, err := s.History().Read(ctx, users, digest)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%s: not found, so no change of %s was kept, and there is nothing to undo; the next change is kept%w", s.History().Ref(), s.Ref(), secretstore.Silent(err))
	} else if err != nil {
		return nil, err
	}
	head := users.Annotations[gateconf.AnnotationChange]
	if u.tried && head != u.head {
		return nil, fmt.Errorf("%s: changed by %s meanwhile; nothing was undone, see kubectl basicauth undo --list and try again", s.Ref(), described(chain.Find(head), head))
	}
	u.tried, u.head = true, head
	if made := chain.Last(); users.UID != "" && chain.Find(head) == nil && made != nil && made.After == digest {
		head = made.ID // the mark is lost, as where the Secret was replaced from a file, but the users are as this change left them
	}

	entry, err := u.wanted(chain, users, head)
	if err != nil {
		return nil, err
	}
	if entry.Damage() != "" {
		return nil, fmt.Errorf("%s: %s, so what was before %s is lost; choose another with --to", s.History().Ref(), entry.Damage(), entry.ID)
	}
	last := entry // the change that the users of now are to be of
	if newest := chain.Find(head); newest != nil && (u.to != "" || newest.After != digest) {
		last = newest
	} else if u.to != "" {
		last = nil
	}
	known := users.UID == "" || entry.Before == digest || last != nil && last.After == digest && (u.to != "" || last == entry)
	if !known && !u.force {
		return nil, u.refuse(last, text, entry)
	}
	return entry, nil
}

// wanted returns the entry that --to names, or what is undone without it.
func (u *undoing) wanted(chain *history.Chain, users *corev1.Secret, head string) (*history.Entry, error) {
	s := u.store
	if u.to != "" {
		if entry := chain.Find(u.to); entry != nil {
			return entry, nil
		}
		return nil, fmt.Errorf("%s: no change %q in it; kubectl basicauth undo --list shows which there are", s.History().Ref(), u.to)
	}
	entry := chain.Next(head)
	if entry == nil && chain.Find(head) == nil { // gone, or made by something else
		entry = chain.Last()
	}
	if entry == nil {
		return nil, fmt.Errorf("%s: nothing further back is kept of %s; kubectl basicauth undo --list shows what is, --to puts it back", s.History().Ref(), s.Ref())
	}
	if users.UID != "" {
		return entry, nil
	}
	u.done.Revived = entry
	if after := chain.Holding(entry.After); after != nil {
		return after, nil
	}
	if len(htpasswd.Parse(entry.Text).Users()) == 0 && entry.Damage() == "" {
		return nil, fmt.Errorf("%s: not found, and before the last change that is kept, %s, it had no users; kubectl basicauth undo --list shows what else is kept, --to puts it back", s.Ref(), described(entry, ""))
	}
	return entry, nil
}

func (u *undoing) refuse(last *history.Entry, text []byte, entry *history.Entry) error {
	since := "by something that keeps no history"
	if last != nil {
		since = "by something else since " + described(last, "")
	}
	what := Compare(htpasswd.Parse(text), htpasswd.Parse(entry.Text))
	return fmt.Errorf("%s: data.%s: changed %s; to undo would %s; nothing was changed, add --force to do it all the same", u.store.Ref(), u.store.DataKey(), since, what)
}

// described names a change as people know it: `"user add alice" of 2026-11-22T20:22:26Z by admin`.
func described(e *history.Entry, otherwise string) string {
	if e == nil {
		if otherwise == "" {
			return "something else"
		}
		return otherwise
	}
	text := fmt.Sprintf("%q of %s", e.Command, e.When.UTC().Format(time.RFC3339))
	if e.Who != "" {
		text += " by " + e.Who
	}
	return text
}
