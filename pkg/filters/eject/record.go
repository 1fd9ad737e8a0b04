// Package eject owns the way back: Record writes down, as the value of an annotation, what was done to an object, and
// Filter undoes it. It removes all that kauth added and nothing else.
package eject

import (
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// What can be undone. A record has a line for each, and is undone from its end:
//
//	del spec.ports[name="kauth"]
//	prune metadata.annotations
//	set spec.rules[0].http.paths[0].backend.service.port.number 9090
//	quoted metadata.annotations["a"] "|\n  text of several lines"
//
// What follows the path of a set is the old YAML text as it stood; quoted holds it as a Go string, with the blanks before
// the first line where it is a block of several. A collection that is
// new, or was empty, is emptied of what was put in; prune takes it away if nobody else has put something in since.
const (
	opDelete = "del"
	opPrune  = "prune"
	opSet    = "set"
	opQuoted = "quoted"
)

// Record returns what undoes the change of one object from before to after. Source gives the text of a node of before, as
// manifest.Document does; nodes that are new in after have no line. Removals cannot be recorded, and are an error.
func Record(source func(*yaml.Node) []byte, before, after *yaml.Node) (string, error) {
	r := recorder{source: source}
	if err := r.walk(before, after, nil); err != nil {
		return "", err
	}
	return strings.Join(r.lines, "\n"), nil
}

type recorder struct {
	source func(*yaml.Node) []byte
	lines  []string
}

func (r *recorder) walk(before, after *yaml.Node, p manifest.Path) error {
	switch {
	case after.Line == 0 || before.Kind != after.Kind:
		r.set(p, before)
		r.entries(after, p)
		return nil
	case after.Kind == yaml.MappingNode:
		return r.mapping(before, after, p)
	case after.Kind == yaml.SequenceNode:
		return r.sequence(before, after, p)
	case after.Kind == yaml.ScalarNode && (before.Value != after.Value || before.Tag != after.Tag):
		r.set(p, before)
	}
	return nil
}

func (r *recorder) set(p manifest.Path, before *yaml.Node) {
	old := string(r.source(before))
	if block := before.Kind == yaml.MappingNode || before.Kind == yaml.SequenceNode; block && before.Style&yaml.FlowStyle == 0 && len(before.Content) > 0 {
		old = strings.Repeat(" ", before.Column-1) + old
	}
	if strings.ContainsAny(old, "\r\n") {
		r.lines = append(r.lines, opQuoted+" "+p.String()+" "+strconv.Quote(old))
		return
	}
	r.lines = append(r.lines, strings.TrimSpace(opSet+" "+p.String()+" "+old))
}

// added records a field that was not there.
func (r *recorder) added(n *yaml.Node, p manifest.Path) {
	if len(n.Content) == 0 {
		r.lines = append(r.lines, opDelete+" "+p.String())
		return
	}
	r.lines = append(r.lines, opPrune+" "+p.String())
	r.entries(n, p)
}

// entries records what stands in a new collection.
func (r *recorder) entries(n *yaml.Node, p manifest.Path) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.lines = append(r.lines, opDelete+" "+p.With(n.Content[i].Value).String())
		}
	case yaml.SequenceNode:
		for i := range n.Content {
			r.lines = append(r.lines, opDelete+" "+p.With(step(n, i)).String())
		}
	default:
	}
}

func (r *recorder) mapping(before, after *yaml.Node, p manifest.Path) error {
	kept := 0
	for i := 0; i+1 < len(after.Content); i += 2 {
		key := after.Content[i]
		old := find(before, key)
		if old == nil {
			r.added(after.Content[i+1], p.With(key.Value))
			continue
		}
		kept++
		if err := r.walk(old, after.Content[i+1], p.With(key.Value)); err != nil {
			return err
		}
	}
	if kept != len(before.Content)/2 {
		return fmt.Errorf("%s: a field was removed, which cannot be undone", p)
	}
	return nil
}

func find(mapping, key *yaml.Node) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Value == key.Value && k.Line == key.Line && k.Column == key.Column {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func (r *recorder) sequence(before, after *yaml.Node, p manifest.Path) error {
	kept := 0
	for i, item := range after.Content {
		if item.Line == 0 {
			r.lines = append(r.lines, opDelete+" "+p.With(step(after, i)).String())
			continue
		}
		if kept >= len(before.Content) {
			return fmt.Errorf("%s: items changed places, which cannot be undone", p)
		}
		if err := r.walk(before.Content[kept], item, p.With(i)); err != nil {
			return err
		}
		kept++
	}
	if kept != len(before.Content) {
		return fmt.Errorf("%s: an item was removed, which cannot be undone", p)
	}
	return nil
}

// step names a new item by its name where it has one that no other item has.
func step(sequence *yaml.Node, i int) any {
	name := manifest.String(sequence.Content[i], "name")
	if name == "" {
		return i
	}
	for j, other := range sequence.Content {
		if j != i && manifest.String(other, "name") == name {
			return i
		}
	}
	return manifest.Named(name)
}
