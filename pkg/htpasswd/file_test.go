package htpasswd

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	f := Parse([]byte("# people\n\nann:" + shaHash + "\r\nbob:plain\n  # aside\nann:" + aprHash + "\nzoë w:" + sshaHash))
	var got []string
	for _, e := range f.Entries() {
		got = append(got, fmt.Sprint(e.Line, " ", e.User, " ", e.Hash.Algorithm()))
	}
	if diff := cmp.Diff([]string{"3 ann sha1", "6 ann apr1", "7 zoë w ssha"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ann", "zoë w"}, f.Users()); diff != "" {
		t.Error(diff)
	}
	if got := f.Lookup("ann"); len(got) != 2 || got[0].Algorithm() != SHA1 || got[1].Algorithm() != APR1 {
		t.Errorf("ann: %v", got)
	}
	for _, user := range []string{"bob", "", "nobody", "# people"} {
		if got := f.Lookup(user); len(got) != 0 {
			t.Errorf("%q has %d hashes", user, len(got))
		}
	}
}

func TestProblems(t *testing.T) {
	long := strings.Repeat("u", 256)
	for _, tc := range []struct{ text, want string }{
		{"", ""},
		{"\n\r\n \t\n#\n# a:b\n  # indented\n", ""},
		{"ann:" + shaHash, ""},
		{"ann:" + shaHash + "\r\n", ""},
		{"bob:secretsecret", `line 1: user "bob" has an unknown hash; bcrypt, apr1, {SHA}, {SSHA}, $5$ and $6$ are accepted`},
		{"bob:", `line 1: user "bob" has no hash`},
		{"bob", "line 1: no colon; a line is user:hash"},
		{"\x00\x01", "line 1: no colon; a line is user:hash"},
		{":" + shaHash, "line 1: the user name is empty"},
		{"\n" + long + ":" + shaHash, "line 2: the user name has 256 bytes; at most 255"},
		{"a\x00b:" + shaHash, "line 1: the user name contains a control character"},
		{"a\xff:" + shaHash, "line 1: the user name is not UTF-8"},
		{"ann :" + shaHash, "line 1: the user name begins or ends with a blank"},
		{"ann:" + shaHash + ":more", `line 1: user "ann" has more than one colon after the name; a line is user:hash`},
		{" ann:" + shaHash, `line 1: user "ann" has blanks around the line; nginx takes them as part of it, Apache does not`},
		{"ann:" + shaHash + " \n", `line 1: user "ann" has blanks around the line; nginx takes them as part of it, Apache does not`},
		{"ann:" + shaHash + "\r", `line 1: user "ann" has blanks around the line; nginx takes them as part of it, Apache does not`},
		{"ann: " + shaHash, `line 1: user "ann" has an unknown hash; bcrypt, apr1, {SHA}, {SSHA}, $5$ and $6$ are accepted`},
		{" # a:b", `line 1: has blanks around it; nginx takes them as part of the line, Apache does not`},
		{bom + "ann:" + shaHash, `line 1: user "ann" comes after a byte order mark; save the file without it`},
		{bom, `line 1: begins with a byte order mark; save the file without it`},
		{"ann:" + strings.Repeat("x", maxLine), `line 1: user "ann" has a line of 8194 bytes; Apache stops reading at a line over 8190`},
	} {
		f := Parse([]byte(tc.text))
		got := ""
		if err := f.Err(); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%q:\n got %s\nwant %s", tc.text, got, tc.want)
		}
		if string(f.Bytes()) != tc.text {
			t.Errorf("%q: printed as %q", tc.text, f.Bytes())
		}
		if tc.want != "" && len(f.Entries()) != 0 {
			t.Errorf("%q: a line with a problem is an entry", tc.text)
		}
	}
}

