package htpasswd

import "strings"

// Set gives user this one hash: the user's first line, good or bad, is replaced in place, its others are dropped; a
// user without a line gets one at the end. All other lines keep their bytes, and the new line has the file's line
// ending. ValidUser must have accepted user and ParseHash or Generate made hash: Set panics otherwise, since such a
// line would not be read back as it was meant.
func (f *File) Set(user string, hash Hash) {
	l := newLine(user, hash, f.ending())
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

// Put gives user one more hash, which comes before the others: its line stands where the user's first did, good or bad, and
// the good ones behind it; bad ones are dropped. A user without a line gets one at the end. It panics as Set does.
func (f *File) Put(user string, hash Hash) {
	first, ok := f.byUser[user]
	if !ok {
		f.Set(user, hash)
		return
	}
	l := newLine(user, hash, f.ending())
	lines := make([]line, 0, len(f.lines)+1)
	for i, old := range f.lines {
		if i == first {
			lines = append(lines, l)
		}
		if old.user != user || old.hash != (Hash{}) {
			lines = append(lines, old)
		}
	}
	f.replace(lines)
}

// Drop removes the good lines that gone picks, and says whether there were any.
func (f *File) Drop(gone func(Entry) bool) bool {
	n := len(f.lines)
	f.rebuild(func(i int, l line) (line, bool) {
		return l, l.hash == (Hash{}) || !gone(Entry{Line: i + 1, User: l.user, Hash: l.hash})
	})
	return len(f.lines) < n
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
	lines := make([]line, 0, len(f.lines))
	for i := range f.lines {
		if l, keep := edit(i, f.lines[i]); keep {
			lines = append(lines, l)
		}
	}
	f.replace(lines)
}

// replace has the file consist of these lines.
func (f *File) replace(lines []line) {
	f.lines, f.byUser = lines[:0], make(map[string]int, len(f.byUser))
	for _, l := range lines {
		f.add(l)
	}
}

func newLine(user string, hash Hash, ending string) line {
	if err := ValidUser(user); err != nil || hash == (Hash{}) {
		panic("htpasswd: not a valid user and hash")
	}
	return line{raw: user + ":" + hash.text + ending, user: user, hash: hash}
}

// ending returns the line ending of the file: that of its first line, or a newline where there is none.
func (f *File) ending() string {
	if len(f.lines) > 0 && strings.HasSuffix(f.lines[0].raw, "\r\n") {
		return "\r\n"
	}
	return "\n"
}
