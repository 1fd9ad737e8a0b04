package inject

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/filters/annotation"
	"github.com/kauth-dev/kauth/pkg/filters/eject"
	"github.com/kauth-dev/kauth/pkg/filters/field"
	"github.com/kauth-dev/kauth/pkg/filters/policy"
	"github.com/kauth-dev/kauth/pkg/filters/probe"
	"github.com/kauth-dev/kauth/pkg/filters/route"
	"github.com/kauth-dev/kauth/pkg/filters/service"
	"github.com/kauth-dev/kauth/pkg/filters/sidecar"
	"github.com/kauth-dev/kauth/pkg/filters/webconfig"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// sidecarUser is who the sidecar runs as where the pod names no usable user: the uid that images call nonroot.
const sidecarUser = 65532

// edit is what happens to one object.
type edit struct {
	object  *manifest.Object
	filters []yaml.Filter
}

// apply stops at the first filter that fails: the others would only say the same.
func (e *edit) apply() error {
	e.object.Edit()
	for _, f := range e.filters {
		if _, err := f.Filter(e.object.RNode()); err != nil {
			return err
		}
	}
	return record(e.object)
}

// filtersOf turns a plan into the filters that carry it out, an edit for each object, in a fixed order.
func filtersOf(p *plan.Plan, version string) []*edit {
	var edits []*edit
	byObject := map[*manifest.Object]*edit{}
	add := func(o *manifest.Object, filters ...yaml.Filter) {
		e := byObject[o]
		if e == nil {
			e = &edit{object: o}
			edits, byObject[o] = append(edits, e), e
		}
		e.filters = append(e.filters, filters...)
	}
	for _, g := range p.Gates {
		f := sidecar.Filter{
			PodSpec: g.Workload.PodSpec, Config: g.Config, Port: g.Port, AdminPort: g.AdminPort, Image: g.Image,
			Mounts: g.Mounts, FileMode: g.FileMode, Native: g.Native, HostPort: g.HostPort, HostIP: g.HostIP, Resources: g.Settings.Resources,
		}
		if g.SetUser {
			f.RunAsUser = sidecarUser
		}
		if g.HostPort != 0 { // 0 is the API's own word for none
			add(g.Workload.Object, field.Set{Field: g.HostField, Value: manifest.Number(0)})
		}
		add(g.Workload.Object, f,
			annotation.Filter{Key: gateconf.AnnotationGate, Value: g.Done()},
			annotation.Filter{Key: gateconf.AnnotationVersion, Value: version})
	}
	for _, l := range p.Logins {
		add(l.Workload.Object, nativeFilters(l)...)
		add(l.Workload.Object,
			annotation.Filter{Key: gateconf.AnnotationGate, Value: l.Done()},
			annotation.Filter{Key: gateconf.AnnotationVersion, Value: version})
	}
	for _, port := range p.Ports {
		f := service.AddPort{Name: port.Name, Number: port.Number, Target: gateconf.PortName, Speaks: port.Speaks}
		for _, n := range port.Unnamed {
			f.Names = append(f.Names, service.NewName{Field: n.Field, Name: n.Name})
		}
		add(port.Service.Object, f)
	}
	for _, m := range p.Moves {
		add(m.Service.Object, service.Retarget{Field: m.Port.Field, Target: gateconf.PortName})
	}
	for _, r := range p.Reroutes {
		add(r.Route.Object, route.Filter{Field: r.Backend.PortField, Inner: r.Backend.Inner, Port: portNode(r.To)})
	}
	for _, o := range p.Openings {
		add(o.Policy.Object, policy.Filter{Rule: o.Rule, Port: o.Port})
	}
	for _, set := range p.Settings {
		add(set.Object, field.Set{Field: set.Field, Value: set.Value})
	}
	for _, f := range p.Fronts {
		add(f.Object, field.Prepend{Field: f.Field, Item: f.Item})
	}
	for _, a := range p.Annotations {
		add(a.Object, annotation.Filter{Key: a.Key, Value: a.Value})
	}
	return edits
}

// nativeFilters make an application check the passwords itself; none where something else does.
func nativeFilters(l *plan.Login) []yaml.Filter {
	n := l.Native
	if n == nil {
		return nil
	}
	filters := []yaml.Filter{webconfig.Filter{
		PodSpec: l.Workload.PodSpec, Container: n.Container.Field, Argument: n.Argument,
		Volume: gateconf.WebVolume, Secret: n.Secret, Dir: gateconf.WebDir, FileMode: n.FileMode,
	}}
	for _, field := range n.Probes {
		filters = append(filters, probe.TCP{Field: field})
	}
	return filters
}

func portNode(p topology.Port) *yaml.Node {
	if p.Name != "" {
		return manifest.Text(p.Name)
	}
	return manifest.Number(p.Number)
}

// record writes down on the object what eject has to undo. The annotation is set before its value is known, so that
// the record covers its own place too.
func record(o *manifest.Object) error {
	mark := annotation.Filter{Key: gateconf.AnnotationUndo}
	if _, err := mark.Filter(o.RNode()); err != nil {
		return err
	}
	text, err := eject.Record(o.Doc.Source, o.Before(), o.Node)
	if err != nil {
		return err
	}
	mark.Value = text
	_, err = mark.Filter(o.RNode())
	return err
}

// listed puts the new objects that serve others of a ResourceList at the end of its items: a document beside it would be no
// part of it. It returns the rest.
func listed(additions []*plan.Addition) (documents []*plan.Addition, err error) {
	for _, a := range additions {
		if manifest.String(a.Beside.Doc.Root(), "kind") != manifest.ResourceList {
			documents = append(documents, a)
			continue
		}
		mark := annotation.Filter{Key: gateconf.AnnotationUndo, Value: gateconf.UndoObject}
		if _, err := mark.Filter(yaml.NewRNode(a.Node)); err != nil {
			return nil, err
		}
		a.Beside.Edit()
		if err := manifest.Append(a.Beside.Doc.Root(), manifest.P("items"), a.Node); err != nil {
			return nil, fmt.Errorf("%s: %w", a.Beside.Ref, err)
		}
	}
	return documents, nil
}

// insert puts the new objects of a plan into the stream, each behind the one that it serves.
func insert(s *manifest.Stream, additions []*plan.Addition) error {
	if len(additions) == 0 {
		return nil
	}
	var all []manifest.Insertion
	for _, a := range additions {
		mark := annotation.Filter{Key: gateconf.AnnotationUndo, Value: gateconf.UndoObject}
		if !bytes.HasSuffix(a.Beside.Doc.Raw(), []byte("\n")) {
			mark.Value += " " + gateconf.UndoNewline
		}
		if _, err := mark.Filter(yaml.NewRNode(a.Node)); err != nil {
			return err
		}
		all = append(all, manifest.Insertion{Beside: a.Beside, Node: a.Node})
	}
	return s.Insert(all)
}