func TestEdit(t *testing.T) {
	sha, apr := mustHash(t, shaHash), mustHash(t, aprHash)
	set := func(user string, h Hash) func(*File) { return func(f *File) { f.Set(user, h) } }
	put := func(user string, h Hash) func(*File) { return func(f *File) { f.Put(user, h) } }
	remove := func(user string) func(*File) { return func(f *File) { f.Remove(user) } }
	drop := func(lines ...int) func(*File) {
		return func(f *File) { f.Drop(func(e Entry) bool { return slices.Contains(lines, e.Line) }) }
	}
	for _, tc := range []struct {
		name, text, want string
		edit             func(*File)
	}{
		{"first of all", "", "ann:" + shaHash + "\n", set("ann", sha)},
		{"append", "# x\nbob:junk\n", "# x\nbob:junk\nann:" + shaHash + "\n", set("ann", sha)},
		{"append without final newline", "bob:junk", "bob:junk\nann:" + shaHash + "\n", set("ann", sha)},
		{"append to CRLF", "# x\r\nbob:junk", "# x\r\nbob:junk\r\nann:" + shaHash + "\r\n", set("ann", sha)},
		{"replace keeps the place", "ann:" + shaHash + "\n#\nbob:junk", "ann:" + aprHash + "\n#\nbob:junk", set("ann", apr)},
		{"replace the last without newline", "#\nann:" + shaHash, "#\nann:" + aprHash, set("ann", apr)},
		{"replace several", "ann:" + shaHash + "\n#\nann:" + shaHash + "\nbob:junk\nann:x\n", "ann:" + aprHash + "\n#\nbob:junk\n", set("ann", apr)},
		{"replace a bad line", "ann:junk\n", "ann:" + aprHash + "\n", set("ann", apr)},
		{"replace a line with blanks", "  ann:" + shaHash + "\n", "ann:" + aprHash + "\n", set("ann", apr)},
		{"replace behind a byte order mark", bom + "ann:" + shaHash + "\n", "ann:" + aprHash + "\n", set("ann", apr)},
		{"put for nobody", "#\nbob:junk", "#\nbob:junk\nann:" + aprHash + "\n", put("ann", apr)},
		{"put before one", "#\nann:" + shaHash + "\nbob:junk", "#\nann:" + aprHash + "\nann:" + shaHash + "\nbob:junk", put("ann", apr)},
		{"put before several", "ann:" + shaHash + "\n#\nann:" + shaHash + "\n", "ann:" + aprHash + "\nann:" + shaHash + "\n#\nann:" + shaHash + "\n", put("ann", apr)},
		{"put before the last without newline", "#\nann:" + shaHash, "#\nann:" + aprHash + "\nann:" + shaHash, put("ann", apr)},
		{"put in CRLF", "#\r\nann:" + shaHash + "\r\n", "#\r\nann:" + aprHash + "\r\nann:" + shaHash + "\r\n", put("ann", apr)},
		{"put in the place of a bad line", "ann:junk\n#\nann:" + shaHash + "\n ann:" + shaHash + "\n", "ann:" + aprHash + "\n#\nann:" + shaHash + "\n", put("ann", apr)},
		{"put for a bad line alone", "#\nann:junk", "#\nann:" + aprHash + "\n", put("ann", apr)},
		{"put behind a byte order mark", bom + "ann:" + shaHash + "\n", "ann:" + aprHash + "\n", put("ann", apr)},
		{"drop", "ann:" + shaHash + "\n#\nann:junk\nann:" + aprHash, "#\nann:junk\nann:" + aprHash, drop(1, 2, 3)},
		{"drop nothing", "#\nann:" + shaHash, "#\nann:" + shaHash, drop(1)},
		{"remove", "ann:" + shaHash + "\n#\nann:junk\nbob:junk", "#\nbob:junk", remove("ann")},
		{"remove nobody", "#\n\nann:" + shaHash, "#\n\nann:" + shaHash, remove("bob")},
		{"remove nobody at all", "#\n:x\n", "#\n:x\n", remove("")},
	} {
		f := Parse([]byte(tc.text))
		tc.edit(f)
		if got := string(f.Bytes()); got != tc.want {
			t.Errorf("%s:\n got %q\nwant %q", tc.name, got, tc.want)
		}
	}
}

func TestSetPanicsOnNonsense(t *testing.T) {
	for _, user := range []string{"", "a:b", "a\nroot", "#a"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Set(%q) wrote a line that means something else", user)
				}
			}()
			Parse(nil).Set(user, mustHash(t, shaHash))
		}()
	}
}

func TestValidUser(t *testing.T) {
	for name, good := range map[string]bool{
		"ann": true, "a b": true, "zoë": true, "a#": true, strings.Repeat("x", 255): true, "a@b.c": true,
		"": false, "a:b": false, "#a": false, " a": false, "a ": false, "\ta": false, "a\nb": false, "a\x7f": false, "\xff": false,
		"a\u0085b": false, strings.Repeat("x", 256): false, bom + "a": false,
	} {
		if err := ValidUser(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
