package htpasswd

import (
	"slices"
	"strings"
	"testing"
)

// FuzzParsePrint: what was parsed is printed as it was; a user who is set is found, one who is removed is not, and in
// both cases all other lines keep their bytes.
func FuzzParsePrint(f *testing.F) {
	f.Add("", "ann")
	f.Add("# c\r\n\r\nann:"+shaHash+"\r\nbob:x", "ann")
	f.Add("ann:"+shaHash+"\nann:"+aprHash+"\n ann:x\n"+bom+"ann:", "ann")
	f.Add(bom+"\n\r\n:\n#\n \n", "#")
	f.Add("\r\n\r", "0")
	f.Add("a:"+sshaHash+":x\n\x00\xff:", "a")
	hash := mustHash(f, aprHash)
	f.Fuzz(func(t *testing.T, text, user string) {
		if got := string(Parse([]byte(text)).Bytes()); got != text {
			t.Fatalf("parsed and printed:\n got %q\nwant %q", got, text)
		}
		if ValidUser(user) != nil {
			return
		}
		others := othersThan(user, text)
		set := Parse([]byte(text))
		set.Set(user, hash)
		again := Parse(set.Bytes())
		for _, file := range []*File{set, again} {
			if got := file.Lookup(user); !slices.Equal(got, []Hash{hash}) {
				t.Fatalf("%q is set and has %d hashes", user, len(got))
			}
		}
		if got := othersThan(user, string(set.Bytes())); !slices.Equal(got, others) {
			t.Fatalf("Set changed other lines:\n got %q\nwant %q", got, others)
		}
		put := Parse([]byte(text))
		old := put.Lookup(user)
		put.Put(user, hash)
		for _, file := range []*File{put, Parse(put.Bytes())} {
			if got := file.Lookup(user); !slices.Equal(got, append([]Hash{hash}, old...)) {
				t.Fatalf("%q had %d hashes and has %d, or in another order", user, len(old), len(got))
			}
		}
		if got := othersThan(user, string(put.Bytes())); !slices.Equal(got, others) {
			t.Fatalf("Put changed other lines:\n got %q\nwant %q", got, others)
		}
		put.Drop(func(e Entry) bool { return e.User == user })
		if got := put.Lookup(user); len(got) != 0 {
			t.Fatalf("%q is dropped and has %d hashes", user, len(got))
		}
		if got := othersThan(user, string(put.Bytes())); !slices.Equal(got, others) {
			t.Fatalf("Drop changed other lines:\n got %q\nwant %q", got, others)
		}
		removed := Parse([]byte(text))
		if had := removed.Remove(user); !had && string(removed.Bytes()) != text {
			t.Fatalf("Remove of nobody changed the file")
		}
		if got := Parse(removed.Bytes()).Lookup(user); len(got) != 0 {
			t.Fatalf("%q is removed and has %d hashes", user, len(got))
		}
		if got := othersThan(user, string(removed.Bytes())); !slices.Equal(got, others) {
			t.Fatalf("Remove changed other lines:\n got %q\nwant %q", got, others)
		}
	})
}

// othersThan returns the lines of text that are not about user, without their endings.
func othersThan(user, text string) []string {
	var lines []string
	for _, l := range Parse([]byte(text)).lines {
		if l.user != user {
			lines = append(lines, strings.TrimRight(l.raw, "\r\n"))
		}
	}
	return lines
}

// FuzzParseHash: no text makes ParseHash or Match panic, a good hash keeps its text, and no error quotes it.
func FuzzParseHash(f *testing.F) {
	for _, text := range []string{
		shaHash, sshaHash, aprHash, "$2y$04$" + strings.Repeat("a", 53), "$5$s$" + strings.Repeat(".", 43),
		"$6$rounds=1000$s$" + strings.Repeat("/", 86), "$1$a$b", "{SHA}", "$2", "$5$", "$6$rounds=",
	} {
		f.Add(text, "password")
	}
	f.Fuzz(func(t *testing.T, text, password string) {
		h, err := ParseHash(text)
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Fatal("the error quotes the hash")
			}
			return
		}
		if h.String() != text {
			t.Fatalf("%q became %q", text, h)
		}
		if h.Work().Milliseconds() < 20 {
			h.Match(password)
		}
		if parsed := Parse([]byte("u:" + text + "\n")); parsed.Err() != nil || len(parsed.Entries()) != 1 {
			t.Fatalf("a good hash does not make a good line: %v", parsed.Err())
		}
	})
}
