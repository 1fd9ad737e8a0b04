package htpasswd

import "strings"

// Set gives user this one hash: the user's first line, good or bad, is replaced in place, its others are dropped; a
// user without a line gets one at the end. All other lines keep their bytes, and the new line has the file's line
// ending. ValidUser must have accepted user and ParseHash or Generate made hash: Set panics otherwise, since such a
// line would not be read back as it was meant.
func (f *File) Set(user string, hash Hash) {
	if err := ValidUser(user); err != nil || hash == (Hash{}) {
		panic("htpasswd: Set: not a valid user and hash")
	}
	l := line{raw: user + ":" + hash.text + f.ending(), user: user, hash: hash}
	first, ok := f.byUser[user]
	if !ok {
		if n := len(f.lines); n > 0 && !strings.HasSuffix(f.lines[n-1].raw, "\n") {
			f.lines[n-1].raw += f.ending()
		}
		f.add(l)
		return
	}
	f.rebuild(func(i int, old line) (line, bool) {
		if old.user != user {
			return old, true
		}
		if i == first && !strings.HasSuffix(old.raw, "\n") {
			l.raw = strings.TrimRight(l.raw, "\r\n") // it was the last line, and had no ending
		}
		return l, i == first
	})
}

// Remove drops all lines of user, good and bad, and says whether there were any.
func (f *File) Remove(user string) bool {
	if _, ok := f.byUser[user]; !ok || user == "" {
		return false
	}
	f.rebuild(func(_ int, old line) (line, bool) { return old, old.user != user })
	return true
}

// rebuild replaces each line by what edit returns for it, or drops it.
func (f *File) rebuild(edit func(int, line) (line, bool)) {
	old := f.lines
	f.lines, f.byUser = make([]line, 0, len(old)), make(map[string]int, len(f.byUser))
	for i := range old {
		if l, keep := edit(i, old[i]); keep {
			f.add(l)
		}
	}
}

// ending returns the line ending of the file: that of its first line, or a newline where there is none.
func (f *File) ending() string {
	if len(f.lines) > 0 && strings.HasSuffix(f.lines[0].raw, "\r\n") {
		return "\r\n"
	}
	return "\n"
}
