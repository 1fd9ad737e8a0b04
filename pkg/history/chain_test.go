package history

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// id is an ID of so many seconds after midnight.
func id(seconds int) string {
	return newID(time.Date(2026, 11, 22, 0, 0, seconds, 0, time.UTC))[:len("20261122-000000-000-")] + fmt.Sprintf("%06x", seconds)
}

// A told is an entry as tables here have it: its ID's seconds, the change before it, the texts, and which it undid.
type told struct {
	at, parent    int
	before, after string
	undid         int
}

func chainOf(entries ...told) *Chain {
	data := map[string][]byte{}
	name := func(at int) string {
		if at == 0 {
			return ""
		}
		return id(at)
	}
	for _, e := range entries {
		entry := Entry{ID: id(e.at), Text: []byte(e.before), Before: Digest([]byte(e.before)), After: Digest([]byte(e.after)), Parent: name(e.parent), Undid: name(e.undid)}
		maps.Copy(data, entry.data())
	}
	return newChain(data)
}

// told names entries by the seconds of their IDs.
func (c *Chain) told(entries []*Entry) string {
	var words []string
	for _, e := range entries {
		words = append(words, fmt.Sprint(milliseconds(e.ID)/1000%86400))
	}
	return strings.Join(words, " ")
}

func TestWhatBecameOfChanges(t *testing.T) {
	tests := map[string]struct {
		entries []told
		head    int
		now     string
		want    string // newest first
		next    string
	}{
		"one after the other": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 2, "b", "c", 0}}, head: 3, now: "c",
			want: "3 done, 2 done, 1 done", next: "3",
		},
		"the last was cut off": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}}, head: 1, now: "a",
			want: "2 not made, 1 done", next: "1",
		},
		"one lost a race": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 1, "a", "c", 0}, {4, 2, "b", "d", 0}}, head: 4, now: "d",
			want: "4 done, 3 not made, 2 done, 1 done", next: "4",
		},
		"clocks that differ by minutes": {
			entries: []told{{900, 0, "", "a", 0}, {2, 900, "a", "b", 0}, {600, 2, "b", "c", 0}}, head: 600, now: "c",
			want: "600 done, 2 done, 900 done", next: "600",
		},
		"undone": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 2, "b", "a", 2}}, head: 3, now: "a",
			want: "3 done, 2 undone, 1 done", next: "1",
		},
		"undone twice": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 2, "b", "a", 2}, {4, 3, "a", "", 1}}, head: 4, now: "",
			want: "4 done, 3 undone, 2 undone, 1 undone", next: "",
		},
		"an undo is undone": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 2, "b", "a", 2}, {4, 3, "a", "b", 3}}, head: 4, now: "b",
			want: "4 done, 3 undone, 2 done, 1 done", next: "2",
		},
		"after an undo": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 2, "b", "a", 2}, {4, 3, "a", "c", 0}}, head: 4, now: "c",
			want: "4 done, 3 done, 2 undone, 1 done", next: "4",
		},
		"the Secret is gone": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}}, now: "-",
			want: "2 unknown, 1 done", next: "",
		},
		"a second life": {
			entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 0, "", "c", 0}}, head: 3, now: "c",
			want: "3 done, 2 unknown, 1 done", next: "3",
		},
		"older ones are gone": {
			entries: []told{{3, 2, "b", "c", 0}, {4, 3, "c", "b", 3}}, head: 4, now: "b",
			want: "4 done, 3 undone", next: "",
		},
		"a circle": {
			entries: []told{{1, 2, "a", "b", 0}, {2, 1, "b", "a", 1}}, head: 2, now: "a",
			want: "1 undone, 2 done", next: "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := chainOf(tt.entries...)
			head := ""
			if tt.head > 0 {
				head = id(tt.head)
			}
			c.judge(head, Digest([]byte(tt.now)))
			var got []string
			for _, e := range c.Entries {
				got = append(got, c.told([]*Entry{e})+" "+string(e.Status))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
			next := ""
			if e := c.Next(head); e != nil {
				next = c.told([]*Entry{e})
			}
			if next != tt.next {
				t.Errorf("next to be undone is %q, want %q", next, tt.next)
			}
		})
	}
}

