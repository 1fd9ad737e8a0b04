package yamltext

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// verify compares what the new text says with what it should say, and names the first path at which they differ.
func verify(want, got *yaml.Node) error {
	if path, what := difference(want, got); what != "" {
		return fmt.Errorf("document%s: %s", path, what)
	}
	return nil
}

// difference builds the path on the way back up, so that the usual case costs nothing.
func difference(want, got *yaml.Node) (path, what string) {
	switch {
	case want == nil && got == nil:
		return "", ""
	case want == nil || got == nil:
		return "", "one side is empty"
	case want.Kind != got.Kind:
		return "", fmt.Sprintf("wanted kind %d, the text says %d", want.Kind, got.Kind)
	case want.ShortTag() != got.ShortTag():
		return "", fmt.Sprintf("wanted %s, the text says %s", want.ShortTag(), got.ShortTag())
	case want.Anchor != got.Anchor && want.Kind != yaml.AliasNode:
		return "", "the anchor changed"
	case len(want.Content) != len(got.Content):
		return "", fmt.Sprintf("wanted %d nodes, the text has %d", len(want.Content), len(got.Content))
	case want.Kind == yaml.AliasNode && want.Value != got.Value,
		want.Kind == yaml.ScalarNode && want.Value != got.Value && want.ShortTag() != "!!null":
		return "", "the value would not be read back as it was set"
	}
	for i, c := range want.Content {
		path, what := difference(c, got.Content[i])
		if what == "" {
			continue
		}
		if want.Kind == yaml.SequenceNode {
			return fmt.Sprintf("[%d]%s", i, path), what
		}
		return "." + want.Content[i&^1].Value + path, what
	}
	return "", ""
}

// same reports whether two trees say the same, style and place aside.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) || a.ShortTag() != b.ShortTag() {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
