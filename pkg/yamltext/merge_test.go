package yamltext

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// at returns the node at a path of keys and indexes, "" being the root.
func at(t testing.TB, doc *yaml.Node, path string) *yaml.Node {
	t.Helper()
	n := content(doc)
	if path == "" {
		return n
	}
	for part := range strings.SplitSeq(path, "/") {
		c := child(n, part)
		if c == nil {
			t.Fatalf("no %q in %s", part, path)
		}
		n = c
	}
	return n
}

func child(n *yaml.Node, part string) *yaml.Node {
	if n.Kind == yaml.SequenceNode {
		i := 0
		for _, c := range part {
			i = i*10 + int(c-'0')
		}
		if i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == part {
			return n.Content[i+1]
		}
	}
	return nil
}

// fresh parses text into nodes without places, as a filter would build them.
func fresh(t testing.TB, text string) *yaml.Node {
	t.Helper()
	doc, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if doc == nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	var forget func(n *yaml.Node)
	forget = func(n *yaml.Node) {
		n.Line, n.Column = 0, 0
		for _, c := range n.Content {
			forget(c)
		}
	}
	forget(doc)
	return content(doc)
}

type change func(t testing.TB, doc *yaml.Node)

// add appends the entries of the YAML in entries to the collection at path, turning null into a mapping as filters do.
func add(path, entries string) change { return insert(path, -1, entries) }

func insert(path string, at0 int, entries string) change {
	return func(t testing.TB, doc *yaml.Node) {
		n, more := at(t, doc, path), fresh(t, entries)
		if n.Kind == yaml.ScalarNode {
			*n = *more
			return
		}
		i := at0
		if i < 0 {
			i = len(n.Content)
		}
		n.Content = append(append(append([]*yaml.Node(nil), n.Content[:i]...), more.Content...), n.Content[i:]...)
	}
}

// drop removes the last n nodes of a collection, or those from at0.
func drop(path string, at0, nodes int) change {
	return func(t testing.TB, doc *yaml.Node) {
		n := at(t, doc, path)
		i := at0
		if i < 0 {
			i = len(n.Content) - nodes
		}
		n.Content = append(append([]*yaml.Node(nil), n.Content[:i]...), n.Content[i+nodes:]...)
	}
}

// set replaces the node at path by a new one.
func set(path, text string) change {
	return func(t testing.TB, doc *yaml.Node) { *at(t, doc, path) = *fresh(t, text) }
}

// value changes a scalar where it stands.
func value(path, v, tag string) change {
	return func(t testing.TB, doc *yaml.Node) {
		n := at(t, doc, path)
		n.Value, n.Tag = v, tag
	}
}

func apply(t testing.TB, in string, changes ...change) string {
	t.Helper()
	doc, err := Parse([]byte(in))
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, in)
	}
	after := Clone(doc)
	for _, c := range changes {
		c(t, after)
	}
	out, err := Merge([]byte(in), doc, after)
	if err != nil {
		t.Fatalf("merge: %v\n%s", err, in)
	}
	return string(out)
}

var long = strings.Repeat("word ", 40)

