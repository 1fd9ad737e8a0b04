package patches

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// The files of a kustomization, and the line that starts each: what lacks it is somebody else's.
const (
	Kustomization = "kustomization.yaml"
	Resources     = "resources.yaml"
	mark          = "# Written by kauth patches"
)

// File is a file to write.
type File struct {
	Name string
	Text []byte
}

// Files prints the set as a kustomization of kind Component: it changes the resources of whichever kustomization names
// it. The version is that of kauth.
func (s *Set) Files(version string) ([]File, error) {
	list := manifest.Sequence()
	for _, p := range s.Patches {
		for _, n := range []*yaml.Node{p.merge(), p.json()} {
			if n != nil {
				list.Content = append(list.Content, n)
			}
		}
	}
	var resources *yaml.Node
	var files []File
	if len(s.Added) > 0 {
		text := []byte(mark + " " + version + "; do not edit.\n")
		for _, o := range s.Added {
			object, err := encode(plain(o.Node))
			if err != nil {
				return nil, err
			}
			text = append(append(text, "---\n"...), object...)
		}
		resources = manifest.Sequence(manifest.Text(Resources))
		files = append(files, File{Resources, text})
	}
	text, err := encode(manifest.Mapping("apiVersion", manifest.Text("kustomize.config.k8s.io/v1alpha1"), "kind", manifest.Text("Component"),
		"resources", resources, "patches", list)) // an empty list too: kustomize takes no file that says nothing
	if err != nil {
		return nil, err
	}
	head := mark + " " + version + "; do not edit. Use it as one of the components of a kustomization.\n"
	return append(files, File{Kustomization, append([]byte(head), text...)}), nil
}

// merge prints the strategic merge patch, nil where there is none.
func (p *Patch) merge() *yaml.Node {
	if p.Merge == nil {
		return nil
	}
	object := manifest.Mapping("apiVersion", manifest.Text(apiVersion(p.Object)), "kind", manifest.Text(p.Object.Kind))
	metadata := manifest.Mapping("name", manifest.Text(p.Object.Name), "namespace", text(p.Object.Namespace))
	if more := manifest.At(p.Merge, manifest.P("metadata")); more != nil {
		metadata.Content = append(metadata.Content, more.Content...)
	}
	object.Content = append(object.Content, manifest.Text("metadata"), metadata)
	for i := 0; i+1 < len(p.Merge.Content); i += 2 {
		if p.Merge.Content[i].Value != "metadata" {
			object.Content = append(object.Content, p.Merge.Content[i:i+2]...)
		}
	}
	return manifest.Mapping("patch", block(object))
}

// json prints the JSON patch and its target, nil where there is none.
func (p *Patch) json() *yaml.Node {
	if len(p.Ops) == 0 {
		return nil
	}
	ops := manifest.Sequence()
	for _, op := range p.Ops {
		ops.Content = append(ops.Content, manifest.Mapping("op", manifest.Text(op.Op), "path", manifest.Text(pointer(op.Path)), "value", op.Value))
	}
	// kustomize takes names and namespaces of targets for regular expressions.
	target := manifest.Mapping("group", text(p.Object.Group), "version", text(p.Object.Version), "kind", manifest.Text(p.Object.Kind),
		"name", manifest.Text(regexp.QuoteMeta(p.Object.Name)), "namespace", text(regexp.QuoteMeta(p.Object.Namespace)))
	return manifest.Mapping("target", target, "patch", block(ops))
}

// block is a text of several lines that holds n.
func block(n *yaml.Node) *yaml.Node {
	inner, err := encode(n)
	if err != nil { // what was parsed can be printed
		inner = []byte(err.Error())
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Style: yaml.LiteralStyle, Value: string(inner)}
}

// encode prints n so that it is read alike by YAML 1.1, which kustomize and Kubernetes read, and by 1.2.
func encode(n *yaml.Node) ([]byte, error) {
	quote(n)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	err := errors.Join(e.Encode(n), e.Close())
	return out.Bytes(), err
}

// quote puts quotes around texts that YAML 1.1 takes for something else, such as n, which is false, and around those that
// end in a newline, for kustomize cuts that off at the end of a patch.
func quote(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagString && n.Style == 0 && (yaml.IsYaml1_1NonString(n) || strings.HasSuffix(n.Value, "\n")) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quote(child)
	}
}

func text(s string) *yaml.Node {
	if s == "" {
		return nil
	}
	return manifest.Text(s)
}

func apiVersion(o *manifest.Object) string {
	if o.Group == "" {
		return o.Version
	}
	return o.Group + "/" + o.Version
}

// pointer prints a path as RFC 6901 does.
func pointer(path []string) string {
	var b strings.Builder
	for _, step := range path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	return b.String()
}

// Write writes the files into dir, which it makes, and removes what an earlier run wrote and this one does not. It
// touches nothing where dir holds a file of one of these names that no run of it wrote.
func Write(dir string, files []File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for whoever may read the repository, as the files
		return err
	}
	var errs []error
	stale := map[string]bool{}
	for _, name := range []string{Kustomization, Resources} {
		exists, err := ours(filepath.Join(dir, name))
		errs = append(errs, err)
		stale[name] = exists
	}
	if other := filepath.Join(dir, "kustomization.yml"); len(errs) > 0 {
		if _, err := os.Lstat(other); err == nil {
			errs = append(errs, fmt.Errorf("%s: not written by kauth patches, and kustomize takes only one kustomization; use another folder", other))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, f := range files {
		delete(stale, f.Name)
		if err := replace(filepath.Join(dir, f.Name), f.Text); err != nil {
			return err
		}
	}
	for _, name := range []string{Kustomization, Resources} {
		if stale[name] {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ours says whether a file is there; one that no run of kauth patches wrote is an error.
func ours(name string) (exists bool, err error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	foreign := fmt.Errorf("%s: not written by kauth patches; use another folder, or remove it", name)
	if !info.Mode().IsRegular() {
		return true, foreign
	}
	text, err := os.ReadFile(name)
	if err == nil && !bytes.HasPrefix(text, []byte(mark)) {
		err = foreign
	}
	return true, err
}

// replace writes a file whole or not at all.
func replace(name string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already where the rename was done
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
