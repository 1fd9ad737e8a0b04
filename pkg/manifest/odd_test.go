package manifest_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

func TestOddNodes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a list of itself", "kind: X\nspec: &s\n- *s\n", "line 3: the alias *s stands inside of what it stands for"},
		{"a mapping merged into itself", "kind: X\nspec: &s\n  <<: *s\n", "line 3: the alias *s stands inside"},
		{"several levels down", "kind: X\nspec: &s\n  a:\n  - b: [*s]\n", "line 4: the alias *s stands inside"},
		{"a List of itself", "&r\nkind: List\nitems:\n- *r\n", "line 4: the alias *r stands inside"},
		{"an alias beside it", "kind: X\nspec: {a: &s [1], b: [*s]}\n", ""},
		{"binary", "kind: X\nspec: {a: !!binary cHJvbQ==}\n", "line 2: the YAML tag !!binary"},
		{"binary kind", "kind: !!binary U2VydmljZQ==\n", "line 1: the YAML tag !!binary"},
		{"a number in quotes", "kind: X\nspec: {a: !!int \"0x50\"}\n", "line 2: the YAML tag !!int"},
		{"a tag of somebody's", "kind: X\nspec: {a: !mine b}\n", "line 2: the YAML tag !mine"},
		{"text", "kind: X\nspec: {a: !!str 1, b: ! x}\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := manifest.Read([]byte(c.text))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
