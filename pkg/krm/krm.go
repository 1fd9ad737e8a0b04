// Package krm owns the form in which KRM functions are spoken to: a ResourceList with a functionConfig, and the
// results that go back in it (kustomize:cmd/config/docs/api-conventions/functions-spec.md).
package krm

import (
	"bytes"
	"errors"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/yamltext"
)

// List is a ResourceList that was given as input.
type List struct {
	FunctionConfig *yaml.Node // nil where there is none
}

// Of returns the ResourceList in in, nil where that is something else, such as a plain stream.
func Of(in []byte) *List {
	if !bytes.Contains(in, []byte(manifest.ResourceList)) {
		return nil
	}
	tree, err := yamltext.Parse(in)
	if err != nil || tree == nil || len(tree.Content) == 0 || manifest.String(tree.Content[0], "kind") != manifest.ResourceList {
		return nil // what is wrong with it, manifest.Read says
	}
	n := manifest.Field(tree.Content[0], "functionConfig")
	if n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagNull || n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		return &List{}
	}
	return &List{FunctionConfig: n}
}

// Result is one entry of a ResourceList's results.
type Result struct {
	Severity finding.Severity
	Ref      manifest.Ref
	Field    manifest.Path
	Message  string
}

// Results turns findings, and the error that ended the run where there was one, into results. An error that the
// findings already tell is not told twice.
func Results(findings []finding.Finding, failed error) []Result {
	var all []Result
	told := map[string]bool{}
	for _, f := range findings {
		message := f.Message
		if f.Hint != "" {
			message += "; " + f.Hint
		}
		told[f.String()] = true
		all = append(all, Result{Severity: f.Severity, Ref: f.Ref, Field: f.Field, Message: message})
	}
	if failed == nil {
		return all
	}
	for line := range strings.SplitSeq(failed.Error(), "\n") {
		if !told[line] && line != "" {
			all = append(all, Result{Severity: finding.Error, Message: line})
		}
	}
	return all
}

// Append writes results into the ResourceList that s holds, behind those that it has.
func Append(s *manifest.Stream, results []Result) error {
	for _, d := range s.Docs {
		if manifest.String(d.Root(), "kind") != manifest.ResourceList {
			continue
		}
		d.Edit()
		for _, r := range results {
			if err := manifest.Append(d.Root(), manifest.P("results"), r.node()); err != nil {
				return err
			}
		}
		return s.Commit()
	}
	return errors.New("not a ResourceList")
}

func (r Result) node() *yaml.Node {
	text := func(s string) *yaml.Node {
		if s == "" {
			return nil
		}
		return manifest.Text(s)
	}
	var ref, field, file *yaml.Node
	if r.Ref.Kind != "" {
		version := r.Ref.Version
		if r.Ref.Group != "" {
			version = r.Ref.Group + "/" + version
		}
		ref = manifest.Mapping("apiVersion", text(version), "kind", text(r.Ref.Kind), "name", text(r.Ref.Name), "namespace", text(r.Ref.Namespace))
	}
	if len(r.Field) > 0 {
		field = manifest.Mapping("path", text(r.Field.String()))
	}
	if r.Ref.Source != "" {
		file = manifest.Mapping("path", text(r.Ref.Source))
	}
	return manifest.Mapping("message", text(r.Message), "severity", text(string(r.Severity)), "resourceRef", ref, "field", field, "file", file)
}
