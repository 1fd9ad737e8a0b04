package yamltext

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func TestParse(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", "nil"},
		{"comments and a marker", "# a\n---\n# b\n", "nil"},
		{"not utf-8", "a: 1\nb: \xff\n", "line 2: not UTF-8"},
		{"utf-16", "\xff\xfea\x00", "line 1: not UTF-8"},
		{"control character", "a: 1\n\nb: \x01\n", "line 3: control character U+0001"},
		{"tab", "a:\n\tb: 1\n", "line 2"},
		{"two documents", "a: 1\n---\nb: 1\n", "line 2: a second document"},
		{"fine", "a: 1\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := Parse([]byte(tt.in))
			switch {
			case tt.want == "nil" && (doc != nil || err != nil),
				tt.want == "" && (doc == nil || err != nil):
				t.Errorf("got %v, %v", doc, err)
			case tt.want != "" && tt.want != "nil" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestClone(t *testing.T) {
	doc, err := Parse([]byte("a: &x {k: v}\nb: *x\n"))
	if err != nil {
		t.Fatal(err)
	}
	c := Clone(doc)
	a, b := c.Content[0].Content[1], c.Content[0].Content[3]
	if b.Alias != a || a == doc.Content[0].Content[1] || a.Line != 1 || a.Column != 4 {
		t.Errorf("the alias of the copy does not point into the copy: %+v %+v", a, b)
	}
}

func TestSource(t *testing.T) {
	const in = "a: 'x'  # c\nb: {c: [1, 2]}\nd:\n- e: |\n    f\n- &g h\n"
	doc, err := Parse([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a": "'x'", "b": "{c: [1, 2]}", "b/c": "[1, 2]", "d": "- e: |\n    f\n- &g h", "d/0/e": "|\n    f", "d/1": "&g h",
	} {
		if got := string(Find([]byte(in)).Of(at(t, doc, path))); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// TestMergeRefuses: what cannot be written in place is an error that says where, and no text.
func TestMergeRefuses(t *testing.T) {
	tests := []struct {
		name, in, want string
		edit           change
	}{
		{"not utf-8", "a: b\n", "not UTF-8", value("a", "\xff", "!!str")},
		{"a value that is not of its type", "a: 1\n", "line 1: the new value is not a int", value("a", "x", "!!int")},
		{"anchor that is still needed", "a: &x {b: c}\nd: *x\n", "unknown anchor", set("a", "1")},
		{"pair without braces", "a: [b: c]\n", "line 1: a pair without braces", add("a/0", "d: e")},
		{"everything", "a: 1\n", "whole document", func(_ testing.TB, doc *yaml.Node) { doc.Content = nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			after := Clone(doc)
			tt.edit(t, after)
			out, err := Merge([]byte(tt.in), doc, after)
			if err == nil || out != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, %v; want an error with %q", out, err, tt.want)
			}
		})
	}
}
