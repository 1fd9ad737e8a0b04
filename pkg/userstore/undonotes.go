package userstore

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
)

// ends is what the annotation about lines says of the old passwords of a users Secret, and of nothing else: for the history, as an
// annotation would have it. It is empty where there are none, and where the annotation cannot be read.
func (s *Store) ends(users *corev1.Secret) string {
	lines, err := linenotes.Lines(htpasswd.Parse(users.Data[s.DataKey()]), users.Annotations[gateconf.AnnotationUsers])
	if err != nil {
		return ""
	}
	for i := range lines {
		if lines[i].Until.IsZero() {
			lines[i] = linenotes.Line{Entry: lines[i].Entry}
		}
	}
	text, _ := linenotes.Text(lines, maxNotes) // they come of such a text
	return text
}

// putBack makes then, which is the text of an entry, the users. Their old passwords have the end that they had then, neither more time nor
// less: a password that was old then would count for ever else. Those whose time is over by now are put back all the same, for
// that is what undoing user expire is for; the next change takes them away.
//
// Where the end of then cannot be read, what stands there now keeps the end that it has now.
func (u *undoing) putBack(users *corev1.Secret, file, then *htpasswd.File) error {
	s := u.store
	now, err := linenotes.Lines(file, users.Annotations[gateconf.AnnotationUsers])
	newer := errors.Is(err, linenotes.ErrNewer)
	lines, lost := linenotes.Lines(then, u.done.Entry.Ends)
	u.done.lost = lost
	here, old := byLine(now), false
	for i := range lines {
		l := &lines[i]
		was, stays := here[keyOf(l.Entry)]
		if stays && !was.Since.IsZero() {
			l.Since = was.Since
		}
		if stays && lost != nil {
			l.Until = was.Until
		}
		if !stays && l.Since.IsZero() {
			l.Since = s.now()
		}
		old = old || !l.Until.IsZero()
	}
	lines = linenotes.Current(lines)
	u.compare(now, lines)
	*file = *then
	switch {
	case newer && old:
		return fmt.Errorf("%s: metadata.annotations[%s]: %w, and users have old passwords again, whose end is to stand there; update this one", s.Ref(), gateconf.AnnotationUsers, err)
	case newer:
		return nil
	}
	return s.putNotes(users, lines)
}

// compare finds which passwords come and go.
func (u *undoing) compare(now, then []linenotes.Line) {
	was, will := byLine(now), byLine(then)
	changed := map[string]bool{}
	for _, user := range u.done.Users.Changed {
		changed[user] = true
	}
	for _, l := range then {
		switch _, stays := was[keyOf(l.Entry)]; {
		case !stays:
			u.done.Again = append(u.done.Again, l)
		case changed[l.User] && !l.Until.IsZero():
			u.done.Stay = append(u.done.Stay, l)
		}
	}
	for _, l := range now {
		if _, stays := will[keyOf(l.Entry)]; !stays && changed[l.User] {
			u.done.Gone = append(u.done.Gone, l)
		}
	}
}

// Warnings are those of Result, and that the end of old passwords is not known.
func (u Undone) Warnings() []string {
	warnings := u.Result.Warnings()
	if u.lost != nil {
		warnings = append(warnings, fmt.Sprintf("%s: data.%s.json: ends: %v, so until when old passwords of then count is unknown; user passwd takes away a user's old passwords", u.history, u.Entry.ID, u.lost))
	}
	return warnings
}
