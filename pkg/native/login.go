// Package native owns logins that an application checks itself (mode native): whether its program can, what it is told, and
// what its clients must be told.
package native

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/balancer"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

const webConfigArgument = "--" + program.WebConfigFlag + "=" + gateconf.WebDir + "/" + gateconf.WebKey

// draft is a plan in the making.
type draft struct{ *plan.Draft }

const useSidecar = "use mode sidecar for it"

// Login plans that the application of a workload checks the passwords, and says whether it can.
func Login(p *plan.Draft, l *plan.Login) bool {
	d := draft{p}
	w, before := l.Workload, len(finding.Errors(d.Findings))
	if w.Operator {
		d.Find(finding.Error, w.Object, nil, useSidecar, "the operator writes the arguments and probes of its pods, and spec.web has no passwords, so mode native cannot be for it")
		return false
	}
	if !w.Serves() {
		d.Find(finding.Error, w.Object, nil, useSidecar, "mode native is for Deployments, StatefulSets and DaemonSets")
		return false
	}
	c := d.container(l)
	if c == nil {
		return false
	}
	l.Native = &plan.Native{Container: c, Argument: webConfigArgument, Secret: l.UsersSecret() + gateconf.WebSecret, FileMode: plan.FileMode(w)}
	l.Native.Ports, _ = program.WebPorts(c) // container has read them
	d.version(l)
	d.arguments(l)
	d.volumes(l)
	d.probes(l)
	d.hooks(l)
	if len(finding.Errors(d.Findings)) > before {
		return false
	}
	d.advice(l)
	return true
}

// container finds the container whose program serves the port of a login, nil where none can be known.
func (d draft) container(l *plan.Login) *topology.Container {
	w, port := l.Workload, strconv.Itoa(l.Port)
	var known, found []*topology.Container
	for _, c := range w.Containers {
		if c.Init || c.Node == nil || program.Of(c).Name == "" {
			continue
		}
		known = append(known, c)
		ports, err := program.WebPorts(c)
		if err != nil {
			d.Find(finding.Error, w.Object, c.Field.With("args"), "write the port out, or "+useSidecar, "%v", err)
			return nil
		}
		if slices.Contains(ports, l.Port) {
			found = append(found, c)
		}
	}
	declared := w.Container(l.Port)
	switch {
	case len(found) == 1 && (declared == nil && w.TakenBy(l.Port) == "" || declared == found[0]):
		return found[0]
	case len(found) > 0:
		d.Find(finding.Error, w.Object, nil, useSidecar, "more than one container may listen on port %s, so it cannot be known which is to ask for passwords", port)
	case declared != nil && program.Of(declared).Name != "":
		ports, _ := program.WebPorts(declared)
		d.Find(finding.Error, w.Object, declared.Field, "name that one, or "+useSidecar, "%s serves its pages on port %s, and port %s is another", program.Of(declared).Name, topology.PortsText(ports), port)
	case len(known) == 1 && declared == nil:
		ports, _ := program.WebPorts(known[0])
		d.Find(finding.Error, w.Object, known[0].Field, "name that one, or "+useSidecar, "%s serves its pages on port %s, not on %s", program.Of(known[0]).Name, topology.PortsText(ports), port)
	default:
		field, image := manifest.Path(nil), ""
		if declared != nil {
			field, image = declared.Field, " (image "+declared.Image+")"
			if command := manifest.Items(declared.Node, "command"); len(command) > 0 {
				field, image = declared.Field.With("command"), " ("+strconv.Quote(command[0].Value)+")"
			}
		}
		d.Find(finding.Error, w.Object, field, useSidecar, "kauth does not know the program on port %s%s for one that checks passwords by --%s; it knows %s", port, image, program.WebConfigFlag, program.Names())
	}
	return nil
}

// version refuses a program that does not know the flag, or lets people in past it.
func (d draft) version(l *plan.Login) {
	c := l.Native.Container
	known := program.Of(c)
	name, since := known.Name, known.Since
	first := fmt.Sprintf("%d.%d.%d", since[0], since[1], since[2])
	switch version, tells := program.Version(c.Image); {
	case !tells:
		d.Find(finding.Warning, l.Workload.Object, c.Field.With("image"), "see that it is", "the image %q does not say its version; %s must be %s or newer", c.Image, name, first)
	case program.Older(version, since):
		d.Find(finding.Error, l.Workload.Object, c.Field.With("image"), "use a newer one, or mode sidecar", "%s of the image %q is older than %s, the first whose passwords cannot be got past (CVE-2022-46146)", name, c.Image, first)
	}
}

