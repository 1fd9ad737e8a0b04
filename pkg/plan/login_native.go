package plan

import "github.com/kauth-dev/kauth/pkg/topology"

// nativeLogin refuses a login: the mode is not in this version.
func (p *planner) nativeLogin(l *Login) bool {
	p.find(Error, l.Workload.Object, nil, "use mode sidecar", "mode %s is not in this version", l.Mode)
	return false
}

func (p *planner) nativeWay(*topology.Way, *Login) {}

// nativeChecked says whether a way of the output asks for a password.
func nativeChecked(*topology.Way, Checked) bool { return false }

// nativeProblem says what is wrong with the application's own login, "" where nothing is.
func nativeProblem(*topology.Workload, Checked) string { return "has no login" }
