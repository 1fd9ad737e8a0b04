package planner

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Internal is a ClusterIP Service to add for the clients inside the cluster of a Service whose ports move to the gate:
// NAME, or SERVICE=NAME where several Services move.
type Internal struct {
	Service string // "" for the only one that moves
	Name    string
}

var serviceName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`) // an RFC 1035 label

// ParseInternal reads NAME or SERVICE=NAME.
func ParseInternal(text string) (Internal, error) {
	service, name, found := strings.Cut(text, "=")
	if !found {
		service, name = "", text
	}
	if !serviceName.MatchString(name) || found && !serviceName.MatchString(service) {
		return Internal{}, fmt.Errorf("%q is not NAME or SERVICE=NAME, with names that Services may have, such as prom-internal", text)
	}
	return Internal{Service: service, Name: name}, nil
}

// String is what the user writes.
func (i Internal) String() string {
	if i.Service == "" {
		return i.Name
	}
	return i.Service + "=" + i.Name
}

// keepInternal plans the Services of --keep-internal.
func (p *planner) keepInternal() {
	moved := p.MovedServices()
	refuse := func(i Internal, hint, format string, args ...any) {
		p.Findings = append(p.Findings, finding.Finding{Severity: finding.Error, Message: "--keep-internal " + i.String() + ": " + fmt.Sprintf(format, args...), Hint: hint})
	}
	for _, i := range p.options.KeepInternal {
		var meant []*topology.Service
		for _, svc := range moved {
			if i.Service == "" || i.Service == svc.Object.Name {
				meant = append(meant, svc)
			}
		}
		switch {
		case len(meant) == 0:
			refuse(i, "leave it out, or check the name", "no such Service of this stream has ports that move to a gate")
			continue
		case slices.ContainsFunc(meant, func(svc *topology.Service) bool { return svc.Object.Name != meant[0].Object.Name }):
			refuse(i, "write SERVICE=NAME for each", "the ports of more than one Service move, %q and %q among them", meant[0].Object.Name, meant[1].Object.Name)
			continue
		}
		for _, svc := range meant { // several where releases in several namespaces have it
			if p.taken(i.Name, svc.Object.Namespace) {
				refuse(i, "choose another name", "there is a Service %q already", i.Name)
				continue
			}
			p.kept[svc] = i.Name
			p.Additions = append(p.Additions, &plan.Addition{Beside: svc.Object, Node: internalService(svc, i.Name)})
		}
	}
}

// taken says whether a Service of the stream, or one that is added, has a name already.
func (p *planner) taken(name, namespace string) bool {
	return slices.ContainsFunc(p.Model.Services, func(other *topology.Service) bool {
		return other.Object.Name == name && topology.SameNamespace(other.Object.Namespace, namespace)
	}) || slices.ContainsFunc(p.Additions, func(a *plan.Addition) bool {
		return manifest.String(a.Node, "kind") == "Service" && manifest.String(a.Node, "metadata", "name") == name && a.Beside.Namespace == namespace
	})
}

// internalService is a Service that leads to where svc led, inside of the cluster alone. It has the labels of svc, so
// that what finds Services by their labels finds it too, and none of its annotations, which are for load balancers.
func internalService(svc *topology.Service, name string) *yaml.Node {
	var ports []*yaml.Node
	for _, port := range svc.Ports {
		target := manifest.Number(port.Target.Number)
		if port.Target.Name != "" {
			target = manifest.Text(port.Target.Name)
		}
		ports = append(ports, manifest.Mapping("name", manifest.OptionalText(port.Name), "port", manifest.Number(port.Number), "targetPort", target, "protocol", manifest.OptionalText(port.Protocol)))
	}
	return manifest.Mapping(
		"apiVersion", manifest.Text("v1"), "kind", manifest.Text("Service"),
		"metadata", manifest.MetadataBeside(svc.Object, name, manifest.Map(svc.Object.Node, "metadata", "labels")),
		"spec", manifest.Mapping("type", manifest.Text("ClusterIP"), "selector", manifest.TextMap(svc.Selector), "ports", manifest.Sequence(ports...)))
}
