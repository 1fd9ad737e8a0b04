package proof

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// nativeChecked says whether on a way of the output somebody asks for a password.
func nativeChecked(way *topology.Way, c Checked) bool {
	if way.Problem != "" || way.Port == 0 {
		return false
	}
	if way.Service == nil && way.Workload.HostNetwork && program.OnLoopback(way.Workload, way.Port) {
		return true
	}
	if program.IsAuthProxy(way.Workload.Container(way.Port)) || way.OptedOut() {
		return true
	}
	guard := nativeGuard(way.Workload, c.Port)
	if guard == nil {
		return false
	}
	ports, err := program.WebPorts(guard)
	return err == nil && slices.Contains(ports, way.Port) && wayProtocol(way) == "TCP"
}

// nativeGuard is the container of the output that serves a port and is told to ask for passwords, nil where none is.
func nativeGuard(w *topology.Workload, port int) *topology.Container {
	for _, c := range w.Containers {
		if c.Init || c.Node == nil || program.Of(c).Name == "" || len(program.ArgValues(c.Args, program.WebConfigFlag)) == 0 {
			continue
		}
		if ports, err := program.WebPorts(c); err == nil && slices.Contains(ports, port) {
			return c
		}
	}
	return nil
}

// nativeProblem says what is wrong with the application's own login, "" where nothing is: the argument, the mount and the
// volume must be there, in the container that owns the port, and no probe may be left that would be refused.
func nativeProblem(w *topology.Workload, checked Checked) string {
	c := nativeGuard(w, checked.Port)
	if c == nil {
		return "no program on port " + strconv.Itoa(checked.Port) + " is told to ask for passwords"
	}
	if values := program.ArgValues(c.Args, program.WebConfigFlag); len(values) != 1 || values[0] != gateconf.WebDir+"/"+gateconf.WebKey {
		return fmt.Sprintf("--%s is %q", program.WebConfigFlag, values)
	}
	volume := ""
	for _, m := range manifest.Items(c.Node, "volumeMounts") {
		switch at := strings.TrimRight(manifest.String(m, "mountPath"), "/"); {
		case at == gateconf.WebDir && manifest.String(m, "subPath") == "" && manifest.String(m, "subPathExpr") == "" && volume == "":
			volume = manifest.String(m, "name")
		case within(at, gateconf.WebDir):
			return "something else is mounted at " + at
		}
	}
	mounts := func(v *yaml.Node) bool {
		return manifest.String(v, "name") == volume && manifest.String(v, "secret", "secretName") == checked.UsersSecret+gateconf.WebSecret && manifest.Field(v, "secret", "items") == nil
	}
	if volume == "" || !slices.ContainsFunc(manifest.Items(w.Spec(), "volumes"), mounts) {
		return "Secret " + strconv.Quote(checked.UsersSecret+gateconf.WebSecret) + " is not mounted at " + gateconf.WebDir
	}
	ports, _ := program.WebPorts(c) // nativeGuard has read them
	if probes := program.HTTPProbes(w, ports); len(probes) > 0 {
		return probes[0].Field.String() + " asks over HTTP, and would be refused"
	}
	return ""
}

// within says whether a path is another or lies below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// wayProtocol is the protocol of the Service port that a way uses.
func wayProtocol(way *topology.Way) string {
	if way.ServicePort == nil {
		return "TCP"
	}
	return cmp.Or(way.ServicePort.Protocol, "TCP")
}
