package plan

import (
	"cmp"
	"strconv"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Login is a check of passwords that is no gate of ours: by the ingress controller on each route that leads to a
// workload, or by the application itself.
type Login struct {
	Workload *topology.Workload
	Mode     string // config.ModeIngress or ModeNative
	Port     int    // container port of the application
	Settings config.Settings
	Reason   string // as Gate has it
	Native   *Native

	PolicyName string // as Gate has it

	Asks map[*topology.Way]string // mode ingress: who asks on a way, "Traefik"
}

// Ref is the workload behind the login.
func (l *Login) Ref() manifest.Ref { return l.Workload.Object.Ref }

// Done is what the annotation on the workload says of the login.
func (l *Login) Done() string { return gateconf.GateDone(l.Mode, strconv.Itoa(l.Port)) }

// UsersSecret is the name of the Secret with the users.
func (l *Login) UsersSecret() string { return UsersSecret(&l.Settings) }

// Realm is what browsers show to whoever is asked.
func (l *Login) Realm() string { return cmp.Or(l.Settings.Realm, gateconf.Realm) }

// Asker says who asks for a password on a way once the plan is carried out: "Traefik", "ingress-nginx" or "the
// application"; "" where nobody does.
func (l *Login) Asker(way *topology.Way) string {
	if l.Mode == config.ModeNative && way.Problem == "" && way.Port == l.Port {
		return "the application"
	}
	return l.Asks[way]
}

// Native is what makes an application check the passwords itself.
type Native struct {
	Container *topology.Container // that checks
	Argument  string              // that it gets
	Secret    string              // that is mounted
	FileMode  int                 // of the mounted file
	Probes    []manifest.Path     // HTTP probes that become TCP ones
	Ports     []int               // on which it asks for a password
}

// Closed says whether a NetworkPolicy keeps others away from the ports on which nobody asks for a password.
func (l *Login) Closed() bool { return config.Closes(l.Settings.NetworkPolicy) }

// UsersSecret is the name of the Secret with the users that settings ask for.
func UsersSecret(o *config.Settings) string { return cmp.Or(o.UsersSecret, gateconf.UsersSecret) }