// mergeTests are edits with the exact text that must come out, and the edit that takes them back.
var mergeTests = []struct {
	name string
	in   string
	edit change
	want string
	undo change // nil: not meant to be exact
}{
	{"empty braces", "m:\n  annotations: {}\n  labels: {}\n", add("m/annotations", "a: b"), "m:\n  annotations:\n    a: b\n  labels: {}\n", drop("m/annotations", -1, 2)},
	{"empty braces, comment", "a: {}  # why\nb: 1\n", add("a", "x: v"), "a:  # why\n  x: v\nb: 1\n", drop("a", -1, 2)},
	{"empty braces, wide gap", "a:   {}\n", add("a", "x: v"), "a:   {x: v}\n", drop("a", -1, 2)},
	{"braces on their own line", "a:\n    {}\nb: 1\n", add("a", "x: v"), "a:\n    {x: v}\nb: 1\n", drop("a", -1, 2)},
	{"inner space", "a: { }\n", add("a", "x: v"), "a: {x: v }\n", drop("a", -1, 2)},
	{"null", "a:\nb: 1\n", add("a", "x: v"), "a:\n  x: v\nb: 1\n", set("a", "")},
	{"null, comment", "a: # c\nb: 1\n", add("a", "x: v"), "a: # c\n  x: v\nb: 1\n", set("a", "")},
	{"tilde", "a: ~\nb: 1\n", add("a", "x: v"), "a:\n  x: v\nb: 1\n", set("a", "~")},
	{"word null", "a: null # c\n", add("a", "x: v"), "a: # c\n  x: v\n", set("a", "null")},
	{"no final newline", "a: 1", add("", "b: 2"), "a: 1\nb: 2", drop("", -1, 2)},
	{"no final newline, null", "a:\n  b:", add("a/b", "x: v"), "a:\n  b:\n    x: v", set("a/b", "")},
	{"crlf", "a:\r\n  b: 1\r\nc: 2\r\n", add("a", "x: {w: [1]}\nz:\n- 1"), "a:\r\n  b: 1\r\n  x: {w: [1]}\r\n  z:\r\n  - 1\r\nc: 2\r\n", drop("a", -1, 4)},
	{"bom", "\ufeffa: 1\nb: 2\n", insert("", 0, "x: v"), "\ufeffx: v\na: 1\nb: 2\n", drop("", 0, 2)},
	{"comments and blanks behind", "a:\n  b: 1\n  # deep\n\n# top\nc: 2\n", add("a", "x: v"), "a:\n  b: 1\n  x: v\n  # deep\n\n# top\nc: 2\n", drop("a", -1, 2)},
	{"marker and directive", "# head\n%YAML 1.1\n---\n# h\na: 1\n...\n", add("", "b: 2"), "# head\n%YAML 1.1\n---\n# h\na: 1\nb: 2\n...\n", drop("", -1, 2)},
	{"content behind marker", "--- {a: 1}\n", add("", "b: 2"), "--- {a: 1, b: 2}\n", drop("", -1, 2)},
	{"keep chomping", "a:\n  b: |+\n    x\n\n\n  \n# c\nd: 1\n", add("a", "x: v"), "a:\n  b: |+\n    x\n\n\n  \n  x: v\n# c\nd: 1\n", drop("a", -1, 2)},
	{"clip chomping", "a:\n  b: |\n    x\n\n\nd: 1\n", add("a", "x: v"), "a:\n  b: |\n    x\n  x: v\n\n\nd: 1\n", drop("a", -1, 2)},
	{"indentation indicator", "a:\n  b: |2-\n      x\n     y\n  c: >-\n   f\n   g\n", add("a", "x: v"), "a:\n  b: |2-\n      x\n     y\n  c: >-\n   f\n   g\n  x: v\n", drop("a", -1, 2)},
	{"literal without an end", "a: |\n  x", add("", "b: 1"), "a: |-\n  x\nb: 1", nil},
	{"multi-line scalars", "a: one\n  two # c\nb: \"x\n  y\"\nc: 'p\n\n  q'\n", add("", "d: 1"), "a: one\n  two # c\nb: \"x\n  y\"\nc: 'p\n\n  q'\nd: 1\n", drop("", -1, 2)},
	{"wide characters", "ä: {\"ö\": ü}  # é\nb: ['日本', x]\n", add("b", "- nn"), "ä: {\"ö\": ü}  # é\nb: ['日本', x, nn]\n", drop("b", -1, 1)},
	{"indentless sequence", "s:\n- a # c\n# d\nt: 1\n", add("s", "- b"), "s:\n- a # c\n- b\n# d\nt: 1\n", drop("s", -1, 1)},
	{"indented sequence", "s:\n    - a\nt: 1\n", add("s", "- k: v\n  l: w"), "s:\n    - a\n    - k: v\n      l: w\nt: 1\n", drop("s", -1, 1)},
	{"new sequence follows the others", "s:\n  - a\nt: 1\n", add("", "u:\n- a\n- b"), "s:\n  - a\nt: 1\nu:\n  - a\n  - b\n", drop("", -1, 2)},
	{"step of four", "a:\n    b: 1\n", add("a", "c:\n  d: 1"), "a:\n    b: 1\n    c:\n        d: 1\n", drop("a", -1, 2)},
	{"compact item", "s:\n- a: 1\n  b: 2\n- c\n", add("s/0", "x: v"), "s:\n- a: 1\n  b: 2\n  x: v\n- c\n", drop("s/0", -1, 2)},
	{"first key of a compact item", "s:\n- a: 1 # c\n  b: 2\n", insert("s/0", 0, "x: v"), "s:\n- x: v\n  a: 1 # c\n  b: 2\n", drop("s/0", 0, 2)},
	{"drop first of compact, comment between", "s:\n- a: 1\n  # c\n  b: 2\n", drop("s/0", 0, 2), "s:\n-\n  # c\n  b: 2\n", nil},
	{"nested dashes", "- - a\n  - b\n- c\n", add("0", "- x"), "- - a\n  - b\n  - x\n- c\n", drop("0", -1, 1)},
	{"empty item", "- {}\n-\n- []\n", add("0", "a: 1\nb: 2"), "- a: 1\n  b: 2\n-\n- []\n", drop("0", 0, 4)},
	{"empty dash", "-\n- x\n", set("0", "a: 1\nb: 2"), "- a: 1\n  b: 2\n- x\n", set("0", "")},
	{"explicit keys", "? a\n: b\n? c\n: - d\n", add("c", "- e"), "? a\n: b\n? c\n: - d\n  - e\n", drop("c", -1, 1)},
	{"anchors", "a: &x {}\nb: *x\nc: &y\n  k: *x\nd: !t v\n", add("c", "nn: 1"), "a: &x {}\nb: *x\nc: &y\n  k: *x\n  nn: 1\nd: !t v\n", drop("c", -1, 2)},
	{"anchor before braces", "a: &x {}\nb: 1\n", add("a", "nn: 1"), "a: &x\n  nn: 1\nb: 1\n", drop("a", -1, 2)},
	{"between keys", "a: 1\n# b\nb: 2\n", insert("", 2, "nn: 1"), "a: 1\nnn: 1\n# b\nb: 2\n", drop("", 2, 2)},
	{"before a commented key", "m:\n  # about a\n  a: 1\n", insert("m", 0, "nn: 1"), "m:\n  nn: 1\n  # about a\n  a: 1\n", drop("m", 0, 2)},
	{"scalar keeps comment", "a: 80   # port\n", value("a", "8181", "!!int"), "a: 8181   # port\n", value("a", "80", "!!int")},
	{"string that looks like a number", "a: web\n", value("a", "8181", "!!str"), "a: \"8181\"\n", nil},
	{"single quotes stay", "a: 'x'\n", value("a", "it's", "!!str"), "a: 'it''s'\n", value("a", "x", "!!str")},
	{"double quotes stay", "a: \"x\"\n", value("a", "y\tz", "!!str"), "a: \"y\\tz\"\n", value("a", "x", "!!str")},
	{"replace by a new scalar", "a: 'x' # c\n", set("a", "yy"), "a: 'yy' # c\n", set("a", "x")},
	{"literal changes", "a: | # c\n    x\n    y\nb: 1\n", value("a", "p\nq\n", "!!str"), "a: | # c\n    p\n    q\nb: 1\n", value("a", "x\ny\n", "!!str")},
	{"new literal", "a:\n  b: 1\n", add("a", "c: |\n  l1\n\n  l2\n"), "a:\n  b: 1\n  c: |\n    l1\n\n    l2\n", drop("a", -1, 2)},
	{"folded long text", "a: " + long + "\nb: >\n  x\n  y\n", add("", "z: 1"), "a: " + long + "\nb: >\n  x\n  y\nz: 1\n", drop("", -1, 2)},
	{"words that need quotes", "a: 1\n", add("", `b: ["yes", "1:30", "0x1", "=", "", "a: b", "a #b", " x", "2001-01-01", "null", "1e3", "no"]`), "a: 1\nb: [\"yes\", \"1:30\", \"0x1\", \"=\", \"\", \"a: b\", \"a #b\", \" x\", \"2001-01-01\", \"null\", \"1e3\", \"no\"]\n", drop("", -1, 2)},
	{"flow mapping", "a: {b: 1, c: 2} # d\n", add("a", "e: f"), "a: {b: 1, c: 2, e: f} # d\n", drop("a", -1, 2)},
	{"flow, first", "a: [b, c]\n", insert("a", 0, "- x"), "a: [x, b, c]\n", drop("a", 0, 1)},
	{"flow, several lines", "a: [\n  b, # about b\n  c\n]\n", add("a", "- x"), "a: [\n  b, # about b\n  c, x\n]\n", drop("a", -1, 1)},
	{"flow, comment is kept", "a: [\n  b, # about b\n  c\n]\n", drop("a", -1, 1), "a: [\n  b # about b\n  \n]\n", nil},
	{"quoted strings beget quoted strings", "a: [\"b\"]\n", add("a", "- x"), "a: [\"b\", \"x\"]\n", drop("a", -1, 1)},
	{"json", `{"a":{},"b":[1,2],"c":"d"}`, add("a", `x: ["yes", z, 1]`), `{"a":{"x":["yes","z",1]},"b":[1,2],"c":"d"}`, drop("a", -1, 2)},
	{"pretty json", "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": \"d\"\n  }\n}\n", add("b", "nn: [{x: v}]"), "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": \"d\",\n    \"nn\": [\n      {\n        \"x\": \"v\"\n      }\n    ]\n  }\n}\n", drop("b", -1, 2)},
	{"block to braces", "a:\n  b: 1\n  c: 2 # x\nd: 1\n", drop("a", 0, 4), "a: {}\nd: 1\n", nil},
	{"sequence to brackets", "a:\n- 1\n- 2\nd: 1\n", drop("a", 0, 2), "a: []\nd: 1\n", nil},
	{"mapping becomes sequence", "a:\n  b: 1\nd: 1\n", set("a", "- x"), "a:\n  - x\nd: 1\n", nil},
	{"indentless sequence becomes mapping", "a:\n- 1\nd: 1\n", set("a", "x: v"), "a:\n  x: v\nd: 1\n", nil},
	{"scalar becomes mapping", "a: 1 # c\nd: 1\n", set("a", "x: v"), "a: # c\n  x: v\nd: 1\n", set("a", "1")},
	{"mapping becomes scalar", "a: # c\n  x: v\nd: 1\n", set("a", "1"), "a: 1 # c\nd: 1\n", nil},
	{"tabs in comments", "a: 1\t# x\ty\nb:\t2\n", add("", "c: 3"), "a: 1\t# x\ty\nb:\t2\nc: 3\n", drop("", -1, 2)},
	{"trailing blanks", "a: 1  \nb: 2\t\n", add("", "c: 3"), "a: 1  \nb: 2\t\nc: 3\n", drop("", -1, 2)},
	{"value on the next line", "a: # c\n  v\nb: 1\n", set("a", "w"), "a: # c\n  w\nb: 1\n", set("a", "v")},
	{"tags stay", "a: !x v\nb: !!str 1\n", value("a", "w", "!x"), "a: !x w\nb: !!str 1\n", value("a", "v", "!x")},
	{"tagged number", "b: !!str 1 # c\n", value("b", "2", "!!str"), "b: !!str 2 # c\n", value("b", "1", "!!str")},
	{"quoted keys", "'a': 1\n\"b c\": {}\n", add("b c", "x: 1"), "'a': 1\n\"b c\":\n  x: 1\n", drop("b c", -1, 2)},
}

func TestMerge(t *testing.T) {
	for _, tt := range mergeTests {
		t.Run(tt.name, func(t *testing.T) {
			got := apply(t, tt.in, tt.edit)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Fatalf("-want +got:\n%s", d)
			}
			if tt.undo == nil {
				return
			}
			if d := cmp.Diff(tt.in, apply(t, got, tt.undo)); d != "" {
				t.Fatalf("undone: -want +got:\n%s", d)
			}
		})
	}
}
