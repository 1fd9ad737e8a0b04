package history

import (
	"cmp"
	"maps"
	"slices"
)

// A Chain is the entries of a Secret, newest first. Each names the one before it, and the users Secret names the last: so their order
// does not depend on the clocks of those who wrote them, and neither does which of them were carried out.
type Chain struct {
	Entries []*Entry
	byID    map[string]*Entry
	others  int // bytes of data that are no entry's
}

func newChain(data map[string][]byte) *Chain {
	c := &Chain{}
	c.byID, c.others = parse(data)
	place := c.places()
	for _, e := range c.byID {
		c.Entries = append(c.Entries, e)
	}
	slices.SortFunc(c.Entries, func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(place[b.ID], place[a.ID]), cmp.Compare(b.ID, a.ID))
	})
	return c
}

// places gives each entry the time of its ID, or one just after the place of the entry before it, whichever is later.
func (c *Chain) places() map[string]int64 {
	place := map[string]int64{}
	var placeOf func(id string) int64
	placeOf = func(id string) int64 {
		e := c.byID[id]
		if e == nil {
			return 0
		}
		if at, known := place[id]; known {
			return at
		}
		place[id] = milliseconds(id) // for a circle, which nobody but an enemy makes
		place[id] = max(place[id], placeOf(e.Parent)+1)
		return place[id]
	}
	for _, id := range slices.Sorted(maps.Keys(c.byID)) {
		placeOf(id)
	}
	return place
}

// Find returns an entry, or nil.
func (c *Chain) Find(id string) *Entry { return c.byID[id] }

// line returns the entry of this name and all before it, newest first.
func (c *Chain) line(id string) []*Entry {
	var line []*Entry
	seen := map[string]bool{}
	for e := c.byID[id]; e != nil && !seen[e.ID]; e = c.byID[e.Parent] {
		seen[e.ID] = true
		line = append(line, e)
	}
	return line
}

// judge sets the status of each entry. head is the change that the users Secret names as its last, and now the digest of its
// text; both are empty where it is missing.
func (c *Chain) judge(head, now string) {
	type place struct{ parent, before string }
	made := map[string]bool{head: true} // somebody has read it in the users Secret
	for _, e := range c.Entries {
		made[e.Parent] = true
	}
	followed := map[place]bool{} // an entry that was made from there
	for _, e := range c.Entries {
		if made[e.ID] && e.Parent != "" { // there may have been several first changes, if the Secret was deleted
			followed[place{e.Parent, e.Before}] = true
		}
	}
	for _, e := range c.Entries {
		switch {
		case e.damage != "":
			e.Status = Damaged
		case made[e.ID]:
			e.Status = Done
		case followed[place{e.Parent, e.Before}], e.Parent == head && e.Before == now:
			e.Status = NotMade
		default:
			e.Status = Unknown
		}
	}
	for _, e := range c.Entries {
		if e.Status == Done && e.Undid != "" {
			c.takeBack(e)
		}
	}
}

// takeBack marks the changes that an undo took back: from the one before it to the one whose text it put back. An undo that
// was taken back itself does not come here any more: newer entries come first.
func (c *Chain) takeBack(undo *Entry) {
	line := c.line(undo.Parent)
	last := slices.IndexFunc(line, func(e *Entry) bool { return e.ID == undo.Undid })
	for _, e := range line[:last+1] {
		if e.Status == Done {
			e.Status = Undone
		}
	}
}

// Next returns the change that is to be undone next: the last one that is no undo and was not undone. head is the last change of
// the users. It returns nil where that is not known.
func (c *Chain) Next(head string) *Entry {
	seen := map[string]bool{}
	for e := c.byID[head]; e != nil && !seen[e.ID]; {
		seen[e.ID] = true
		if e.Undid == "" {
			return e
		}
		back := c.byID[e.Undid]
		if back == nil {
			return nil
		}
		e = c.byID[back.Parent]
	}
	return nil
}

// Last returns the newest change that may have been made, for users whose Secret does not say: it is gone, or something else made
// it. It returns nil where there is none.
func (c *Chain) Last() *Entry {
	for _, e := range c.Entries {
		if e.Status != NotMade && e.Status != Damaged {
			return e
		}
	}
	return nil
}

// Holding returns the newest entry whose text has this digest, or nil.
func (c *Chain) Holding(digest string) *Entry {
	for _, e := range c.Entries {
		if e.damage == "" && e.Before == digest {
			return e
		}
	}
	return nil
}

// The bounds of the Secret, well below the 1 MiB that Kubernetes takes. One entry may be larger than maxBytes when it is alone. All of
// the Secret is written for each entry: who has lost crowd times against others, as one of hundreds does, keeps less.
const (
	maxEntries      = 20
	maxBytes        = 768 << 10
	crowd           = 5
	maxBytesInCrowd = 64 << 10
)

// surplus returns the entries that have to go when one of size bytes comes into room bytes, which is written by who has read head as the last change
// of the users: those that lost against one that was made and have no text that it has not, and then the oldest. Others
// that were begun from head may be about to be made, and are kept beside those that count.
func (c *Chain) surplus(head string, size, room int) []*Entry {
	line := c.line(head)
	on := map[string]bool{}
	child := map[string]*Entry{} // by what comes before it
	for _, e := range line {
		on[e.ID] = true
		child[e.Parent] = e
	}
	var gone []*Entry
	counted, begun, full := 1, 0, false
	bytes := size + c.others
	for _, e := range c.Entries {
		winner := child[e.Parent]
		lost := !on[e.ID] && e.Parent != "" && winner != nil && e.Damage() == "" && e.Before == winner.Before
		if lost {
			gone = append(gone, e)
			continue
		}
		count := &counted
		if head != "" && e.Parent == head {
			count = &begun
		}
		if full = full || bytes+e.size > room; full || *count >= maxEntries {
			gone = append(gone, e)
			continue
		}
		*count++
		bytes += e.size
	}
	return gone
}
