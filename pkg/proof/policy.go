package proof

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/netpolicy"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Closed is what was asked for of the network of one workload with a gate or a login.
type Closed struct {
	Workload  manifest.Ref
	Mode      string        // config.ModeIngress, config.ModeNative, or else that of a gate
	Port      int           // of the application, with these two
	Policy    string        // value of the setting networkPolicy
	AllowFrom []config.Peer // that may reach what others may not
}

// Policies looks at the NetworkPolicies of the output as the cluster would, and returns an Error for each workload
// whose pods they do not close as was asked, or where they do not open for everybody what asks for a password.
func Policies(after *topology.Model, asked []Closed, opens []Allowed) []finding.Finding {
	if len(asked) == 0 {
		return nil
	}
	workloads, about := map[manifest.Ref]*topology.Workload{}, map[*topology.Workload][]*topology.Policy{}
	for _, w := range after.Workloads {
		workloads[w.Object.Identity()] = w
	}
	for _, policy := range after.Policies {
		for _, w := range after.Restricted(policy) {
			about[w] = append(about[w], policy)
		}
	}
	var wrong []finding.Finding
	for _, c := range asked {
		w := workloads[c.Workload.Identity()]
		if w == nil {
			continue // which Ways reports
		}
		if problem := c.problem(after, w, about[w], opens); problem != "" {
			wrong = append(wrong, finding.Finding{Severity: finding.Error, Ref: c.Workload, Message: problem, Hint: "this is a fault of kauth; nothing was written"})
		}
	}
	return wrong
}

// problem says what is wrong with the policies about a workload's pods, "" where nothing is.
func (c Closed) problem(after *topology.Model, w *topology.Workload, policies []*topology.Policy, opens []Allowed) string {
	app, asking, known := c.ports(w)
	if !known {
		return "" // which Ways reports
	}
	used := slices.Clone(asking) // by somebody outside, and so open to everybody anyway
	for _, way := range after.WaysTo(w) {
		used = append(used, way.Port)
	}
	ours, opened := 0, map[int]bool{}
	for _, policy := range policies {
		added := isAdded(policy)
		for _, rule := range policy.Rules {
			for _, port := range asking {
				opened[port] = opened[port] || rule.Everyone() && rule.LetsIn(w, port)
			}
			switch {
			case !netpolicy.LetsPast(rule, w, app, used):
			case rule.Everyone() && !c.everyone() && !isOpen(policy, rule, opens):
				return policy.Object.Ref.Short() + ": " + rule.Field.String() + " lets everybody in to " + netpolicy.ClosedPorts(app, asking) + ", " + netpolicy.PastWhom(c.Mode)
			case added && c.fits(rule, w):
				ours++
			case added:
				return policy.Object.Ref.Short() + ": " + rule.Field.String() + " does not let in whom networkPolicy " + c.Policy + " asks for"
			}
		}
	}
	switch {
	case w.HostNetwork:
		return "is in the network of its node, which no NetworkPolicy closes"
	case ours == 0:
		return "has no NetworkPolicy as networkPolicy " + c.Policy + " asks for"
	}
	for _, port := range asking {
		if !opened[port] {
			return "has no NetworkPolicy that lets everybody in to port " + strconv.Itoa(port) + ", where a password is asked for"
		}
	}
	return ""
}

// ports reads from the output which port of a workload must be closed, 0 where all but some must be, and on which it asks for
// a password; false where that cannot be read.
func (c Closed) ports(w *topology.Workload) (app int, asking []int, known bool) {
	switch c.Mode {
	case config.ModeIngress:
		return c.Port, nil, true
	case config.ModeNative:
		guard := nativeGuard(w, c.Port)
		if guard == nil {
			return 0, nil, false
		}
		asking, err := program.WebPorts(guard)
		return 0, asking, err == nil
	default:
		gate, err := gateconf.Parse(gateIn(w).Args)
		return portOf(gate.Upstream), []int{portOf(gate.Listen)}, err == nil
	}
}

// fits says whether a rule of an added policy lets in on all ports whom it should, and nobody else.
func (c Closed) fits(rule topology.PolicyRule, w *topology.Workload) bool {
	if len(rule.Ports) > 0 || len(rule.From) != 1+len(c.AllowFrom) {
		return false
	}
	for i, peer := range c.AllowFrom {
		if netpolicy.Peer(rule.From[i+1]).String() != peer.String() {
			return false
		}
	}
	inside := rule.From[0]
	if c.Policy == config.PolicySameNamespace {
		return inside.Namespace() && !inside.Everyone()
	}
	return inside.Within() && !inside.Namespace() && topology.Matches(inside.Pods, w.Labels)
}

// everyone says whether the user lets everybody in.
func (c Closed) everyone() bool {
	for _, peer := range c.AllowFrom {
		if peer.Everyone() {
			return true
		}
	}
	return false
}

func isOpen(policy *topology.Policy, rule topology.PolicyRule, opens []Allowed) bool {
	for _, a := range opens {
		if a.Ref.Identity() == policy.Object.Identity() && a.Field == rule.Field.String() {
			return true
		}
	}
	return false
}

// isAdded says whether a policy is one that kauth put into the stream.
func isAdded(policy *topology.Policy) bool {
	mark := manifest.String(policy.Object.Node, "metadata", "annotations", gateconf.AnnotationUndo)
	return strings.HasPrefix(mark, gateconf.UndoObject)
}

// portOf is the port of an address or a URL, 0 where it has none.
func portOf(address string) int {
	port, _ := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
	return port
}