func TestSurplus(t *testing.T) {
	var many []told
	for i := 1; i <= 25; i++ {
		many = append(many, told{i, i - 1, fmt.Sprint(i - 1), fmt.Sprint(i), 0})
	}
	big := func(n int) string { return strings.Repeat("x", n) }
	tests := map[string]struct {
		entries []told
		head    int
		size    int
		want    string
	}{
		"none":            {entries: many[:19], head: 19},
		"the oldest":      {entries: many, head: 25, want: "6 5 4 3 2 1"},
		"lost a race":     {entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 1, "a", "c", 0}, {4, 2, "b", "d", 0}}, head: 4, want: "3"},
		"has a text":      {entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}, {3, 1, "other", "c", 0}, {4, 2, "b", "d", 0}}, head: 4},
		"about to come":   {entries: append(many[5:25:25], told{30, 25, "25", "x", 0}), head: 25, want: "6"},
		"no room":         {entries: []told{{1, 0, big(100), "a", 0}, {2, 1, "a", "b", 0}}, head: 2, size: 700 << 10},
		"room for one":    {entries: []told{{1, 0, big(600 << 10), "a", 0}, {2, 1, "a", "b", 0}}, head: 2, size: 700 << 10, want: "1"},
		"no room for any": {entries: []told{{1, 0, "", "a", 0}, {2, 1, "a", "b", 0}}, head: 2, size: 1 << 20, want: "2 1"},
		"old, and behind": {entries: append([]told{{900, 0, "", "1", 0}, {2, 900, "1", "2", 0}}, many[2:20]...), head: 20, want: "900"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := chainOf(tt.entries...)
			if diff := cmp.Diff(tt.want, c.told(c.surplus(id(tt.head), tt.size, maxBytes))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What others have made of the Secret is an entry that cannot be used, or none of ours.
func TestGarbled(t *testing.T) {
	good := Entry{ID: id(1), Text: []byte("a"), Before: Digest([]byte("a"))}
	for name, tt := range map[string]struct {
		spoil func(data map[string][]byte)
		want  string
	}{
		"bad JSON":        {func(data map[string][]byte) { data[id(1)+metaSuffix] = []byte("{") }, "data." + id(1) + ".json is not what kubectl basicauth writes"},
		"JSON of another": {func(data map[string][]byte) { data[id(1)+metaSuffix] = []byte(`{"when":"yesterday"}`) }, "data." + id(1) + ".json is not what kubectl basicauth writes"},
		"no JSON":         {func(data map[string][]byte) { delete(data, id(1)+metaSuffix) }, "data." + id(1) + ".json is missing"},
		"no text":         {func(data map[string][]byte) { delete(data, id(1)+textSuffix) }, "data." + id(1) + ".htpasswd is missing"},
		"another text":    {func(data map[string][]byte) { data[id(1)+textSuffix] = []byte("mallory") }, "data." + id(1) + ".htpasswd has been changed"},
	} {
		data := good.data()
		data["auth"], data["20261122-000001-000-zzzzzz.json"], data[".htpasswd"] = []byte("123"), []byte("4"), []byte("5")
		tt.spoil(data)
		c := newChain(data)
		c.judge("", "")
		if len(c.Entries) != 1 || c.Entries[0].Damage() != tt.want || c.Entries[0].Status != Damaged || c.others != 5 || c.Last() != nil {
			t.Errorf("%s: %+v, %d", name, c.Entries[0], c.others)
		}
	}
}

func TestIDs(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 22, 26, 417_999_999, time.FixedZone("", 3600))
	got := newID(now)
	if !idForm.MatchString(got) || !strings.HasPrefix(got, "20261122-192226-417-") || milliseconds(got) != now.UnixMilli() || newID(now) == got {
		t.Error(got)
	}
	for _, bad := range []string{"", "x", "20261122-192226-417-1A2B3C", "20261322-192226-417-1a2b3c"} {
		if milliseconds(bad) != 0 {
			t.Error(bad)
		}
	}
	if got := note(strings.Repeat("é", 200) + "\xff"); len(got) > maxNote+3 || !strings.HasSuffix(got, "é...") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
