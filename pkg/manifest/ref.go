package manifest

import (
	"bytes"
	"cmp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// FilenameAnnotation is what Helm 4 marks each document with before a post-renderer sees it, and needs back
// (helm/helm:pkg/action/action.go).
const FilenameAnnotation = "postrenderer.helm.sh/postrender-filename"

// HookAnnotation marks an object that Helm runs apart from the release.
const HookAnnotation = "helm.sh/hook"

// Ref says which object is meant.
type Ref struct {
	Group     string // API group without version, "" for the core group
	Version   string
	Kind      string
	Namespace string // "" where the object names none, or the kind has none
	Name      string
	Source    string // the template that Helm made it from; "" where unknown
}

// String is the reference as errors and reports print it: Kind namespace/name (source), parts that are unknown left out.
func (r Ref) String() string {
	if r.Source == "" {
		return r.Short()
	}
	return r.Short() + " (" + r.Source + ")"
}

// Short is String without the source.
func (r Ref) Short() string {
	name := r.Name
	if r.Namespace != "" {
		name = r.Namespace + "/" + r.Name
	}
	return r.Kind + " " + name
}

// Identity is the reference without what may differ between two spellings of one object: version and source.
func (r Ref) Identity() Ref {
	return Ref{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

func refOf(n *yaml.Node, source string) Ref {
	group, version, found := strings.Cut(String(n, "apiVersion"), "/")
	if !found {
		group, version = "", group
	}
	name := String(n, "metadata", "name")
	if name == "" {
		name = String(n, "metadata", "generateName")
	}
	return Ref{
		Group: group, Version: version, Kind: String(n, "kind"),
		Namespace: String(n, "metadata", "namespace"), Name: name, Source: source,
	}
}

func (d *Document) source(root *yaml.Node) string {
	if file := String(root, "metadata", "annotations", FilenameAnnotation); file != "" {
		return file
	}
	return sourceComment(d.raw)
}

// itemSource returns the file that an item of a ResourceList comes from, "" where it does not say
// (kustomize:kyaml/kio/kioutil/kioutil.go).
func itemSource(n *yaml.Node) string {
	if at := Field(n, "metadata", "annotations"); at != nil {
		return cmp.Or(String(at, "internal.config.kubernetes.io/path"), String(at, "config.kubernetes.io/path"))
	}
	return ""
}

// sourceComment returns what stands behind "# Source:" among the comments that start the document.
func sourceComment(raw []byte) string {
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, newline)
		text := strings.TrimSpace(string(line[:min(len(line), 512)]))
		if source, ok := strings.CutPrefix(text, "# Source:"); ok {
			return strings.TrimSpace(source)
		}
		if text != "" && !strings.HasPrefix(text, "#") && !strings.HasPrefix(text, "---") {
			return ""
		}
		raw = rest
	}
	return ""
}
