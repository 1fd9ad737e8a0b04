package visible

import (
	"strings"
	"testing"
)

// TestOneLine: what others wrote stays in its line, and is seen.
func TestOneLine(t *testing.T) {
	if got := OneLine(" a\n\tb \r\n" + strings.Repeat("x", 1000)); !strings.HasPrefix(got, "a; b; xxx") || len(got) > 610 || strings.ContainsAny(got, "\n\r\t") {
		t.Errorf("%q", got)
	}
	for text, want := range map[string]string{
		"Straße, 日本 \"x\" \\":                                            "Straße, 日本 \"x\" \\",
		"\x1b[31mred\x1b[0m\x07\x7f":                                     `\x1b[31mred\x1b[0m\a\x7f`,
		"c1 \u009b31m, bidi \u202e, tag \U000e0041, blank \u3164|\u00ad": `c1 \u009b31m, bidi \u202e, tag \U000e0041, blank ` + "\u3164" + `|\u00ad`,
		"hard\u00a0space, a\u2028line":                                   `hard space, a line`,
		"cut \xff\xc3":                                                   "cut \uFFFD",
		"a\x1b]0;t\x07\nerror: b":                                        `a\x1b]0;t\a; error: b`,
	} {
		if got := OneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Text("a\n\tb\r\u2028\u00a0"); got != "a\n\tb\\r\\u2028\\u00a0" {
		t.Errorf("%q", got)
	}
}

// TestArgument: what is shown can be typed.
func TestArgument(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "alice", "a@b.c": "a@b.c", "Zoë": "Zoë", "a b": "'a b'", "o'b": `'o'\''b'`, "$(x)": "'$(x)'", "-x": "-- -x", "-x y": "-- '-x y'",
	} {
		if got := Argument(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
