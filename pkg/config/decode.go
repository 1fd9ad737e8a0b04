package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func itoa(n int) string { return strconv.Itoa(n) }

// decoder fills structs from YAML nodes. Unlike encoding packages it says where each fault stands, reports all of them,
// and takes nothing for something else: no number for a text, no unknown field for a comment.
type decoder struct {
	file *File
	errs []error
}

// fault adds an error for the node n, which the path leads to.
func (d *decoder) fault(n *yaml.Node, path, format string, args ...any) {
	place := d.file.name
	if n != nil && d.file.lines != nil {
		place += ":" + itoa(n.Line)
	}
	if path != "" {
		place += ": " + path
	}
	d.errs = append(d.errs, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
}

// value decodes n into v, a settable value of one of the types of file.go.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if d.file.lines != nil && path != "" {
		d.file.lines[path] = n.Line
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagNull {
		d.fault(n, path, "has no value; write one, or leave the field out")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.mapping(n, path, func(key, value *yaml.Node) { d.field(key, value, v, path) })
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		d.mapping(n, path, func(key, value *yaml.Node) { d.entry(key, value, v, path) })
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.fault(n, path, "expected a list, found %s", describe(n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	tag := n.ShortTag()
	number := tag == yaml.NodeTagInt || tag == yaml.NodeTagFloat
	isQuantity, isPort := v.Type() == reflect.TypeFor[Quantity](), v.Type() == reflect.TypeFor[PortRef]()
	switch {
	case n.Kind != yaml.ScalarNode:
		d.fault(n, path, "expected %s, found %s", wanted(v), describe(n))
	case v.Kind() == reflect.String && (tag == yaml.NodeTagString || number && isQuantity || tag == yaml.NodeTagInt && isPort):
		v.SetString(n.Value)
	case v.Kind() == reflect.String && (number || tag == yaml.NodeTagBool):
		d.fault(n, path, "expected a text, found %s; put it in quotes", describe(n))
	case v.Kind() == reflect.Int && tag == yaml.NodeTagInt:
		i, err := strconv.Atoi(n.Value)
		if err != nil {
			d.fault(n, path, "%q is not a whole number; write it in decimal digits", n.Value)
		}
		v.SetInt(int64(i))
	case v.Kind() == reflect.Bool && tag == yaml.NodeTagBool:
		v.SetBool(strings.EqualFold(n.Value, "true"))
	default:
		d.fault(n, path, "expected %s, found %s", wanted(v), describe(n))
	}
}

// mapping calls each for the entries of n, those that a merge key (<<) brings included.
func (d *decoder) mapping(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, path, "expected fields, found %s", describe(n))
		return
	}
	seen, own := map[string]bool{}, map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line, twice := own[key.Value]; twice {
			d.fault(key, join(path, key.Value), "stands twice, also in line %d; remove one", line)
			continue
		}
		own[key.Value], seen[key.Value] = key.Line, true
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag != yaml.MergeTag && key.ShortTag() != yaml.NodeTagString:
			d.fault(key, path, "a key that is no text; put it in quotes")
		case key.Tag != yaml.MergeTag:
			each(key, n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == yaml.MergeTag {
			d.merged(n.Content[i+1], path, seen, each, 0)
		}
	}
}

// merged calls each for the entries of a merged mapping that are not seen yet.
func (d *decoder) merged(n *yaml.Node, path string, seen map[string]bool, each func(key, value *yaml.Node), depth int) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode || depth > 0 && slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Tag == yaml.MergeTag }) {
		d.fault(n, path, "a merge key (<<) takes one mapping, which has none itself; write the fields out")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key := n.Content[i]; {
		case key.Tag == yaml.MergeTag:
			d.merged(n.Content[i+1], path, seen, each, depth+1)
		case !seen[key.Value]:
			seen[key.Value] = true
			each(key, n.Content[i+1])
		}
	}
}

// field decodes one entry of a mapping into the field of the struct v that has its name.
func (d *decoder) field(key, value *yaml.Node, v reflect.Value, path string) {
	known := fields(v)
	target, ok := known[key.Value]
	if !ok {
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		d.fault(key, join(path, key.Value), "unknown field; %s", Suggest(key.Value, names))
		return
	}
	d.value(value, target, join(path, key.Value))
}

// entry decodes one entry of a mapping into the map v. What stands in a map[string]any is nobody's business here.
func (d *decoder) entry(key, value *yaml.Node, v reflect.Value, path string) {
	if v.Type().Elem().Kind() == reflect.Interface {
		v.SetMapIndex(reflect.ValueOf(key.Value), reflect.ValueOf(value))
		return
	}
	item := reflect.New(v.Type().Elem()).Elem()
	d.value(value, item, join(path, key.Value))
	v.SetMapIndex(reflect.ValueOf(key.Value), item)
}

// fields returns the fields of a struct by their names in the file, those of embedded structs included.
func fields(v reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			maps.Copy(all, fields(v.Field(i)))
		case name != "":
			all[name] = v.Field(i)
		}
	}
	return all
}

func join(path, key string) string {
	if strings.ContainsAny(key, "./ ") || key == "" {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func wanted(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Int:
		return "a number"
	case reflect.Bool:
		return "true or false"
	default:
		return "a text"
	}
}

func describe(n *yaml.Node) string {
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.MappingNode:
		return "fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case tag == yaml.NodeTagInt || tag == yaml.NodeTagFloat:
		return "the number " + shorten(n.Value)
	case tag == yaml.NodeTagBool:
		return n.Value
	default:
		return "the text " + strconv.Quote(shorten(n.Value))
	}
}

func shorten(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func (d *decoder) failed() error { return errors.Join(d.errs...) }
