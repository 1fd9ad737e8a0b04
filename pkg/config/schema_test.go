package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	checker "github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the schema and the wanted errors")

// schemaFile is what editors are pointed to.
const schemaFile = "../../schema/kauth.dev_gates_v1alpha1.json"

// schema generates the JSON schema of File from the Go types, their tags and their comments.
func schema(t *testing.T) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, Mapper: func(typ reflect.Type) *jsonschema.Schema {
			number := map[reflect.Type]string{reflect.TypeFor[Quantity](): "number", reflect.TypeFor[PortRef](): "integer"}[typ]
			if number == "" {
				return nil
			}
			return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: number}}}
		},
	}
	if err := r.AddGoComments("github.com/kauth-dev/kauth/pkg/config", ".", jsonschema.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&File{})
	s.Title, s.Description = "kauth settings", "Which workloads kauth gates, and what their gates are told: kauth.yaml, and the functionConfig of kauth as a KRM function."
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// TestSchema: the schema in the tree is the one that the types give.
func TestSchema(t *testing.T) {
	want := schema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types give (%v); run make golden", schemaFile, err)
	}
}

// TestFiles reads each file of testdata: NAME.good.yaml is taken by Parse and by the schema; NAME.bad.yaml is refused
// by Parse or Resolve with the errors of NAME.err, and by the schema where that can know.
func TestFiles(t *testing.T) {
	compiler := checker.NewCompiler()
	doc, err := checker.UnmarshalJSON(bytes.NewReader(schema(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("gates.json", doc); err != nil {
		t.Fatal(err)
	}
	gates, err := compiler.Compile("gates.json")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, err := Parse(filepath.Base(name), text)
			if err == nil {
				_, err = Resolve(Flags{}, file)
			}
			var value any
			bySchema := yaml.Unmarshal(text, &value)
			if bySchema == nil {
				bySchema = gates.Validate(value)
			}
			if strings.HasSuffix(name, ".good.yaml") {
				if err != nil || bySchema != nil {
					t.Errorf("refused: %v; by the schema: %v", err, bySchema)
				}
				return
			}
			refused(t, strings.TrimSuffix(name, ".bad.yaml")+".err", err, bySchema)
		})
	}
}

// TestDocumentation: the settings files that the documentation shows are good ones.
func TestDocumentation(t *testing.T) {
	shown := 0
	for _, name := range []string{"../../README.md", "../../docs/config.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(text), "```yaml\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			if !strings.Contains(block, APIVersion) {
				continue
			}
			shown++
			file, err := Parse(filepath.Base(name), []byte(block))
			if err == nil {
				_, err = Resolve(Flags{}, file)
			}
			if err != nil {
				t.Errorf("%s, block %d: %v", name, i+1, err)
			}
		}
	}
	if shown < 3 {
		t.Errorf("only %d settings files are shown", shown)
	}
}

// refused compares an error with what the file name wants, whose first line says whether the schema refuses too.
func refused(t *testing.T, name string, err, bySchema error) {
	t.Helper()
	if err == nil {
		t.Fatal("taken, though bad")
	}
	got := "# the schema knows\n"
	if bySchema == nil {
		got = "# the schema cannot know\n"
	}
	got += err.Error() + "\n"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(name); err != nil || string(want) != got {
		t.Errorf("%v; want %s, got %s", err, want, got)
	}
}
