//go:build linux

package stories

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// An object is one document of a stream of manifests.
type object struct{ unstructured.Unstructured }

// title is KIND/NAME.
func (o object) title() string { return o.GetKind() + "/" + o.GetName() }

// set gives a field of the spec a value.
func (o object) set(s *story, value any, path ...string) {
	s.Helper()
	if err := unstructured.SetNestedField(o.Object, value, append([]string{"spec"}, path...)...); err != nil {
		s.Fatalf("%s: %v", o.title(), err)
	}
}

// objects reads a stream.
func (s *story) objects(stream string) (all []object) {
	s.Helper()
	for decoder := yaml.NewYAMLToJSONDecoder(strings.NewReader(stream)); ; {
		var o object
		if err := decoder.Decode(&o.Object); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			s.Fatal(err)
		}
		if len(o.Object) > 0 { // a document of comments alone
			all = append(all, o)
		}
	}
}

// without leaves out objects by their titles, each of which must be there.
func (s *story) without(all []object, titles []string) (rest []object) {
	s.Helper()
	unseen := slices.Clone(titles)
	for _, o := range all {
		if i := slices.Index(unseen, o.title()); i >= 0 {
			unseen = slices.Delete(unseen, i, i+1)
		} else {
			rest = append(rest, o)
		}
	}
	if len(unseen) > 0 {
		s.Fatalf("to be left out, but not in the stream: %q", unseen)
	}
	return rest
}

// list is a stream as kubectl reads it.
func (s *story) list(all []object) string {
	s.Helper()
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": all})
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}
