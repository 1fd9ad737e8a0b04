package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/yamltext"
)

// maxFile is how long a settings file may be, in bytes. Ten thousand gates take less.
const maxFile = 1 << 20

// Read reads a settings file. Errors and origins call it by its last path element where the path is a long one.
func Read(name string) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; name a settings file with --config or KAUTH_CONFIG", name, cause(err))
	}
	defer func() { _ = f.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w; name a settings file with --config or KAUTH_CONFIG", name, cause(err))
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s: longer than %d bytes, which no settings file needs; is it the manifests?", name, maxFile)
	}
	return Parse(filepath.ToSlash(name), text)
}

// cause takes the operation and the path, which the caller says in its own way, from an error of package os.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

var lineOf = regexp.MustCompile(`line (\d+): (.*)$`)

// Parse reads the text of a settings file. The error names every fault with its line.
func Parse(name string, text []byte) (*File, error) {
	tree, err := yamltext.Parse(text)
	if second, ok := errors.AsType[*yamltext.SecondDocumentError](err); ok {
		return nil, fmt.Errorf("%s:%d: a second document; a settings file holds one", name, second.Line)
	}
	if err != nil {
		if m := lineOf.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " ")); m != nil {
			return nil, fmt.Errorf("%s:%s: not valid YAML: %s", name, m[1], m[2])
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if tree == nil || len(tree.Content) == 0 {
		return nil, fmt.Errorf("%s: empty; a settings file starts with apiVersion: %s and kind: %s", name, APIVersion, Kind)
	}
	return decode(name, tree.Content[0], map[string]int{})
}

// Decode reads a functionConfig, which has no lines of its own, and is called name.
func Decode(name string, n *yaml.Node) (*File, error) { return decode(name, n, nil) }

func decode(name string, n *yaml.Node, lines map[string]int) (*File, error) {
	f := &File{name: name, lines: lines}
	d := &decoder{file: f}
	if !d.header(n) {
		return nil, d.failed()
	}
	d.value(n, reflect.ValueOf(f).Elem(), "")
	if len(d.errs) == 0 {
		d.check()
	}
	return f, d.failed()
}

// header refuses what is no settings file at all, before its fields give rise to a long list of errors.
func (d *decoder) header(n *yaml.Node) bool {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		d.fault(n, "", "expected fields such as apiVersion and kind, found %s", describe(n))
		return false
	}
	for _, want := range []struct{ key, value string }{{"apiVersion", APIVersion}, {"kind", Kind}} {
		at, got := n, ""
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == want.key {
				at, got = n.Content[i+1], n.Content[i+1].Value
			}
		}
		if got == "" {
			d.fault(at, want.key, "missing; settings start with apiVersion: %s and kind: %s", APIVersion, Kind)
			return false
		}
		if got != want.value {
			d.fault(at, want.key, "%q, but settings are of %s %s", got, APIVersion, Kind)
			return false
		}
	}
	return true
}

// check validates what the types cannot say. Values of settings are validated when they are resolved.
func (d *decoder) check() {
	f, seen := d.file, map[string]int{}
	if f.Namespace != nil && !namespaceName.MatchString(*f.Namespace) {
		d.wrong("namespace", "%q is not the name of a namespace", *f.Namespace)
	}
	d.peers(f.Defaults, "defaults")
	for i := range f.Gates {
		g, at := &f.Gates[i], fmt.Sprintf("gates[%d]", i)
		d.target(&g.Target, at+".target")
		d.peers(&g.Stated, at)
		if g.Gate != nil && *g.Gate != "enabled" && *g.Gate != "disabled" {
			d.wrong(at+".gate", "%q is neither enabled nor disabled", *g.Gate)
		}
		if g.Target.empty() {
			continue
		}
		key := g.Target.key()
		if first, twice := seen[key]; twice {
			d.wrong(at, "has the target of gates[%d]; the first that matches counts, so remove one", first)
			continue
		}
		seen[key] = i
	}
}

// wrong adds an error for the field that path leads to.
func (d *decoder) wrong(path, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s: %s", d.file.origin(path).Reference(), fmt.Sprintf(format, args...)))
}

func (d *decoder) target(t *Target, at string) {
	if t.empty() {
		d.wrong(at, "selects nothing; give kind, name, namespace or labels")
	}
	for _, field := range []struct {
		name  string
		value *string
	}{{"kind", t.Kind}, {"name", t.Name}, {"namespace", t.Namespace}} {
		if field.value == nil {
			continue
		}
		_, err := path.Match(*field.value, "")
		switch {
		case *field.value == "":
			d.wrong(at+"."+field.name, "empty; give a value, or leave the field out")
		case field.name == "kind" && !kindName.MatchString(*field.value):
			d.wrong(at+".kind", "%q is not a kind such as Deployment", *field.value)
		case err != nil || strings.ContainsAny(*field.value, "/: "):
			d.wrong(at+"."+field.name, "%q is neither a name nor a pattern of one, such as web-*", *field.value)
		}
	}
	if t.Port != nil {
		if n, err := strconv.Atoi(string(*t.Port)); err == nil && (n < 1 || n > 65535) || err != nil && !portName.MatchString(string(*t.Port)) {
			d.wrong(at+".port", "%q is neither the number nor the name of a container port", *t.Port)
		}
	}
}

func (t *Target) empty() bool {
	return t.Kind == nil && t.Name == nil && t.Namespace == nil && len(t.Labels) == 0
}

// key is the same for targets that select the same.
func (t *Target) key() string {
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return strconv.Quote(*s)
	}
	return strings.ToLower(text(t.Kind)) + text(t.Name) + text(t.Namespace) + fmt.Sprintf("%q", t.Labels)
}
