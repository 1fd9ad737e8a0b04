// Package ways owns a second answer to the question which routes from outside lead to which container port: it reads
// objects as kube-proxy, the ingress controllers and the operators do, shares no code with the resolver of kauth, and
// judges what kauth made of a stream. It serves tests only.
package ways

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// An Object is one object of a stream, as an API server would read it.
type Object struct {
	Group, Kind string
	NS, Name    string // NS is also given to kinds that have none
	Map         Map
	Doc         int // which document of the stream, counted from 0
}

// String names the object as "Kind namespace/name".
func (o *Object) String() string { return o.Kind + " " + o.NS + "/" + o.Name }

// A Map is a YAML mapping.
type Map = map[string]any

// Documents parts a stream as kubectl does: at lines that begin with "---".
func Documents(stream []byte) ([][]byte, error) {
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	var docs [][]byte
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, slices.Clone(doc))
	}
}

// A Stream is a stream that was read.
type Stream struct {
	Docs    [][]byte
	Objects []*Object // the items of lists among them; NS is "" where they name none
}

// Read reads a stream.
func Read(stream []byte) (*Stream, error) {
	docs, err := Documents(stream)
	if err != nil {
		return nil, err
	}
	s := &Stream{Docs: docs}
	for i, doc := range docs {
		m, err := parse(doc)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", i, err)
		}
		s.Objects = append(s.Objects, flatten(m, i)...)
	}
	return s, nil
}

// In returns the objects as they are in a cluster where ns is the namespace of those that name none.
func (s *Stream) In(ns string) []*Object {
	all := make([]*Object, len(s.Objects))
	for i, o := range s.Objects {
		placed := *o
		if placed.NS == "" {
			placed.NS = ns
		}
		all[i] = &placed
	}
	return all
}

// parse reads YAML 1.1, as Kubernetes does. Numbers stay as they are written.
func parse(doc []byte) (Map, error) {
	text, err := yaml.YAMLToJSON(doc)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var m Map
	return m, d.Decode(&m)
}

func flatten(m Map, doc int) []*Object {
	kind := text(m, "kind")
	if kind == "" {
		return nil
	}
	if items, ok := m["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		var all []*Object
		for _, item := range items {
			if im, ok := item.(Map); ok {
				all = append(all, flatten(im, doc)...)
			}
		}
		return all
	}
	group, _, found := strings.Cut(text(m, "apiVersion"), "/")
	if !found {
		group = ""
	}
	return []*Object{{Group: group, Kind: kind, NS: text(m, "metadata", "namespace"), Name: text(m, "metadata", "name"), Map: m, Doc: doc}}
}

// annotation returns the text of an annotation, "" where it is not set.
func (o *Object) annotation(key string) string { return text(o.Map, "metadata", "annotations", key) }

// dig walks down mappings; nil where there is nothing.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(Map)
		v = m[k]
	}
	return v
}

func text(v any, keys ...string) string {
	s, _ := dig(v, keys...).(string)
	return s
}

func truth(v any, keys ...string) bool {
	b, _ := dig(v, keys...).(bool)
	return b
}

func number(v any, keys ...string) int {
	n, _ := dig(v, keys...).(json.Number)
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return int(i)
}

// entry is a mapping in a list, with its place.
type entry struct {
	at string // "spec.rules[0]"
	m  Map
}

// entries returns the mappings of the list at the end of keys.
func entries(in entry, keys ...string) []entry {
	at := strings.TrimPrefix(in.at+"."+strings.Join(keys, "."), ".")
	var all []entry
	items, _ := dig(in.m, keys...).([]any)
	for i, item := range items {
		if m, ok := item.(Map); ok {
			all = append(all, entry{fmt.Sprintf("%s[%d]", at, i), m})
		}
	}
	return all
}

// child returns the mapping at the end of keys; its m is nil where there is none.
func child(in entry, keys ...string) entry {
	m, _ := dig(in.m, keys...).(Map)
	return entry{strings.TrimPrefix(in.at+"."+strings.Join(keys, "."), "."), m}
}

// texts returns a mapping of texts, such as labels.
func texts(v any, keys ...string) map[string]string {
	m, _ := dig(v, keys...).(Map)
	all := map[string]string{}
	for k, x := range m {
		all[k], _ = x.(string)
	}
	return all
}
