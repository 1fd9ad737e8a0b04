// Package linenotes owns what is known of the lines of a users Secret beside what they say: since when each is there, and until
// when an old password counts. It writes that as one text, which stands in an annotation.
package linenotes

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// A Line is a good line of a users Secret. Times are of whole seconds, in UTC.
type Line struct {
	htpasswd.Entry
	Since time.Time // when it was first seen by a command that wrote the users; zero: unknown
	Until time.Time // of an old password: when it may be taken away; zero: it stays
}

// Over says whether the line is of an old password whose time is over.
func (l Line) Over(now time.Time) bool { return !l.Until.IsZero() && !l.Until.After(now) }

// The errors of Lines and Text.
var (
	ErrBroken = errors.New("cannot be read")
	ErrNewer  = errors.New("is of a newer kubectl basicauth")
	ErrFull   = errors.New("no room for more old passwords")
)

// version begins each text. After it comes, in base64, a record of each line of which anything is known, in the order of their
// bytes: a digest, then since and until as seconds since 1970, 0 for none; and a CRC-32 of all before it.
const version = "v1:"

const (
	digestSize = 6
	recordSize = digestSize + 4 + 4
	sumSize    = 4
)

var versions = regexp.MustCompile(`^v[0-9]+:`)

var encoding = base64.RawStdEncoding.Strict()

type digest [digestSize]byte

type record [recordSize]byte

// Lines returns the good lines of a file in their order, with what text has to say of each. Lines that something else has written
// are not found in it: nothing is known of them. A text that is not one of Text is an error, which wraps ErrBroken or ErrNewer;
// the lines are returned all the same, and nothing is known of any.
//
// Until is void where it would leave a user without a password: of one who has none but old ones, the first counts on.
func Lines(file *htpasswd.File, text string) ([]Line, error) {
	entries := file.Entries()
	lines := make([]Line, len(entries))
	known, err := parse(text)
	for i, d := range digests(entries) {
		lines[i].Entry = entries[i]
		if r, ok := known[d]; ok {
			lines[i].Since, lines[i].Until = r.times()
		}
	}
	return Current(lines), err
}

// Current takes the Until from the first line of each user whose lines all have one, and returns lines.
func Current(lines []Line) []Line {
	first, stays := map[string]int{}, map[string]bool{}
	for i, l := range lines {
		if _, seen := first[l.User]; !seen {
			first[l.User] = i
		}
		stays[l.User] = stays[l.User] || l.Until.IsZero()
	}
	for user, i := range first {
		if !stays[user] {
			lines[i].Until = time.Time{}
		}
	}
	return lines
}

// Text writes what is known of lines, which are all of a file in their order, in at most room bytes. What does not fit is
// dropped, the oldest Since first; but an Until never: where these alone are too many, it is ErrFull. The text is empty where
// nothing is known.
func Text(lines []Line, room int) (string, error) {
	entries := make([]htpasswd.Entry, len(lines))
	for i, l := range lines {
		entries[i] = l.Entry
	}
	ends, rest := []record{}, []record{}
	for i, d := range digests(entries) {
		switch r := newRecord(d, lines[i]); {
		case !lines[i].Until.IsZero():
			ends = append(ends, r)
		case !lines[i].Since.IsZero():
			rest = append(rest, r)
		}
	}
	fits := (encoding.DecodedLen(max(room-len(version), 0)) - sumSize) / recordSize
	if len(ends) > fits {
		return "", ErrFull
	}
	if more := len(ends) + len(rest) - fits; more > 0 {
		slices.SortStableFunc(rest, func(a, b record) int { return bytes.Compare(a[digestSize:], b[digestSize:]) })
		rest = rest[more:]
	}
	records := slices.Concat(ends, rest)
	slices.SortFunc(records, func(a, b record) int { return bytes.Compare(a[:], b[:]) })
	records = slices.Compact(records) // a line that stands twice
	if len(records) == 0 {
		return "", nil
	}
	raw := make([]byte, 0, len(records)*recordSize+sumSize)
	for _, r := range records {
		raw = append(raw, r[:]...)
	}
	return version + encoding.EncodeToString(binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))), nil
}

