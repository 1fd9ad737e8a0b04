package manifest

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// oddNode finds, below n, what readers of YAML take for different things or cannot take at all: an alias inside of
// what it stands for, which has no end, and a tag that turns text into something else, such as !!binary. Within are the
// nodes around n.
func oddNode(n *yaml.Node, within []*yaml.Node) (*yaml.Node, string) {
	switch {
	case n.Kind == yaml.AliasNode && slices.Contains(within, n.Alias):
		return n, "the alias *" + n.Value + " stands inside of what it stands for; write the value out"
	case n.Style&yaml.TaggedStyle != 0 && !plainTags[n.ShortTag()]:
		return n, "the YAML tag " + n.ShortTag() + ", which not every reader takes for the same; write the value without it"
	}
	within = append(within, n)
	for _, c := range n.Content {
		if odd, why := oddNode(c, within); odd != nil {
			return odd, why
		}
	}
	return nil, ""
}

var plainTags = map[string]bool{yaml.NodeTagString: true, yaml.NodeTagMap: true, yaml.NodeTagSeq: true}
