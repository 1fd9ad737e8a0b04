package plan

import "github.com/kauth-dev/kauth/pkg/topology"

// ingressLogin refuses a login: the mode is not in this version.
func (p *planner) ingressLogin(l *Login) bool {
	p.find(Error, l.Workload.Object, nil, "use mode sidecar", "mode %s is not in this version", l.Mode)
	return false
}

func (p *planner) ingressWay(*topology.Way, *Login) {}

// ingressChecked says whether a way of the output asks for a password.
func ingressChecked(*topology.Way, Checked) bool { return false }
