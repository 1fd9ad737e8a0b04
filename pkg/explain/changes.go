package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// changes lists what the filters will do, object by object, in the order of the plan.
func changes(p *plan.Plan) []Change {
	list := []Change{}
	for _, g := range p.Gates {
		object := g.Ref().Short()
		containers := "containers"
		if g.Native {
			containers = "initContainers"
		}
		list = append(list, Change{Object: object, Field: g.Workload.PodSpec.With(containers).String(), To: "+ " + gateconf.ContainerName})
		for _, m := range g.Mounts {
			list = append(list, Change{Object: object, Field: g.Workload.PodSpec.With("volumes").String(), To: "+ " + m.Volume})
		}
		if g.HostPort != 0 {
			list = append(list, Change{Object: object, Field: g.HostField.String(), From: strconv.Itoa(g.HostPort), To: "the gate"})
		}
		list = append(list,
			Change{Object: object, Field: fmt.Sprintf("metadata.annotations[%q]", gateconf.AnnotationGate), To: g.Done()})
	}
	for _, l := range p.Logins {
		list = append(list, Change{Object: l.Ref().Short(), Field: fmt.Sprintf("metadata.annotations[%q]", gateconf.AnnotationGate), To: l.Done()})
	}
	for _, sp := range p.Ports {
		object := sp.Service.Object.Short()
		for _, n := range sp.Unnamed {
			list = append(list, Change{Object: object, Field: n.Field.With("name").String(), To: n.Name})
		}
		list = append(list, Change{Object: object, Field: "spec.ports", To: fmt.Sprintf("+ %s %d", sp.Name, sp.Number)})
	}
	for _, mv := range p.Moves {
		list = append(list, Change{Object: mv.Service.Object.Short(), Field: mv.Port.Field.With("targetPort").String(), From: mv.Port.Target.String(), To: gateconf.PortName})
	}
	for _, r := range p.Reroutes {
		field := r.Backend.PortField.String()
		if r.Backend.Inner != nil {
			field += " " + r.Backend.Inner.String()
		}
		from := ""
		if r.Backend.Port != (topology.Port{}) {
			from = r.Backend.Port.String()
		}
		list = append(list, Change{Object: r.Route.Object.Short(), Field: field, From: from, To: r.To.String()})
	}
	for _, o := range p.Openings {
		list = append(list, Change{Object: o.Policy.Object.Short(), Field: o.Rule.With("ports").String(), To: "+ " + strconv.Itoa(o.Port)})
	}
	list = append(list, others(p)...)
	for _, a := range p.Annotations {
		list = append(list, Change{Object: a.Object.Short(), Field: fmt.Sprintf("metadata.annotations[%q]", a.Key), To: a.Value})
	}
	place := map[string]int{}
	for i, c := range list {
		if _, seen := place[c.Object]; !seen {
			place[c.Object] = i
		}
	}
	slices.SortStableFunc(list, func(a, b Change) int { return place[a.Object] - place[b.Object] })
	return list
}

// others lists the fields that are set, the items that are put in front, and the objects that are added.
func others(p *plan.Plan) []Change {
	var list []Change
	for _, f := range p.Fronts {
		list = append(list, Change{Object: f.Object.Short(), Field: f.Field.String(), To: "+ " + itemName(f.Item) + ", in front"})
	}
	for _, set := range p.Settings {
		list = append(list, Change{Object: set.Object.Short(), Field: set.Field.String(), To: set.Value.Value})
	}
	for _, a := range p.Additions {
		object := manifest.String(a.Node, "kind") + " " + manifest.String(a.Node, "metadata", "name")
		list = append(list, Change{Object: object, Field: "metadata", To: "+ the object, for " + a.Beside.Short()})
	}
	return list
}

// itemName is what an item of a list is called: by its name, or by the name of what it refers to.
func itemName(n *yaml.Node) string {
	return cmp.Or(manifest.String(n, "name"), manifest.String(n, "extensionRef", "name"))
}
