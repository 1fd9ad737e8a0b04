package stranger

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// hostText finds names of Services where they can only be hosts: behind a scheme, with a port, or before NAMESPACE.svc.
var hostText = regexp.MustCompile(`(?:://|@)([-a-z0-9]+)|([-a-z0-9]+):\d+|([-a-z0-9]+)\.[-a-z0-9]+\.svc`)

// Host returns the first of names that stands in a text as a host, "" where none does.
func Host(text string, names map[string]bool) string {
	for _, m := range hostText.FindAllStringSubmatch(text, -1) {
		if name := m[1] + m[2] + m[3]; names[name] {
			return name
		}
	}
	return ""
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-", r) })
}

// Mention finds the first text below an object's mapping, its metadata left out, that holds one of names as a word, as in
// http://prom.monitoring.svc:9090. What an alias stands for is looked at where it stands in full.
func Mention(object *yaml.Node, names map[string]bool) (field manifest.Path, name string) {
	walk(object, nil, nil, func(at manifest.Path, n, _ *yaml.Node) bool {
		for _, word := range words(n.Value) {
			if names[word] {
				field, name = at, word
				return true
			}
		}
		return false
	})
	return field, name
}

// Services are names of Services by their namespace.
type Services map[string]map[string]bool

// Hit is a Service that an object names.
type Hit struct {
	Field           manifest.Path
	Namespace, Name string
}

// Named finds the first Service that an object of a namespace names. In one that is a route every word counts, as with
// Mention; a Service of another namespace only with the name of that, in the same text or beside it. In one that is
// not known to be a route only a backend counts, for clients name Services too: a host in a field that is called after
// services, backends or the like, with a port.
func (s Services) Named(object *yaml.Node, namespace string, route bool) *Hit {
	var hit *Hit
	walk(object, nil, nil, func(at manifest.Path, n, mapping *yaml.Node) bool {
		space, name := s.backend(at, n, mapping, namespace)
		if route {
			space, name = s.word(n, mapping, namespace)
		}
		if name != "" {
			hit = &Hit{at, space, name}
		}
		return hit != nil
	})
	return hit
}

func (s Services) word(n, mapping *yaml.Node, namespace string) (space, name string) {
	all := words(n.Value)
	for _, word := range all {
		if s[namespace][word] {
			return namespace, word
		}
	}
	for _, word := range all {
		for _, other := range slices.Sorted(maps.Keys(s)) {
			if other != namespace && s[other][word] && (slices.Contains(all, other) && other != word || beside(mapping, other)) {
				return other, word
			}
		}
	}
	return "", ""
}

// beside says whether a mapping has the name of a namespace as one of its values.
func beside(mapping *yaml.Node, namespace string) bool {
	if mapping == nil {
		return false
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i+1].Value == namespace && strings.Contains(strings.ToLower(mapping.Content[i].Value), "namespace") {
			return true
		}
	}
	return false
}

var (
	// backendText is a host of the cluster: with a scheme or without, in another namespace or not, with a port or without.
	backendText = regexp.MustCompile(`^(?:[a-z0-9+]+://)?([-a-z0-9]+)(?:\.([-a-z0-9]+)(?:\.svc[-.a-z0-9]*)?)?(:\d+)?(?:/.*)?$`)
	// spacedText is a Service behind its namespace.
	spacedText = regexp.MustCompile(`^([-a-z0-9]+)/([-a-z0-9]+)(:\d+)?$`)
	backendKey = regexp.MustCompile(`(?i)service|svc|backend|upstream|destination|target|forward`)
	otherKey   = regexp.MustCompile(`(?i)account|monitor|selector|remote|datasource|label`)
)

func (s Services) backend(at manifest.Path, n, mapping *yaml.Node, namespace string) (space, name string) {
	path := at.String()
	if m := spacedText.FindStringSubmatch(n.Value); m != nil && s[m[1]][m[2]] && backendKey.MatchString(path) && !otherKey.MatchString(path) {
		return m[1], m[2]
	}
	m := backendText.FindStringSubmatch(n.Value)
	if m == nil || !backendKey.MatchString(path) || otherKey.MatchString(path) || m[3] == "" && !hasPort(mapping) {
		return "", ""
	}
	switch name, space = m[1], m[2]; {
	case space != "" && s[space][name]:
		return space, name
	case space != "":
		return "", ""
	}
	for _, other := range slices.Sorted(maps.Keys(s)) { // one that is named beside it goes first
		if s[other][name] && beside(mapping, other) {
			return other, name
		}
	}
	if s[namespace][name] {
		return namespace, name
	}
	return "", ""
}

// hasPort says whether a mapping has a port, or something with one.
func hasPort(mapping *yaml.Node) bool {
	if mapping == nil {
		return false
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if strings.Contains(strings.ToLower(mapping.Content[i].Value), "port") {
			return true
		}
	}
	return false
}

// walk shows look the texts below n with the mapping that each stands in, nil in a list, until it says that it has seen enough.
func walk(n *yaml.Node, field manifest.Path, mapping *yaml.Node, look func(manifest.Path, *yaml.Node, *yaml.Node) bool) bool {
	switch n.Kind {
	case yaml.ScalarNode:
		return look(field, n, mapping)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if walk(item, field.With(i), nil, look) {
				return true
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if len(field) == 0 && n.Content[i].Value == "metadata" {
				continue
			}
			if walk(n.Content[i+1], field.With(n.Content[i].Value), n, look) {
				return true
			}
		}
	default: // an alias
	}
	return false
}
