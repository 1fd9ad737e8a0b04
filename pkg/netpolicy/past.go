package netpolicy

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// ClosedPorts names the ports that are closed to strangers, as far as they are of interest: that of the application, or
// where it is 0 all but those that are open.
func ClosedPorts(app int, open []int) string {
	if app != 0 {
		return "port " + strconv.Itoa(app)
	}
	return "other ports than " + topology.PortsText(open)
}

// PastWhom says what somebody gets past who reaches a closed port.
func PastWhom(mode string) string {
	switch mode {
	case config.ModeIngress:
		return "past the ingress controller"
	case config.ModeNative:
		return "where nobody asks for a password"
	default:
		return "past the gate"
	}
}

// LetsPast says whether a rule lets in to the port of an application; where that is 0, to any that is not open anyway,
// declared or not.
func LetsPast(rule topology.PolicyRule, w *topology.Workload, app int, open []int) bool {
	if app != 0 {
		return rule.LetsIn(w, app)
	}
	const none = -1 // which only a rule for all ports lets in
	if rule.LetsIn(w, none) || slices.ContainsFunc(OtherPorts(w, open), func(port int) bool { return rule.LetsIn(w, port) }) {
		return true
	}
	return slices.ContainsFunc(rule.Ports, func(port topology.PolicyPort) bool {
		first := port.Port.Number // 0 of one that is named
		last := max(first, port.End)
		for first <= last && slices.Contains(open, first) {
			first++
		}
		return port.Port.Number != 0 && first <= last
	})
}

// OtherPorts are the TCP ports that the containers of a workload declare beside some.
func OtherPorts(w *topology.Workload, open []int) []int {
	var others []int
	for _, container := range w.Containers {
		for _, port := range container.Ports {
			if !container.Init && cmp.Or(port.Protocol, "TCP") == "TCP" && !slices.Contains(open, port.Number) {
				others = append(others, port.Number)
			}
		}
	}
	return others
}
