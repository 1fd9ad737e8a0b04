// Package htpasswd owns the htpasswd file format: it parses, matches, edits and prints user:hash lines, and makes new
// hashes. Whatever it does not change keeps its bytes.
package htpasswd

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxLine is the longest line in bytes, without its ending. Apache reads lines into a buffer of 8192 bytes and stops
// reading users at the first line that does not fit (ap_cfg_getline, MAX_STRING_LEN).
const maxLine = 8190

// File is one htpasswd file as a list of lines. Methods that only read may be called by many goroutines at once.
type File struct {
	lines  []line
	byUser map[string]int // user → index of the first of its lines, good or bad
}

// A line keeps its bytes. Of those about a user, next links to the same user's next line; 0 ends the list.
type line struct {
	raw    string // with its ending
	user   string // empty: a comment, a blank line, or a line about nobody
	hash   Hash   // zero: not a good line
	reason string // why not, when it ought to be one
	next   int
	last   int // of a user's first line: the index of its last line
}

// Entry is one good line: a user and a hash that ParseHash accepts.
type Entry struct {
	Line int // from 1
	User string
	Hash Hash
}

// Problem is one line that is neither an entry, a comment nor blank, or that nginx and Apache would read differently.
type Problem struct {
	Line    int    // from 1
	User    string // whose line it is, if that can be told
	Message string // what is wrong, without the user; never quotes the hash
}

// String returns the problem in one line, such as `line 3: user "bob" has an unknown hash`.
func (p Problem) String() string {
	if p.User == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("line %d: user %q %s", p.Line, p.User, p.Message)
}

// Parse reads a file. It never fails: what cannot be used is listed by Problems, and Bytes returns text unchanged.
func Parse(text []byte) *File {
	n := bytes.Count(text, []byte{'\n'}) + 1
	f := &File{lines: make([]line, 0, n), byUser: make(map[string]int, n)}
	for rest := string(text); rest != ""; {
		end := strings.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		f.add(parseLine(rest[:end]))
		rest = rest[end:]
	}
	return f
}

// add appends l and links it to the other lines of its user.
func (f *File) add(l line) {
	i := len(f.lines)
	l.next, l.last = 0, i
	if l.user != "" {
		if first, ok := f.byUser[l.user]; ok {
			f.lines[f.lines[first].last].next = i
			f.lines[first].last = i
		} else {
			f.byUser[l.user] = i
		}
	}
	f.lines = append(f.lines, l)
}

// Bytes returns the file as it is to be stored.
func (f *File) Bytes() []byte {
	n := 0
	for i := range f.lines {
		n += len(f.lines[i].raw)
	}
	b := make([]byte, 0, n)
	for i := range f.lines {
		b = append(b, f.lines[i].raw...)
	}
	return b
}

// Entries returns the good lines in the order of the file.
func (f *File) Entries() []Entry {
	entries := make([]Entry, 0, len(f.lines))
	for i := range f.lines {
		if l := &f.lines[i]; l.hash != (Hash{}) {
			entries = append(entries, Entry{Line: i + 1, User: l.user, Hash: l.hash})
		}
	}
	return entries
}

// Problems returns what is wrong, in the order of the file; none when the file is fine.
func (f *File) Problems() []Problem {
	var problems []Problem
	for i := range f.lines {
		if l := &f.lines[i]; l.reason != "" {
			problems = append(problems, Problem{Line: i + 1, User: l.user, Message: l.reason})
		}
	}
	return problems
}

// Err returns all problems as one error, or nil when there is none.
func (f *File) Err() error {
	var errs []error
	for _, p := range f.Problems() {
		errs = append(errs, errors.New(p.String()))
	}
	return errors.Join(errs...)
}

// Lookup returns the hashes of the good lines of user, in the order of the file. Several are legal, so that an old
// and a new password can be valid at once; any of them lets the user in.
func (f *File) Lookup(user string) []Hash {
	var hashes []Hash
	for i, ok := f.byUser[user]; ok; i = f.lines[i].next {
		if l := &f.lines[i]; l.hash != (Hash{}) {
			hashes = append(hashes, l.hash)
		}
		ok = f.lines[i].next != 0
	}
	return hashes
}

// Users returns each user that has a good line once, in the order of the file.
func (f *File) Users() []string {
	users := make([]string, 0, len(f.byUser))
	seen := make(map[string]bool, len(f.byUser))
	for i := range f.lines {
		if l := &f.lines[i]; l.hash != (Hash{}) && !seen[l.user] {
			seen[l.user] = true
			users = append(users, l.user)
		}
	}
	return users
}
