package linenotes_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
)

const (
	one = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
	two = "$2b$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
	sha = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	sh2 = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="

	room = 240 << 10
)

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

func parse(text string) *htpasswd.File { return htpasswd.Parse([]byte(text)) }

// lines returns the lines of a file with these times, since and until of each.
func lines(t *testing.T, file string, times ...time.Time) []linenotes.Line {
	t.Helper()
	list, err := linenotes.Lines(parse(file), "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].Since, list[i].Until = times[2*i], times[2*i+1]
	}
	return list
}

func write(t *testing.T, list []linenotes.Line) string {
	t.Helper()
	text, err := linenotes.Text(list, room)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func same(t *testing.T, want, got []linenotes.Line) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b htpasswd.Hash) bool { return a == b })); diff != "" {
		t.Helper()
		t.Error(diff)
	}
}

// What is written of lines is read again, wherever they stand then, and of others nothing is known.
func TestWrittenIsRead(t *testing.T) {
	var none time.Time
	file := "a:" + one + "\n# c\nbad\na:" + two + "\nb:" + sha + "\nc c:" + sha + "\nc c:" + sh2 + "\nd:" + one + "\n"
	list := lines(t, file, at(10), none, at(5), at(20), none, none, at(7), none, at(8), at(30), at(math.MaxUint32), none)
	text := write(t, list)
	if !strings.HasPrefix(text, "v1:") || len(text) != 3+base64.RawStdEncoding.EncodedLen(5*14+4) {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	got, err := linenotes.Lines(parse(file), text)
	if err != nil {
		t.Fatal(err)
	}
	same(t, list, got)
	moved, err := linenotes.Lines(parse("x:"+one+"\r\nb:"+one+"\r\nd:"+one+"\r\na:"+two+"\r\na:"+one), text)
	if err != nil {
		t.Fatal(err)
	}
	same(t, lines(t, "x:"+one+"\nb:"+one+"\nd:"+one+"\na:"+two+"\na:"+one+"\n",
		none, none, none, none, at(math.MaxUint32), none, at(5), at(20), at(10), none), moved)
	if diff := cmp.Diff("", write(t, lines(t, "a:"+one, none, none))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("", write(t, nil)); diff != "" {
		t.Error(diff)
	}
}

// Times outside of what four bytes hold become the nearest within: an until that is far away must not come to be none.
func TestTimesOutOfReach(t *testing.T) {
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	list := lines(t, "a:"+one+"\na:"+two, far, time.Time{}, at(-5), at(-5))
	got, _ := linenotes.Lines(parse("a:"+one+"\na:"+two), write(t, list))
	same(t, lines(t, "a:"+one+"\na:"+two, at(math.MaxUint32), time.Time{}, at(1), at(1)), got)
	list[1].Until = far
	got, _ = linenotes.Lines(parse("a:"+one+"\na:"+two), write(t, list))
	if !got[1].Until.Equal(at(math.MaxUint32)) || got[1].Over(at(4e9)) || !got[1].Over(got[1].Until) {
		t.Errorf("%+v", got[1])
	}
}

// A user is never left without a password: of one who has but old ones, the first counts on.
func TestUntilIsVoidWhereNothingElseCounts(t *testing.T) {
	for file, want := range map[string]string{
		"NO": "-u", "ON": "u-", "OP": "-u", "PO": "-u", "O": "-", "P": "-", "OPN": "uu-", "XO": "-u",
	} {
		all := parse("a:" + one + "\na:" + two + "\na:" + strings.Replace(one, "2y", "2a", 1) + "\nb:" + one)
		list, _ := linenotes.Lines(all, "")
		list[1].Until, list[2].Until, list[3].Until = at(50), at(60), at(0)
		text := write(t, list)
		now := ""
		for _, c := range file {
			now += "a:" + map[rune]string{'N': one, 'O': two, 'P': strings.Replace(one, "2y", "2a", 1), 'X': sha}[c] + "\n"
		}
		got, err := linenotes.Lines(parse(now), text)
		if err != nil {
			t.Fatal(err)
		}
		seen := ""
		for _, l := range got {
			seen += map[bool]string{true: "-", false: "u"}[l.Until.IsZero()]
		}
		if seen != want {
			t.Errorf("%s: %s, want %s", file, seen, want)
		}
	}
}

// What does not fit is dropped, the oldest first; but what ends never.
func TestRoom(t *testing.T) {
	var file strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&file, "user%05d:%s\nuser%05d:%s\n", i, one, i, two)
	}
	list, _ := linenotes.Lines(parse(file.String()), "")
	for i := range list {
		list[i].Since = at(int64(1 + i))
	}
	text := write(t, list)
	if len(text) > room || len(text) < room-20 {
		t.Errorf("%d bytes", len(text))
	}
	got, err := linenotes.Lines(parse(file.String()), text)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for i, l := range got {
		switch {
		case !l.Since.IsZero():
			kept++
		case kept > 0:
			t.Fatalf("line %d of %d is lost, and an older one is not", i, kept)
		}
	}
	t.Logf("%d lines fit", kept)
	if kept < 12_000 {
		t.Error("not room enough for ten thousand users")
	}
	for i := range list {
		if i%2 == 1 && i < 20_000 {
			list[i].Until = at(1e9)
		}
	}
	text = write(t, list)
	got, _ = linenotes.Lines(parse(file.String()), text)
	for i, l := range got {
		if l.Until.IsZero() != list[i].Until.IsZero() {
			t.Fatalf("line %d: %+v", i, l)
		}
	}
	for _, small := range []int{100_000, 100, 0, -5} {
		if text, err := linenotes.Text(list, small); !errors.Is(err, linenotes.ErrFull) {
			t.Errorf("room %d: %d bytes, %v", small, len(text), err)
		}
		if text, err := linenotes.Text(got[:1], small); err != nil || len(text) > max(small, 0) {
			t.Errorf("room %d: %q, %v", small, text, err)
		}
	}
}

