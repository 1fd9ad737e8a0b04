package program

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// LoopbackHint says what to do about hostNetwork where OnLoopback is false.
const LoopbackHint = "set it to false, or have the application listen on 127.0.0.1 alone (listenLocal, --web.listen-address)"

// OnLoopback says whether the application listens on a port of the loopback alone, so that only its pod, or with
// hostNetwork its node, reaches it. Each argument that says where to listen on that port must say so.
func OnLoopback(w *topology.Workload, port int) bool {
	if w.Operator && port == w.WebPort() {
		return manifest.Bool(w.Spec(), "listenLocal")
	}
	c := w.Container(port)
	if c == nil && len(w.Containers) == 1 {
		c = w.Containers[0]
	}
	if c == nil {
		return false
	}
	said := false
	for i, arg := range c.Args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(c.Args) {
			value = c.Args[i+1]
		}
		name = strings.ToLower(name)
		listens := slices.ContainsFunc([]string{"listen", "bind", "addr"}, func(word string) bool { return strings.Contains(name, word) })
		host, number, err := net.SplitHostPort(value)
		if !strings.HasPrefix(name, "-") || !listens || err != nil || number != strconv.Itoa(port) {
			continue
		}
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return false
		}
		said = true
	}
	return said
}

// OpenOnNode is the way to a port of an application in the network of its node, nil where there is none.
func OpenOnNode(w *topology.Workload, port int) *topology.Way {
	if !w.HostNetwork || OnLoopback(w, port) {
		return nil
	}
	return &topology.Way{Workload: w, Port: port}
}
