// Package plan owns what to change, as data: which workloads get a gate or another login, in front of which port, and which
// Services, routes and annotations follow. Who decides that adds to a Draft; explain prints the plan and the filters carry it out.
package plan

import (
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Plan is what to change.
type Plan struct {
	Gates       []*Gate
	Logins      []*Login
	Ports       []*Port
	Moves       []*Move
	Reroutes    []*Reroute
	Annotations []*Annotation
	Openings    []*Opening
	Settings    []*Setting
	Fronts      []*Front
	Additions   []*Addition
	Opens       []*Open
	Findings    []finding.Finding
}

// Gate is one gate: a sidecar in the pods of one workload.
type Gate struct {
	Workload   *topology.Workload
	Config     gateconf.Config
	Port       int // container port of the gate
	AdminPort  int // container port of metrics, livez and readyz
	Upstream   int // container port of the application
	Image      string
	Settings   config.Settings
	Reason     string // why the workload is gated: "by default", or who asked for it
	Mounts     []gateconf.Mount
	FileMode   int  // of the mounted files
	SetUser    bool // the pod names no usable user, so the sidecar names one
	Native     bool // the pod's work comes to an end, which a plain sidecar would never let it
	HostPort   int  // of the node, which leads to the gate from now on; 0 for none
	HostIP     string
	HostField  manifest.Path // with HostPort: where it stood
	PolicyName string        // of the NetworkPolicy that is added for it; "" for none
}

// Port is a port that a Service gets.
type Port struct {
	Service *topology.Service
	Name    string
	Number  int
	Speaks  string    // its appProtocol, "" for none
	Unnamed []NewName // ports that need a name because a Service with two ports must name both
}

// NewName is a name for a port that has none.
type NewName struct {
	Field manifest.Path // spec.ports[i]
	Name  string
}

// Move is a Service port whose targetPort moves to the gate, because the Service itself is the way in.
type Move struct {
	Service *topology.Service
	Port    *topology.ServicePort
}

// Reroute is a backend that moves to the gate's port of the same Service.
type Reroute struct {
	Route   *topology.Route
	Backend *topology.Backend
	To      topology.Port
}

// Annotation is an annotation that an object gets, or whose value changes.
type Annotation struct {
	Object *manifest.Object
	Key    string
	Value  string
}

// Setting is a field that is set to a value, text or number; mappings on the way to it are made.
type Setting struct {
	Object *manifest.Object
	Field  manifest.Path
	Value  *yaml.Node
}

// Addition is an object that is put into the stream, behind the document of another that it serves.
type Addition struct {
	Beside *manifest.Object
	Node   *yaml.Node
}

// Ref is the workload behind the gate.
func (g *Gate) Ref() manifest.Ref { return g.Workload.Object.Ref }

// Done is what the annotation on the workload says of the gate.
func (g *Gate) Done() string { return gateconf.GateDone(strconv.Itoa(g.Port), g.Config.Upstream) }

// Front is an item that is put in front of a list.
type Front struct {
	Object *manifest.Object
	Field  manifest.Path // the list, which is made where it is missing
	Item   *yaml.Node
}

// Opening is a rule of a NetworkPolicy that lets the application's port in, and therefore must let the gate's in too.
type Opening struct {
	Policy *topology.Policy
	Rule   manifest.Path
	Port   int
}

// TLS says whether the gate serves HTTPS.
func (g *Gate) TLS() bool { return g.Config.TLSCertFile != "" }

// Scheme is what the gate speaks: http, or https.
func (g *Gate) Scheme() string {
	if g.TLS() {
		return "https"
	}
	return "http"
}

// Closed says whether a NetworkPolicy keeps others away from the ports that are not the gate's.
func (g *Gate) Closed() bool { return config.Closes(g.Settings.NetworkPolicy) }

// FileMode is the mode of a users file in the pods of a workload. With an fsGroup the kubelet adds group read to 0400
// anyway, and others need none; without, a sidecar that is not root can only read what everybody may, in a volume that it
// alone mounts.
func FileMode(w *topology.Workload) int {
	if manifest.String(w.Spec(), "securityContext", "fsGroup") != "" {
		return 0o440
	}
	return 0o444
}
