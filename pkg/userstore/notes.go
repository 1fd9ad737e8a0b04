package userstore

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
)

// What annotations may take, in bytes: all of an object (TotalAnnotationSizeLimitB of Kubernetes), and ours at most.
const (
	allAnnotations = 256 << 10
	maxNotes       = 240 << 10
)

// note brings the annotation about lines up to what an edit made of the users, in the same write: a line that is new is there
// since now. Old passwords whose time is over are taken away by the way, and returned. old and noted are the text and the
// annotation before the edit. An edit that changes no line changes nothing here either, so that nothing is written for it.
//
// An annotation that cannot be read is written anew: what it had to tell is lost either way, and were it kept, nobody would know
// of the next old passwords until when they count. One of a newer version is left as it is.
func (s *Store) note(secret *corev1.Secret, old []byte, noted string, file *htpasswd.File) ([]linenotes.Line, error) {
	if s.ownNotes || bytes.Equal(old, file.Bytes()) {
		return nil, nil
	}
	text := secret.Annotations[gateconf.AnnotationUsers]
	lines, err := linenotes.Lines(file, text)
	if errors.Is(err, linenotes.ErrNewer) {
		return nil, nil
	}
	before, _ := linenotes.Lines(htpasswd.Parse(old), noted)
	known := byLine(before)
	now := s.now()
	for i := range lines {
		l := &lines[i]
		was, here := known[keyOf(l.Entry)]
		switch {
		case text == noted: // the edit knew nothing of it
			l.Since, l.Until = was.Since, was.Until
			if !here {
				l.Since = now
			}
		case !here && l.Since.IsZero():
			l.Since = now
		}
	}
	lines = linenotes.Current(lines)
	var gone []linenotes.Line
	if !s.keepOver {
		gone = drop(file, &lines, func(l linenotes.Line) bool { return l.Over(now) })
	}
	err = s.putNotes(secret, lines)
	if errors.Is(err, linenotes.ErrFull) && text == noted {
		err = nil // it has no more old passwords than before, and others have taken its place: it stays as it is
	}
	return gone, err
}

// A lineKey tells lines apart.
type lineKey struct {
	user string
	hash htpasswd.Hash
}

func keyOf(e htpasswd.Entry) lineKey { return lineKey{e.User, e.Hash} }

func byLine(lines []linenotes.Line) map[lineKey]linenotes.Line {
	known := make(map[lineKey]linenotes.Line, len(lines))
	for _, l := range lines {
		known[keyOf(l.Entry)] = l
	}
	return known
}

// drop takes lines out of a file and of the list of its lines, and returns them.
func drop(file *htpasswd.File, lines *[]linenotes.Line, gone func(linenotes.Line) bool) []linenotes.Line {
	var dropped, left []linenotes.Line
	numbers := map[int]bool{}
	for _, l := range *lines {
		if gone(l) {
			dropped = append(dropped, l)
			numbers[l.Line] = true
		} else {
			left = append(left, l)
		}
	}
	if len(dropped) > 0 {
		file.Drop(func(e htpasswd.Entry) bool { return numbers[e.Line] })
		*lines = left
	}
	return dropped
}

// putNotes writes what is known of all lines of the users.
func (s *Store) putNotes(secret *corev1.Secret, lines []linenotes.Line) error {
	room := allAnnotations - len(gateconf.AnnotationUsers)
	for key, value := range secret.Annotations {
		if key != gateconf.AnnotationUsers {
			room -= len(key) + len(value)
		}
	}
	text, err := linenotes.Text(lines, min(room, maxNotes))
	switch {
	case err != nil:
		return fmt.Errorf("%s: metadata.annotations[%s]: %w; take old ones away with kubectl basicauth user expire, or rotate with --overlap 0", s.Ref(), gateconf.AnnotationUsers, err)
	case text == "":
		delete(secret.Annotations, gateconf.AnnotationUsers)
	default:
		metav1.SetMetaDataAnnotation(&secret.ObjectMeta, gateconf.AnnotationUsers, text)
	}
	return nil
}

// now is the time in whole seconds, as it is written down.
func (s *Store) now() time.Time { return s.clock().Truncate(time.Second) }

func (s *Store) clock() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

// Lines returns the good lines of the users that Read returned with m, and what is known of them.
func (m Meta) Lines(file *htpasswd.File) []linenotes.Line {
	lines, _ := linenotes.Lines(file, m.notes) // Warnings has the error
	return lines
}

// Lines returns the good lines of the users as they are now.
func (r Result) Lines() []linenotes.Line {
	lines, _ := linenotes.Lines(htpasswd.Parse(r.Text), r.notes)
	return lines
}

// noteWarnings says what is wrong with the annotation about lines.
func (m Meta) noteWarnings() []string {
	err := linenotes.Valid(m.notes)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, linenotes.ErrNewer):
		return []string{fmt.Sprintf("%s: metadata.annotations[%s]: %v, so since when passwords are there is unknown; update to rotate them", m.ref, gateconf.AnnotationUsers, err)}
	}
	return []string{fmt.Sprintf("%s: metadata.annotations[%s]: %v, so until when old passwords count is unknown; the next change of a user writes it anew, and user passwd takes away a user's old passwords", m.ref, gateconf.AnnotationUsers, err)}
}
