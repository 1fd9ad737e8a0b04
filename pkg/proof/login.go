package proof

import (
	"slices"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/ingressauth"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// ingressChecked says whether a password is asked for at every spot of a way of the output.
func ingressChecked(after *topology.Model, way *topology.Way, c Checked) bool {
	if way.Problem != "" || way.Workload == nil {
		return false
	}
	if ingressauth.BesidesLogin(way, c.Port) {
		return true
	}
	spots, no := ingressauth.Spots(after, way)
	return no == nil && !slices.ContainsFunc(spots, func(s ingressauth.Spot) bool { return !s.Asks(after, c.UsersSecret, c.Realm) })
}

// Checked is what the proof knows of a login. Who looks at what is installed does not know the Secret and the realm of mode
// ingress: then they are "", and any will do.
type Checked struct {
	Ref         manifest.Ref
	Mode        string
	Port        int
	UsersSecret string
	Realm       string
}

// loginProblem says what is wrong with a login of the output, "" where nothing is.
func loginProblem(w *topology.Workload, c Checked) string {
	if c.Mode == config.ModeNative {
		return nativeProblem(w, c)
	}
	return ""
}

// checkedOn says whether a way of the output is one on which the login asks for a password.
func checkedOn(after *topology.Model, way *topology.Way, c Checked) bool {
	switch c.Mode {
	case config.ModeIngress:
		return ingressChecked(after, way, c)
	case config.ModeNative:
		return nativeChecked(way, c)
	default:
		return false
	}
}