// Nothing is told of a hash that could be guessed by it: the same user with another password of such a hash gives the same text.
func TestTellsNothingOfWeakHashes(t *testing.T) {
	for _, pair := range [][2]string{
		{sha, sh2},
		{"{SSHA}3h9xs3NvbTo4NpTUJ1lZlpDlHmdzYWx0MTIzNA==", "{SSHA}4h9xs3NvbTo4NpTUJ1lZlpDlHmdzYWx0MTIzNA=="},
		{"$apr1$KtUkBFOE$/bNx9d7M/E6LAuWgZbF4l1", "$apr1$KtUkBFOF$/bNx9d7M/E6LAuWgZbF4l1"},
		{"$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC", "$5$saltsaltsa$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC"},
		{"$6$s$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1", "$6$rounds=100000$s$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1"},
	} {
		a, b := write(t, lines(t, "a:"+pair[0], at(1), time.Time{})), write(t, lines(t, "a:"+pair[1], at(1), time.Time{}))
		if a != b || a == "" {
			t.Errorf("%q and %q", a, b)
		}
	}
	const long, other = "$5$rounds=1000$saltsaltsal$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC", "$5$rounds=1000$saltsaltsal$xrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC"
	for hash, another := range map[string]string{one: two, long: other} { // what has salt enough is told apart
		text := write(t, lines(t, "a:"+hash, at(1), time.Time{}))
		for _, file := range []string{"a:" + another, "b:" + hash, "a:" + sha} {
			if got, err := linenotes.Lines(parse(file), text); err != nil || len(got) != 1 || !got[0].Since.IsZero() {
				t.Errorf("%s: %+v, %v", file, got, err)
			}
		}
	}
}

func TestBroken(t *testing.T) {
	good := write(t, lines(t, "a:"+one, at(5), time.Time{}))
	raw, _ := base64.RawStdEncoding.DecodeString(good[3:])
	sum := func(raw []byte) string {
		c := crc32.ChecksumIEEE(raw)
		return "v1:" + base64.RawStdEncoding.EncodeToString(append(raw, byte(c>>24), byte(c>>16), byte(c>>8), byte(c)))
	}
	if sum(raw[:14:14]) != good {
		t.Fatal("the test makes other sums")
	}
	for name, text := range map[string]string{
		"no version": good[3:], "cut off": good[:len(good)-2], "a letter": good[:8] + "_" + good[9:], "another letter": good[:8] + string(good[8]^1) + good[9:],
		"padded": good + "=", "a line break": good[:9] + "\n" + good[9:], "blank": " " + good, "nothing": "v1:", "sum alone": sum(nil),
		"half a record": sum(raw[:10:10]), "JSON": `{"a":1}`, "binary": "\x00\xff",
	} {
		got, err := linenotes.Lines(parse("a:"+one), text)
		if !errors.Is(err, linenotes.ErrBroken) || len(got) != 1 || !got[0].Since.IsZero() || linenotes.Valid(text) == nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, text := range []string{"v2:", "v10:abc"} {
		if _, err := linenotes.Lines(parse("a:"+one), text); !errors.Is(err, linenotes.ErrNewer) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzText: whatever the annotation says, lines are those of the file, a broken text tells nothing, and what was understood is
// written and read again as it was.
func FuzzText(f *testing.F) {
	list, _ := linenotes.Lines(parse("a:"+one+"\na:"+two+"\nb:"+sha), "")
	list[0].Since, list[1].Until = at(5), at(60)
	text, _ := linenotes.Text(list, room)
	for _, file := range []string{"a:" + one + "\na:" + two + "\nb:" + sha, "", "b:" + sha + "\r\nb:" + sh2 + "\r\n", "a:" + one + "\na:" + one} {
		f.Add(file, text)
		f.Add(file, text[:len(text)-1])
	}
	f.Fuzz(func(t *testing.T, file, text string) {
		lines, err := linenotes.Lines(parse(file), text)
		entries := parse(file).Entries()
		if len(lines) != len(entries) {
			t.Fatalf("%d lines of %d", len(lines), len(entries))
		}
		stays := map[string]bool{}
		for i, l := range lines {
			if l.Entry != entries[i] || err != nil && (!l.Since.IsZero() || !l.Until.IsZero()) {
				t.Fatalf("%+v, %v", l, err)
			}
			stays[l.User] = stays[l.User] || l.Until.IsZero()
		}
		for user, ok := range stays {
			if !ok {
				t.Fatalf("%q is left without a password", user)
			}
		}
		again, err := linenotes.Text(lines, math.MaxInt32)
		if err != nil {
			t.Fatal(err)
		}
		got, err := linenotes.Lines(parse(file), again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines, got, cmpopts.EquateComparable(htpasswd.Hash{})); diff != "" && !twice(entries) {
			t.Fatal(diff)
		}
	})
}

// twice says whether a line stands twice, so that the two are one to an annotation.
func twice(entries []htpasswd.Entry) bool {
	seen := map[string]bool{}
	for _, e := range entries {
		key := e.User + ":" + e.Hash.String()
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}