// Valid returns the error that Lines has for a text, if any.
func Valid(text string) error {
	_, err := parse(text)
	return err
}

func parse(text string) (map[digest]record, error) {
	encoded, ours := strings.CutPrefix(text, version)
	switch {
	case text == "":
		return nil, nil
	case !ours && versions.MatchString(text):
		return nil, fmt.Errorf("%w (%s)", ErrNewer, strings.TrimSuffix(versions.FindString(text), ":"))
	case !ours:
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrBroken, version)
	case strings.ContainsAny(encoded, "\r\n"): // which base64 passes over
		return nil, fmt.Errorf("%w: it has line breaks", ErrBroken)
	}
	raw, err := encoding.DecodeString(encoded)
	size := len(raw) - sumSize
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	case size < recordSize || size%recordSize != 0:
		return nil, fmt.Errorf("%w: %d bytes, which is no number of records", ErrBroken, len(raw))
	case crc32.ChecksumIEEE(raw[:size]) != binary.BigEndian.Uint32(raw[size:]):
		return nil, fmt.Errorf("%w: its checksum is wrong", ErrBroken)
	}
	known := make(map[digest]record, size/recordSize)
	for r := range slices.Chunk(raw[:size], recordSize) {
		known[digest(r)] = record(r)
	}
	return known, nil
}

func newRecord(d digest, l Line) (r record) {
	copy(r[:], d[:])
	binary.BigEndian.PutUint32(r[digestSize:], stamp(l.Since))
	binary.BigEndian.PutUint32(r[digestSize+4:], stamp(l.Until))
	return r
}

func (r record) times() (since, until time.Time) {
	return moment(binary.BigEndian.Uint32(r[digestSize:])), moment(binary.BigEndian.Uint32(r[digestSize+4:]))
}

// stamp returns the seconds since 1970, 0 for the zero time alone. What is outside of 1970 to 2106 is written as the nearest
// second within.
func stamp(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(min(max(t.Unix(), 1), math.MaxUint32))
}

func moment(stamp uint32) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	return time.Unix(int64(stamp), 0).UTC()
}

// digests names each line. Annotations are shown where data is not, by kubectl describe and by many a dashboard, and nobody is
// to guess passwords by one: so there is only what cannot be found without a salt of 64 random bits or more. Lines with another
// hash go by user, algorithm, and how many like them come behind, for rotate puts the new before the old.
func digests(entries []htpasswd.Entry) []digest {
	type like struct {
		user      string
		algorithm htpasswd.Algorithm
	}
	behind := map[like]uint32{}
	all := make([]digest, len(entries))
	text := []byte{}
	for i, e := range slices.Backward(entries) {
		text = append(append(text[:0], e.User...), ':') // no name has a colon
		if salted(e.Hash) {
			text = append(text, e.Hash.String()...)
		} else {
			kind := like{e.User, e.Hash.Algorithm()}
			text = binary.BigEndian.AppendUint32(append(append(text, kind.algorithm...), ':'), behind[kind])
			behind[kind]++
		}
		sum := sha256.Sum256(text)
		all[i] = digest(sum[:])
	}
	return all
}

// minSalt is the number of characters of a salt that make 64 bits, six of them each.
const minSalt = 11

func salted(h htpasswd.Hash) bool {
	switch h.Algorithm() {
	case htpasswd.Bcrypt:
		return true
	case htpasswd.SHA256Crypt, htpasswd.SHA512Crypt:
		parts := strings.Split(h.String(), "$") // "", "5", perhaps "rounds=N", salt, sum
		return len(parts) > 3 && len(parts[len(parts)-2]) >= minSalt
	case htpasswd.APR1, htpasswd.SHA1, htpasswd.SSHA:
	}
	return false
}
