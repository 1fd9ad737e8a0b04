package userstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
)

// A Pick finds the user whom a command is about, in the spelling of the file, or says why it cannot be done.
type Pick func(*htpasswd.File) (string, error)

// MaxOverlap is how long an old password can count beside the new one.
const MaxOverlap = 10 * 365 * 24 * time.Hour

// Rotate gives a user one more hash, which comes first, and has the others count on for the overlap; one that counts less
// long already is left to that. Without an overlap they go at once. Lines of the user that no gate can use go too.
// Nothing watches the clock: what has had its time is taken away by the next edit, or by Expire.
func (s *Store) Rotate(ctx context.Context, pick Pick, hash htpasswd.Hash, overlap time.Duration) (Result, error) {
	return s.change(ctx, func(secret *corev1.Secret, file *htpasswd.File) error {
		user, err := pick(file)
		switch {
		case err != nil:
			return err
		case overlap <= 0:
			file.Set(user, hash)
			return nil
		}
		lines, err := s.readNotes(secret, file)
		if err != nil {
			return err
		}
		now := s.now()
		mine := func(l linenotes.Line) bool { return l.User == user }
		drop(file, &lines, func(l linenotes.Line) bool { return mine(l) && l.Hash == hash }) // it comes back as the first
		known, old := byLine(lines), 0
		for _, l := range lines {
			if mine(l) && !l.Over(now) {
				old++
			}
		}
		if old >= gateconf.MaxPasswords {
			return fmt.Errorf("%s: user %q would have %d passwords, and gates take %d; take all old ones away with --overlap 0, or those that user rotate has replaced with kubectl basicauth user expire --now", s.Ref(), user, old+1, gateconf.MaxPasswords)
		}
		file.Put(user, hash)
		lines = nil
		for _, e := range file.Entries() {
			l := known[keyOf(e)]
			switch l.Entry = e; {
			case e.User == user && e.Hash == hash:
				l.Since = now
			case e.User == user:
				if until := s.end(overlap); l.Until.IsZero() || until.Before(l.Until) {
					l.Until = until
				}
			}
			lines = append(lines, l)
		}
		return s.putNotes(secret, lines)
	}, false)
}

// Expire takes away old passwords whose time is over; with all, also those that still count. They are those of the user that pick
// finds, or of all users where it is nil.
func (s *Store) Expire(ctx context.Context, pick Pick, all bool) (Result, error) {
	var gone []linenotes.Line
	only := *s
	only.keepOver = true // of others
	result, err := only.change(ctx, func(secret *corev1.Secret, file *htpasswd.File) error {
		user := ""
		if pick != nil {
			var err error
			if user, err = pick(file); err != nil {
				return err
			}
		}
		lines, err := s.readNotes(secret, file)
		if err != nil {
			return err
		}
		now := s.now()
		gone = drop(file, &lines, func(l linenotes.Line) bool {
			return (pick == nil || l.User == user) && !l.Until.IsZero() && (all || l.Over(now))
		})
		return nil
	}, false)
	result.Removed = gone
	return result, err
}

// readNotes returns the lines with what is known of them. That is nothing where the annotation is broken: Meta.Warnings says so.
func (s *Store) readNotes(secret *corev1.Secret, file *htpasswd.File) ([]linenotes.Line, error) {
	lines, err := linenotes.Lines(file, secret.Annotations[gateconf.AnnotationUsers])
	if errors.Is(err, linenotes.ErrNewer) {
		return nil, fmt.Errorf("%s: metadata.annotations[%s]: %w; update this one", s.Ref(), gateconf.AnnotationUsers, err)
	}
	return lines, nil
}

// end is when what is replaced now may be taken away, never before the overlap is over.
func (s *Store) end(overlap time.Duration) time.Time {
	return s.clock().Add(overlap + time.Second - 1).Truncate(time.Second)
}