// arguments refuses arguments that the flag cannot be put behind.
func (d draft) arguments(l *plan.Login) {
	w, c := l.Workload, l.Native.Container
	refuse := func(field manifest.Path, hint, format string, args ...any) {
		d.Find(finding.Error, w.Object, field, hint, format, args...)
	}
	field := c.Field.With("args")
	command, args := manifest.Items(c.Node, "command"), manifest.Items(c.Node, "args")
	switch {
	case len(command) == 0 && len(args) == 0 && (program.Of(c).Args || strings.Contains(c.Image, "bitnami")):
		refuse(field, "write them out in the values, or use mode sidecar", "none, so the arguments that the image brings would be lost with the one that mode native adds")
	case len(command) == 0 && len(args) > 0 && !strings.HasPrefix(args[0].Value, "-"):
		refuse(field, useSidecar, "begin with %q, so what the image runs is not %s alone", args[0].Value, program.Of(c).Name)
	}
	for _, arg := range c.Args[min(len(command), 1):] {
		switch name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "="); {
		case arg == "--" || strings.HasPrefix(arg, "@"):
			refuse(field, "write the flags out, or use mode sidecar", "%q ends or hides the flags", arg)
		case strings.HasPrefix(arg, "-") && (name == program.WebConfigFlag || name == "web.config"):
			refuse(field, "remove it from the values if kauth's users are to take its place, or use mode sidecar, which leaves it as it is",
				"%q is there already, so the application may have a login or a certificate of its own", arg)
		}
	}
}

// volumes refuses what stands where the Secret is to be mounted.
func (d draft) volumes(l *plan.Login) {
	w, c := l.Workload, l.Native.Container
	d.RefuseVolumes(w, []gateconf.Mount{{Volume: gateconf.WebVolume}})
	for i, m := range manifest.Items(c.Node, "volumeMounts") {
		if at := strings.TrimRight(manifest.String(m, "mountPath"), "/"); within(at, gateconf.WebDir) || within(gateconf.WebDir, at) && at != "" {
			d.Find(finding.Error, w.Object, c.Field.With("volumeMounts", i), "mount it elsewhere", "stands in the way of %s, where the users are mounted", gateconf.WebDir)
		}
	}
}

// within says whether a path is another or lies below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// advice says what it takes until somebody gets in, and what the application does not do.
func (d draft) advice(l *plan.Login) {
	w, secret := l.Workload, l.Native.Secret
	if d.FirstTime("native " + l.Ref().Namespace + "/" + secret) {
		d.Find(finding.Info, w.Object, nil, "kubectl basicauth project add "+gateconf.ProjectionWeb+secretFlags(l),
			"no pod of it starts before Secret %q is there, which kubectl basicauth keeps beside the users; in a rolling update the old pods serve on until then, without a password", secret)
	}
	if l.Settings.Stated("realm") {
		d.Find(finding.Info, w.Object, nil, "", "the realm %q is not shown: %s names none", l.Settings.Realm, program.Of(l.Native.Container).Name)
	}
}

// secretFlags are the flags by which kubectl basicauth finds the users of a login.
func secretFlags(l *plan.Login) string {
	flags := ""
	if ns := l.Ref().Namespace; ns != "" {
		flags = " --namespace " + ns
	}
	if users := plan.UsersSecret(&l.Settings); users != gateconf.UsersSecret {
		flags += " --secret " + users
	}
	return flags
}

// Way decides about a way to a workload whose application checks the passwords: it leaves the way where it is, for
// the application asks whoever comes, and refuses one to another port.
func Way(p *plan.Draft, way *topology.Way, l *plan.Login) {
	d := draft{p}
	o, field, ref := way.Object(), way.Field(), l.Ref().Short()
	c := l.Workload.Container(way.Port)
	switch {
	case slices.Contains(l.Native.Ports, way.Port) && wayProtocol(way) == "TCP":
		if way.Maybe {
			d.Find(finding.Info, way.Service.Object, manifest.P("spec", "selector"), "", "selects %s only when its pods get more labels at run time; it counts as a way in", ref)
		}
		balancer.RefuseHealth(d.Draft, way, useSidecar+", whose health needs no password")
	case program.IsAuthProxy(c):
		d.Find(finding.Info, o, field, "", "leads to container %q of %s, which asks for a login itself; left as it is", c.Name, ref)
	case way.OptedOut() && way.Port != 0:
		d.Find(finding.Warning, o, field, "", "leads to port %s of %s, where nobody asks for a password; left as it is, as the annotation %s asks", way.PortText(), ref, gateconf.AnnotationGate)
	case way.Service == nil && l.Workload.HostNetwork && program.OnLoopback(l.Workload, way.Port):
	case way.Port == 0:
		d.RefuseWay(way, "name a port that a container declares", "leads to port %q of %s, which no container has", way.PortName, ref)
	default:
		d.RefuseWay(way, "take that port away, or "+useSidecar, "leads to port %s of %s, where nobody asks for a password; %s does on port %s",
			way.PortText(), ref, program.Of(l.Native.Container).Name, topology.PortsText(l.Native.Ports))
	}
}

// wayProtocol is the protocol of the Service port that a way uses.
func wayProtocol(way *topology.Way) string {
	if way.ServicePort == nil {
		return "TCP"
	}
	return cmp.Or(way.ServicePort.Protocol, "TCP")
}
