package manifest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func written(t *testing.T, s *Stream) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestInsertAndRemove states that what Insert puts in is a document of its own when the text is read again, and that
// Remove gives the text back.
func TestInsertAndRemove(t *testing.T) {
	const object = "kind: A\nmetadata:\n  name: a\n"
	for _, c := range []struct{ name, in, want string }{
		{"last", object, object + "---\nkind: B\nmetadata:\n  name: b\n"},
		{"with a source", "---\n# Source: x/y.yaml\n" + object, "---\n# Source: x/y.yaml\n" + object + "---\n# Source: x/y.yaml\nkind: B\nmetadata:\n  name: b\n"},
		{"between", object + "---\nkind: C\n", object + "---\nkind: B\nmetadata:\n  name: b\n---\nkind: C\n"},
		{"no newline at the end", "kind: A", "kind: A\n---\nkind: B\nmetadata:\n  name: b\n"},
		{"the next has no separator", object + "...\nkind: C\n", object + "...\n---\nkind: B\nmetadata:\n  name: b\n...\nkind: C\n"},
		{"CRLF", "kind: A\r\n", "kind: A\r\n---\r\nkind: B\r\nmetadata:\r\n  name: b\r\n"},
		{"JSON", "{\"kind\": \"A\"}\n", "{\"kind\": \"A\"}\n---\nkind: B\nmetadata:\n  name: b\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Read([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			newline := !strings.HasSuffix(c.in, "\n")
			if err := s.Insert([]Insertion{{s.Objects()[0], Mapping("kind", Text("B"), "metadata", Mapping("name", Text("b")))}}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, written(t, s)); diff != "" {
				t.Errorf("inserted (-want +got):\n%s", diff)
			}
			again, err := Read([]byte(c.want))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range again.Objects() {
				if o.Kind == "B" {
					if err := again.Remove(o, newline); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := again.Commit(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.in, written(t, again)); diff != "" {
				t.Errorf("removed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemoveFromList(t *testing.T) {
	s, err := Read([]byte("kind: List\nitems:\n- kind: A\n  metadata: {name: a}\n- kind: B\n- kind: C\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(s.Objects()[1], false); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("kind: List\nitems:\n- kind: A\n  metadata: {name: a}\n- kind: C\n", written(t, s)); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}

func TestPeek(t *testing.T) {
	s, err := Read([]byte("kind: ConfigMap\nmetadata: {name: c}\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Docs[0]
	if len(d.Objects()) != 0 || len(d.Peek()) != 1 || d.Peek()[0].Name != "c" || len(d.Objects()) != 0 {
		t.Errorf("objects %v, peeked %v", d.Objects(), d.Peek())
	}
}
