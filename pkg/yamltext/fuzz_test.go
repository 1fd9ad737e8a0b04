package yamltext

import (
	"bytes"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// paths lists the way to every node that stands in the text itself.
func paths(n *yaml.Node, path []int, out *[][]int) {
	*out = append(*out, append([]int(nil), path...))
	for i, c := range n.Content {
		paths(c, append(path, i), out)
	}
}

func walk(n *yaml.Node, path []int) *yaml.Node {
	for _, i := range path {
		n = n.Content[i]
	}
	return n
}

var newText = []string{"new: value", "new:\n- a: 1\n  b: [x]\n- |\n  two\n  lines\n", `new: "yes"`, "new: {}", "new: {a: b}", "new:\n  deep:\n    deeper: ~\n"}

// edited makes one change to n chosen by how and returns its inverse, nil when there is none that restores the bytes.
func edited(t testing.TB, n *yaml.Node, how byte) (undo func(*yaml.Node)) {
	more := fresh(t, newText[int(how/8)%len(newText)])
	place := int(how) % 3
	switch {
	case n.Kind == yaml.ScalarNode && how%8 < 4 && emptyScalar(n) && n.Tag == "!!null":
		old := *n
		*n = *more
		n.Anchor = old.Anchor
		return func(m *yaml.Node) {
			*m = yaml.Node{Kind: yaml.ScalarNode, Tag: old.Tag, Value: old.Value, Anchor: old.Anchor}
		}
	case n.Kind == yaml.ScalarNode:
		n.Value, n.Tag = [...]string{"8181", "it's: #x", "plain", "a\nb\n", ""}[int(how)%5], "!!str"
		return nil
	case n.Kind == yaml.MappingNode:
		at := min(place*2, len(n.Content))
		n.Content = append(append(append([]*yaml.Node(nil), n.Content[:at]...), more.Content...), n.Content[at:]...)
		return func(m *yaml.Node) {
			m.Content = append(append([]*yaml.Node(nil), m.Content[:at]...), m.Content[at+2:]...)
		}
	case n.Kind == yaml.SequenceNode:
		at := min(place, len(n.Content))
		n.Content = append(append(append([]*yaml.Node(nil), n.Content[:at]...), more), n.Content[at:]...)
		return func(m *yaml.Node) {
			m.Content = append(append([]*yaml.Node(nil), m.Content[:at]...), m.Content[at+1:]...)
		}
	}
	return nil
}

var fuzzSeeds = []string{
	"a: 1\nb:\n  c: {}\n  d: []\n  e:\n", "- a\n- b: c\n  d: |+\n    x\n\n\n- - e\n  - f\n", "{\"a\": [1, 2], \"b\": {}}",
	"{\n  \"a\": 1,\n  \"b\": {\n    \"c\": \"d\"\n  }\n}\n", "a: &x\n  k: v\nb: *x\n? c\n: d\n? - e\n: - f\n", "--- # c\na:\r\n  - b # d\r\n  # e\r\n\r\nf: 'g\r\n  h'",
	"\ufeffa:\n    {}\nb:   {}\nc: {} # d\ne:  # f\n", "# c\n%YAML 1.1\n---\na: >2-\n    x\n   y\nb: \"\\u00e9 \\\n  z\"\n...\n", "a: [x, {y: z}, [k: v], ? p : q]\n",
	"a: !!str 1\nb: ! c\nd: !<tag:x> e\nf: !!set {a, b}\n", "a: |\n x\n#c", "a:\n - b\n\n # c\nd: e", "s:\n- a: 1\n  # c\n  b: 2\n- # x\n  c: 1\n", "ä: ö ü\n日本: [é, 'ß']\n", "[]", "{}", "a", "- {}\n- []\n-\n-   x: 1\n    y: 2\n",
	"{a: b, # c\n c: d, # e\n}\n", "a: b\n\u2028c: d\n", "a:\n  - b\n  -   - c\n      - d\n", "*a : b\n", "&a b: &c d\n*a : *c\n", "a: 'x''y'\n'b': \"c\"\n",
}

// FuzzMergeInsertRemove: an edit either fails or says what was asked for, and inserting then removing gives the bytes back.
func FuzzMergeInsertRemove(f *testing.F) {
	for i, s := range fuzzSeeds {
		for j := range 6 {
			f.Add([]byte(s), uint16(i*3+j), byte(i*7+j*5))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, which uint16, how byte) {
		checkEdit(t, raw, which, how)
	})
}

func checkEdit(t *testing.T, raw []byte, which uint16, how byte) {
	doc, err := Parse(raw)
	if err != nil || doc == nil {
		return
	}
	if out, err := Merge(raw, doc, Clone(doc)); err == nil && !bytes.Equal(out, raw) {
		t.Fatalf("nothing edited, but %q became %q", raw, out)
	}
	var all [][]int
	paths(content(doc), nil, &all)
	path := all[int(which)%len(all)]
	after := Clone(doc)
	undo := edited(t, walk(content(after), path), how)
	if n := walk(content(doc), path); n.Kind == yaml.ScalarNode && len(path) > 0 && isFlow(walk(content(doc), path[:len(path)-1])) {
		undo = nil // nothing at all between brackets comes back as the word null
	}
	out, err := Merge(raw, doc, after)
	if err != nil {
		return
	}
	got, err := Parse(out)
	if err != nil {
		t.Fatalf("%q became broken: %q: %v", raw, out, err)
	}
	if got == nil || undo == nil {
		return
	}
	if err := verify(content(after), content(got)); err != nil {
		t.Fatalf("%q became %q: %v", raw, out, err)
	}
	back := Clone(got)
	undo(walk(content(back), path))
	restored, err := Merge(out, got, back)
	if err != nil {
		t.Fatalf("%q became %q, which cannot be undone: %v", raw, out, err)
	}
	if !bytes.Equal(restored, raw) && !strippedEnd(raw, doc) {
		t.Fatalf("%q became %q and then %q", raw, out, restored)
	}
}

// strippedEnd reports the one edit that cannot be undone exactly: a block scalar at the very end of a text without a
// final line break had to get a "-" when something followed it.
func strippedEnd(raw []byte, doc *yaml.Node) bool {
	n := content(doc)
	for isCollection(n) && len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return !endsLine(raw) && n.Style&asLines != 0
}
