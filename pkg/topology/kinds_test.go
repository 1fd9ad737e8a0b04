package topology

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestKinds: whoever asks a cluster for these kinds leaves out none that Resolve takes in, but for old names of others.
func TestKinds(t *testing.T) {
	kinds := Kinds()
	source, err := os.ReadFile("topology.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func (m *Model) addAside")
	body, _, _ = strings.Cut(body, "default:")
	var read []string
	for _, m := range regexp.MustCompile(`"([a-z0-9.-]*/[A-Z]\w+)"`).FindAllStringSubmatch(body, -1) {
		read = append(read, m[1])
	}
	if len(read) < 10 {
		t.Fatalf("addAside reads %q, as far as this test sees", read)
	}
	for kind := range routeKinds {
		read = append(read, kind)
	}
	old := []string{"/Endpoints", "extensions/Ingress", "extensions/IngressClass", "/Route"} // mirrored, or the same objects
	for _, kind := range read {
		if slices.Contains(kinds, kind) == slices.Contains(old, kind) {
			t.Errorf("%s: asked for: %v", kind, slices.Contains(kinds, kind))
		}
	}
	for _, kind := range kinds {
		if kind != "/Service" && !slices.Contains(read, kind) {
			t.Errorf("%s: asked for, and nobody reads it", kind)
		}
	}
}
