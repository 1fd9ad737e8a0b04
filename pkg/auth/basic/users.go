package basic

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/auth/mac"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// maxLines is how many lines of one user count, in the order of the file: two passwords while one replaces the other,
// and some to spare. Each wrong password is tried against all of them.
const maxLines = gateconf.MaxPasswords

// A table is one state of the users. It is never changed.
type table struct {
	users  map[string]*user
	nobody *user           // stands for unknown users where a known one's lines are looked at, so that the look takes as long
	decoy  []htpasswd.Hash // the lines of the user who is the most work, hashed in place of an unknown user's
	target time.Duration   // the work of the decoy, and so of every attempt that fails
}

// A user is one user's lines, and the passwords that were verified against just these lines. When the lines change,
// another user takes its place and nothing is remembered; while they do not, it goes on from table to table.
type user struct {
	name   string
	hashes []htpasswd.Hash
	lines  [sha256.Size]byte // of the stored text of all hashes, each after its length
	work   time.Duration
	pairs  [maxLines]atomic.Pointer[pair] // written by the one goroutine that hashes
}

// A pair is a user and a password that were verified, and the line that they match. After its time it no longer lets
// anybody in, but still shows that an attempt is worth hashing before others.
type pair struct {
	tag   mac.Tag
	line  auth.Line
	until time.Time
}

// SetUsers puts the good lines of f in force at once, for attempts that are being hashed too: such an attempt is judged
// by the new lines. Verified passwords of users whose lines did not change stay remembered, all others are forgotten. A
// nil f, or one without good lines, means nobody. Of a user's lines the first four count. SetUsers does not keep f.
func (c *Check) SetUsers(f *htpasswd.File) {
	c.setting.Lock()
	defer c.setting.Unlock()
	old := c.table.Load()
	var entries []htpasswd.Entry
	if f != nil {
		entries = f.Entries()
	}
	t := &table{users: make(map[string]*user, len(entries)), nobody: &user{}}
	for _, e := range entries {
		u := t.users[e.User]
		if u == nil {
			u = &user{name: e.User}
			t.users[e.User] = u
		}
		if len(u.hashes) < maxLines {
			u.hashes = append(u.hashes, e.Hash)
			u.work += e.Hash.Work()
		}
	}
	for name, u := range t.users {
		u.lines = sumLines(u.hashes)
		if before := old.users[name]; before != nil && before.lines == u.lines {
			t.users[name] = before
		}
	}
	for _, e := range entries { // in the order of the file, so that the choice does not depend on the map's
		if u := t.users[e.User]; u.work > t.target {
			t.decoy, t.target = u.hashes, u.work
		}
	}
	c.table.Store(t)
}

func sumLines(hashes []htpasswd.Hash) [sha256.Size]byte {
	var space [512]byte
	b := space[:0]
	for _, h := range hashes {
		text := h.String()
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// Accepts says whether line is one of the lines of user that count now.
func (c *Check) Accepts(user string, line auth.Line) bool {
	u := c.table.Load().users[user]
	return u != nil && slices.ContainsFunc(u.hashes, func(h htpasswd.Hash) bool { return auth.LineOf(user, h.String()) == line })
}

// lookUp returns the user of that name, or nobody.
func (t *table) lookUp(name string) *user {
	if u := t.users[name]; u != nil {
		return u
	}
	return t.nobody
}

// remembered returns the pair with this tag, past its time or not, or nil. It compares with all in constant time.
func (u *user) remembered(t mac.Tag) *pair {
	var found *pair
	for i := range u.pairs {
		if p := u.pairs[i].Load(); p != nil && subtle.ConstantTimeCompare(p.tag[:], t[:]) == 1 {
			found = p
		}
	}
	return found
}

// remember keeps a verified pair in the place of itself, or of the one whose time is over first.
func (u *user) remember(t mac.Tag, line auth.Line, until time.Time) {
	place := 0
	for i := range u.pairs {
		p := u.pairs[i].Load()
		if p == nil || p.tag == t {
			place = i
			break
		}
		if p.until.Before(u.pairs[place].Load().until) {
			place = i
		}
	}
	u.pairs[place].Store(&pair{tag: t, line: line, until: until})
}

// verify hashes an attempt. It does the same work for every attempt that fails: an unknown user's is matched with the
// decoy, and a user whose lines are cheaper is made up for. It works in one goroutine at a time: the others wait in step.
func (c *Check) verify(a *attempt, step func()) verdict {
	t := c.table.Load()
	u := t.users[a.user]
	hashes := t.decoy
	if u != nil {
		hashes = u.hashes
	}
	for _, h := range hashes {
		if c.match(h, a.password, step) && u != nil && !a.refused {
			line := auth.LineOf(u.name, h.String())
			if c.options.TTL > 0 {
				until := c.options.Now().Add(c.options.TTL)
				u.remember(c.key.Sign([]byte(a.user), []byte(a.password), u.lines[:]), line, until)
			}
			return verdict{ok: true, user: u, line: line}
		}
	}
	if u != nil && u.work < t.target {
		c.waste(t.target-u.work, t.decoy[0].Algorithm(), a.password, step)
	}
	return verdict{user: u}
}
