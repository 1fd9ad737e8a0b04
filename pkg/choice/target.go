package choice

import (
	"fmt"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Target is a workload that the user names: KIND/NAME[:PORT].
type Target struct {
	Kind string
	Name string
	Port topology.Port // of its container; the zero Port where it is to be found out
}

// ParseTarget reads KIND/NAME[:PORT], where PORT is the number or the name of a container port.
func ParseTarget(text string) (Target, error) {
	kind, rest, found := strings.Cut(text, "/")
	name, port, hasPort := strings.Cut(rest, ":")
	if !found || kind == "" || name == "" || strings.Contains(name, "/") || hasPort && port == "" {
		return Target{}, fmt.Errorf("%q is not KIND/NAME or KIND/NAME:PORT, such as Deployment/grafana or deploy/grafana:3000", text)
	}
	t := Target{Kind: kind, Name: name}
	if hasPort {
		t.Port = topology.ParsePort(port)
		if n := t.Port.Number; t.Port.Name == "" && (n < 1 || n > 65535) {
			return Target{}, fmt.Errorf("%q: %d is not a port number", text, n)
		}
	}
	return t, nil
}

// String is the target as the user writes it.
func (t Target) String() string {
	if t.Port == (topology.Port{}) {
		return t.Kind + "/" + t.Name
	}
	return t.Kind + "/" + t.Name + ":" + t.Port.String()
}

func (t Target) means(w *topology.Workload) bool {
	return w.Object.Name == t.Name && manifest.SameKind(t.Kind, w.Object.Kind)
}
