// Package history owns the Secret beside a users Secret that keeps what the users were before each of their last changes.
package history

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An Entry is a change of the users, and what they were before it. In the Secret it is two data keys: ID.htpasswd, which is Text
// as it stands, and ID.json, which is the rest. It is written before the users are, so one that is there need not have been
// carried out.
type Entry struct {
	ID      string    `json:"-"` // when it was written, by the clock of who did, in UTC; and six hexadecimal digits: 20261122-202226-417-1a2b3c
	Text    []byte    `json:"-"` // the htpasswd text before the change; secret
	When    time.Time `json:"when"`
	Who     string    `json:"who,omitempty"`     // as they say themselves: whoever may change the Secret may write anything
	Command string    `json:"command,omitempty"` // "user add alice"
	Missing bool      `json:"missing,omitempty"` // there was no users Secret before
	Before  string    `json:"before"`            // Digest of Text
	After   string    `json:"after"`             // Digest of what the text was to be
	// Parent is the change that the users Secret named as its last before this one; empty: none.
	Parent string `json:"parent,omitempty"`
	// Undid is the entry whose Text was put back by this change, which is an undo; empty: it is none.
	Undid string `json:"undid,omitempty"`
	// Ends says until when the old passwords of Text count, as linenotes writes it; empty: it has none.
	Ends string `json:"ends,omitempty"`

	Status Status `json:"-"` // set by Log.Read
	damage string // why it cannot be used; empty: it can
	size   int    // bytes of both keys' values
}

// Status is what became of a change.
type Status string

// What became of a change: it was made; it was made and taken back since; it was not made, for its command was cut off or lost
// against another; it cannot be told whether it was made, for the change after it is not kept; its entry is not what kauth wrote.
const (
	Done    Status = "done"
	Undone  Status = "undone"
	NotMade Status = "not made"
	Unknown Status = "unknown"
	Damaged Status = "damaged"
)

// The data keys of an entry, after its ID.
const (
	textSuffix = ".htpasswd"
	metaSuffix = ".json"
)

var idForm = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[0-9]{3}-[0-9a-f]{6}$`)

const idTime = "20060102-150405" // and milliseconds after it

func newID(now time.Time) string {
	tail := make([]byte, 3)
	_, _ = rand.Read(tail) // never fails
	now = now.UTC()
	return fmt.Sprintf("%s-%03d-%x", now.Format(idTime), now.Nanosecond()/int(time.Millisecond), tail)
}

// milliseconds is the time in an ID, since 1970; 0 where it is none.
func milliseconds(id string) int64 {
	if !idForm.MatchString(id) {
		return 0
	}
	t, err := time.Parse(idTime, id[:len(idTime)])
	if err != nil {
		return 0
	}
	ms, _ := strconv.Atoi(id[len(idTime)+1 : len(idTime)+4]) // three digits
	return t.UnixMilli() + int64(ms)
}

// Digest tells texts apart: SHA-256, in hexadecimal digits. Of users with hashes that have no salt it is as secret as they are.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Damage says why an entry cannot be used, and is empty where it can.
func (e *Entry) Damage() string { return e.damage }

// begun is gateconf.AnnotationBegun.
func (e *Entry) begun() string { return e.ID + " after " + e.Parent }

// maxNote is how much of a name or a command is kept, in bytes.
const maxNote = 300

func note(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= maxNote {
		return text
	}
	cut := maxNote
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}

// data is what the Secret holds of the entry.
func (e *Entry) data() map[string][]byte {
	meta, _ := json.Marshal(e)          // texts, times and flags: no error
	text := append([]byte{}, e.Text...) // nil would be null, which takes the key away
	return map[string][]byte{e.ID + textSuffix: text, e.ID + metaSuffix: meta}
}

// parse returns the entries of a Secret's data, in no order, and the bytes of what else is in it. What has the name of an
// entry and cannot be used is one with Damage.
func parse(data map[string][]byte) (entries map[string]*Entry, others int) {
	entries = map[string]*Entry{}
	for key, value := range data {
		id, isText := strings.CutSuffix(key, textSuffix)
		if !isText {
			id = strings.TrimSuffix(key, metaSuffix)
		}
		if id == key || !idForm.MatchString(id) {
			others += len(value)
			continue
		}
		if entries[id] == nil {
			entries[id] = read(id, data)
		}
	}
	return entries, others
}

func read(id string, data map[string][]byte) *Entry {
	text, hasText := data[id+textSuffix]
	meta, hasMeta := data[id+metaSuffix]
	e := &Entry{}
	err := json.Unmarshal(meta, e)
	switch {
	case !hasMeta:
		e.damage = "data." + id + metaSuffix + " is missing"
	case err != nil:
		*e = Entry{damage: "data." + id + metaSuffix + " is not what kubectl basicauth writes"}
	case !hasText:
		e.damage = "data." + id + textSuffix + " is missing"
	case Digest(text) != e.Before:
		e.damage = "data." + id + textSuffix + " has been changed"
	}
	e.ID, e.Text, e.size = id, text, len(text)+len(meta)
	if e.When.IsZero() {
		e.When = time.UnixMilli(milliseconds(id)).UTC()
	}
	return e
}
