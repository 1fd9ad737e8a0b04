package eject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/yamltext"
)

// Filter undoes what the annotation gateconf.AnnotationUndo of an object records. Objects without it stay as they are.
type Filter struct{}

var _ yaml.Filter = Filter{}

// Marked says whether an object carries a record.
func Marked(n *yaml.Node) bool {
	return manifest.At(n, manifest.P("metadata", "annotations", gateconf.AnnotationUndo)) != nil
}

// Added says whether an object is one that kauth put into the stream, and whether the document before it was given a
// newline for it. Such an object goes as a whole.
func Added(n *yaml.Node) (added, newline bool) {
	record := manifest.At(n, manifest.P("metadata", "annotations", gateconf.AnnotationUndo))
	if record == nil {
		return false, false
	}
	words := strings.Fields(record.Value)
	return len(words) > 0 && words[0] == gateconf.UndoObject, slices.Contains(words, gateconf.UndoNewline)
}

// Filter edits the object's node. It changes nothing when it fails: a line of the record means nothing, or leads to a
// field that is not there any more.
func (f Filter) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	root := n.YNode()
	field := manifest.P("metadata", "annotations", gateconf.AnnotationUndo)
	record := manifest.At(root, field)
	if record == nil {
		return n, nil
	}
	var undo []undoStep
	for line := range strings.SplitSeq(strings.TrimSpace(record.Value), "\n") {
		s, err := parseLine(strings.TrimSuffix(line, "\r"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		if s.value != nil && manifest.At(root, s.path) == nil {
			return nil, fmt.Errorf("%s: %s: not there; this object was edited after kauth, so render it afresh and eject that", field, s.path)
		}
		undo = append(undo, s)
	}
	for _, s := range slices.Backward(undo) {
		now := manifest.At(root, s.path)
		others := now != nil && len(now.Content) > 0 // put in since, by somebody else
		switch {
		case s.prune && others, s.value != nil && len(s.value.Content) == 0 && others:
			continue
		case s.value == nil:
			manifest.Delete(root, s.path) // gone already: as good as removed
			continue
		}
		if !manifest.Replace(root, s.path, s.value) {
			return nil, fmt.Errorf("%s: %s: not there; this object was edited after kauth, so render it afresh and eject that", field, s.path)
		}
	}
	manifest.Delete(root, field) // where the record does not take the whole map away
	return n, nil
}

// undoStep is one line of a record.
type undoStep struct {
	path  manifest.Path
	value *yaml.Node // nil: delete
	prune bool       // delete only what is empty
}

func parseLine(line string) (undoStep, error) {
	op, rest, _ := strings.Cut(line, " ")
	at := pathEnd(rest)
	path, err := manifest.ParsePath(rest[:at])
	if err != nil {
		return undoStep{}, err
	}
	text := strings.TrimPrefix(rest[at:], " ")
	switch op {
	case opDelete, opPrune:
		if text != "" {
			return undoStep{}, fmt.Errorf("%q: more than a path", line)
		}
		return undoStep{path: path, prune: op == opPrune}, nil
	case opQuoted:
		if text, err = strconv.Unquote(text); err != nil {
			return undoStep{}, fmt.Errorf("%q: %w", line, err)
		}
	case opSet:
	default:
		return undoStep{}, fmt.Errorf("%q: none of %s, %s, %s and %s", line, opDelete, opPrune, opSet, opQuoted)
	}
	value, err := yamltext.Verbatim(text)
	if err != nil {
		return undoStep{}, fmt.Errorf("%q: %w", line, err)
	}
	return undoStep{path: path, value: value}, nil
}

// pathEnd returns where a path ends: at the first blank outside of quotes.
func pathEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ' ' && !quoted:
			return i
		}
	}
	return len(s)
}
