// Package plan owns the decision what to change: which workloads get a gate, in front of which port, and which
// Services, routes and annotations follow. A plan is data; explain prints it and the filters carry it out.
package plan

import (
	"cmp"
	"strconv"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/ingressauth"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Options are what the user asked for.
type Options struct {
	Targets      []Target        // of --gate, beside those that are gated by default
	Settings     config.Settings // of the gates that no rule is for
	Rules        []config.Rule   // of the settings file; the first that matches a workload counts
	AllowOpen    []ObjectName    // objects whose ways may stay open where they cannot lead to a gate
	KeepInternal []Internal      // ClusterIP Services to add for clients inside the cluster
	AllowNone    bool            // nothing to gate is not an error
	Version      string          // of kauth
}

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

// Make plans the gates for the workloads of m. What stands in the way is among the findings as errors; a plan with
// such findings must not be carried out.
func Make(m *topology.Model, s *manifest.Stream, o Options) *Plan {
	p := &planner{
		Plan: &Plan{}, model: m, options: o, order: map[*manifest.Document]int{}, gates: map[*topology.Workload]*Gate{}, logins: map[*topology.Workload]*Login{},
		ports: map[*topology.Service]*Port{}, moves: map[*topology.ServicePort]bool{}, annotated: map[annotationKey]bool{},
		rerouted: map[*topology.Route]map[*topology.Backend]bool{}, heard: map[*manifest.Object]bool{},
		allowed: map[ObjectName]bool{}, set: map[annotationKey]bool{}, kept: map[*topology.Service]string{}, kinds: map[string][]*manifest.Object{}, grouped: map[*topology.Service]bool{},
		gkeAsked: map[*topology.Service]bool{},
		asks:     map[ingressauth.Spot]*asking{}, middlewares: map[middlewareKey]string{},
		said: map[string]bool{}, rules: map[*config.Rule]ruleUse{},
	}
	for i, d := range s.Docs {
		p.order[d] = i
	}
	for _, o := range s.Objects() {
		p.kinds[o.Kind] = append(p.kinds[o.Kind], o)
		if isPolicy(o) {
			p.foreign = append(p.foreign, o)
		}
	}
	targets := p.targets()
	p.checkAnnotations(s)
	for _, t := range targets {
		if mode := cmp.Or(t.settings.Mode, config.ModeSidecar); mode != config.ModeSidecar {
			p.login(t, mode)
		} else if g := p.gate(t); g != nil {
			p.Gates = append(p.Gates, g)
			p.gates[t.workload] = g
		}
	}
	if len(p.Gates)+len(p.Logins) == 0 && !p.failed() && p.guarded == 0 && !o.AllowNone {
		p.Findings = append(p.Findings, finding.Finding{
			Severity: finding.Error, Message: "nothing to gate: no Prometheus, Alertmanager or ThanosRuler in this stream" + p.leftOut(),
			Hint: "name a workload with --gate KIND/NAME, or use --allow-none where an open door is what you want" + p.workloadList(),
		})
	}
	p.ways()
	p.askAll()
	p.clusterPorts()
	p.clients(s)
	p.agree()
	p.health()
	p.policies(s)
	p.unknown(s)
	p.recordOpen(s)
	p.advise()
	p.sortFindings()
	return p.Plan
}

// planner is a Plan in the making.
type planner struct {
	*Plan
	model       *topology.Model
	kinds       map[string][]*manifest.Object             // the objects of the stream by kind
	foreign     []*manifest.Object                        // policies that are not Kubernetes' own
	restricting map[*topology.Workload][]*topology.Policy // the policies that are about the pods of each
	restricted  map[*topology.Policy][]*topology.Workload
	policyNames map[string][]string        // the namespaces in which a NetworkPolicy has a name
	grouped     map[*topology.Service]bool // Services that get a TargetGroupConfiguration
	gkeAsked    map[*topology.Service]bool // Services whose HealthCheckPolicy is seen to
	options     Options
	order       map[*manifest.Document]int
	disabled    []manifest.Ref
	rules       map[*config.Rule]ruleUse
	said        map[string]bool // what advise has said

	gates       map[*topology.Workload]*Gate
	logins      map[*topology.Workload]*Login
	asked       []*asking // in the order of their ways
	asks        map[ingressauth.Spot]*asking
	middlewares map[middlewareKey]string // the names of those that are added
	traefik     string                   // the API group of those that are for Ingresses, once it is known
	ports       map[*topology.Service]*Port
	moves       map[*topology.ServicePort]bool
	annotated   map[annotationKey]bool
	guarded     int                                            // workloads that a guard of their own stands before
	allowed     map[ObjectName]bool                            // of --allow-open: those that something was left open by
	kept        map[*topology.Service]string                   // names of the Services that are added for clients inside the cluster
	set         map[annotationKey]bool                         // fields that are planned to be set
	heard       map[*manifest.Object]bool                      // objects whose annotation "enabled" some workload is behind
	rerouted    map[*topology.Route]map[*topology.Backend]bool // backends that lead to a gate
}

type annotationKey struct {
	object *manifest.Object
	key    string
}

func (p *planner) gateOf(w *topology.Workload) *Gate { return p.gates[w] }

// Ref is the workload behind the gate.
func (g *Gate) Ref() manifest.Ref { return g.Workload.Object.Ref }

// Done is what the annotation on the workload says of the gate.
func (g *Gate) Done() string { return gateconf.GateDone(strconv.Itoa(g.Port), g.Config.Upstream) }
