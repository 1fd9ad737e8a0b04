package inject

import (
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/proof"
)

// closedGate is what is asked for of the network of a gate's pods.
func closedGate(g *plan.Gate) proof.Closed {
	return proof.Closed{Workload: g.Ref(), Policy: g.Settings.NetworkPolicy, AllowFrom: g.Settings.AllowFrom}
}

// closedLogin is what is asked for of the network of the pods of a workload with a login.
func closedLogin(l *plan.Login) proof.Closed {
	return proof.Closed{Workload: l.Ref(), Mode: l.Mode, Port: l.Port, Policy: l.Settings.NetworkPolicy, AllowFrom: l.Settings.AllowFrom}
}

// checked is what the proof is to look for of a login.
func checked(l *plan.Login) proof.Checked {
	return proof.Checked{Ref: l.Ref(), Mode: l.Mode, Port: l.Port, UsersSecret: l.UsersSecret(), Realm: l.Realm()}
}
