package choice

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// marks returns an object whose annotation enables a gate for w, and one whose annotation disables it. The annotation
// counts on the workload, its pod template, a Service that selects it and a route that leads to it. On a Service or a
// route that leads only to other ports than the application's, "disabled" leaves out that way alone.
func (p *Choice) marks(w *topology.Workload, port topology.Port) (enabled, disabled *manifest.Object) {
	read := func(o *manifest.Object, annotations map[string]string, ports ...int) {
		switch annotations[gateconf.AnnotationGate] {
		case gateconf.GateEnabled:
			enabled, p.heard[o] = o, true
		case gateconf.GateDisabled:
			if p.mayBeWeb(w, port, ports) {
				disabled = o
			}
		}
	}
	read(w.Object, manifest.Map(w.Object.Node, "metadata", "annotations"))
	read(w.Object, manifest.Map(fieldAt(w.Object.Node, w.Template), "annotations"))
	for _, svc := range p.Model.SelectedBy(w) {
		var ports []int
		for _, port := range svc.Ports {
			n, _ := port.TargetOf(w)
			ports = append(ports, n)
		}
		read(svc.Object, svc.Annotations, ports...)
	}
	for _, way := range p.Model.WaysTo(w) {
		if way.Route != nil {
			read(way.Route.Object, way.Route.Annotations, way.Port)
		}
	}
	return enabled, disabled
}

// mayBeWeb says whether one of ports may be the one that the gate stands before; no ports at all stand for any.
func (p *Choice) mayBeWeb(w *topology.Workload, named topology.Port, ports []int) bool {
	web := []int{named.Number}
	switch {
	case named == topology.Port{}:
		web = nil
		for _, c := range p.candidates(w) {
			web = append(web, c.number)
		}
	case named.Name != "":
		web[0], _ = (&topology.ServicePort{Target: named}).TargetOf(w)
	}
	return len(ports) == 0 || len(web) == 0 || slices.ContainsFunc(ports, func(port int) bool { return port == 0 || slices.Contains(web, port) })
}

func fieldAt(n *yaml.Node, p manifest.Path) *yaml.Node {
	for _, step := range p {
		n = manifest.Field(n, step.(string))
	}
	return n
}

// marked are the places where annotations of ours may stand.
var marked = []manifest.Path{
	manifest.P("metadata"), manifest.P("spec", "template", "metadata"), manifest.P("spec", "podMetadata"),
	manifest.P("spec", "jobTemplate", "metadata"), manifest.P("spec", "jobTemplate", "spec", "template", "metadata"),
}

// CheckAnnotations refuses annotations of ours that nobody reads, and values that mean nothing: each is a lock that
// somebody believes in. It goes by the Workloads, which come first.
func (p *Choice) CheckAnnotations(s *manifest.Stream) {
	for _, o := range s.Objects() {
		for _, at := range marked {
			metadata := fieldAt(o.Node, at)
			annotations := manifest.Map(metadata, "annotations")
			for _, key := range ourKeys(manifest.Field(metadata, "annotations"), annotations) {
				value, text := annotations[key]
				p.checkAnnotation(o, at.With("annotations", key), key, value, text)
			}
			for _, key := range ourKeys(manifest.Field(metadata, "labels"), manifest.Map(metadata, "labels")) {
				if o.Kind == "Secret" && gateconf.IsOfSecrets(key) {
					continue
				}
				p.Find(finding.Error, o, at.With("labels", key), "make it an annotation", "a label, which kauth does not read")
			}
		}
	}
}

func (p *Choice) checkAnnotation(o *manifest.Object, field manifest.Path, key, value string, text bool) {
	switch {
	case o.Kind == "Secret" && gateconf.IsOfSecrets(key): // of kubectl basicauth, which reads them
	case !text:
		p.Find(finding.Error, o, field, "use "+gateconf.GateEnabled+" or "+gateconf.GateDisabled, "not a text")
	case key == gateconf.AnnotationGate && value == gateconf.GateEnabled:
		if !p.heard[o] {
			p.Find(finding.Error, o, field, "put it on the workload, on a Service that selects it, or on a route that leads to it",
				"enables nothing, for no workload of this stream is behind it")
		}
	case key == gateconf.AnnotationGate && value == gateconf.GateDisabled:
	case key == gateconf.AnnotationGate:
		p.Find(finding.Error, o, field, "use "+gateconf.GateEnabled+" or "+gateconf.GateDisabled, "unknown value %q", value)
	case key == gateconf.AnnotationAllowOpen:
		p.Find(finding.Error, o, field, "remove it, and use --allow-open "+o.Kind+"/"+o.Name, "kauth writes it itself, and does not take it for a permission")
	case key == gateconf.AnnotationVersion || key == gateconf.AnnotationUndo:
		p.Find(finding.Error, o, field, "remove it; kauth writes it itself", "left over from a run of kauth that was edited since")
	default:
		p.Find(finding.Error, o, field, "use "+gateconf.AnnotationGate, "unknown annotation")
	}
}

// ourKeys returns the sorted keys with our prefix: those of the text entries, and those of a mapping whose values are
// no text.
func ourKeys(mapping *yaml.Node, entries map[string]string) []string {
	var keys []string
	for key := range entries {
		keys = append(keys, key)
	}
	for i := 0; mapping != nil && mapping.Kind == yaml.MappingNode && i+1 < len(mapping.Content); i += 2 {
		if _, text := entries[mapping.Content[i].Value]; !text {
			keys = append(keys, mapping.Content[i].Value)
		}
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, gateconf.AnnotationPrefix) })
	slices.Sort(keys)
	return keys
}
