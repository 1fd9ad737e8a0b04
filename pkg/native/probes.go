package native

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// probes plans that probes which would get 401 only connect, for they can have no password: none may stand in a pod's
// manifest, and no program of the table has a way to its health that asks for none.
func (d draft) probes(l *plan.Login) {
	w := l.Workload
	for _, probe := range program.HTTPProbes(w, l.Native.Ports) {
		l.Native.Probes = append(l.Native.Probes, probe.Field)
		switch early := program.Of(l.Native.Container).Early; {
		case early && probe.Name != "livenessProbe":
			d.Find(finding.Warning, w.Object, probe.Field, useSidecar+" where that matters, whose probes stay as they are",
				"asked for %s, which needs a password now, so it only connects: the pod is Ready while it still reads its write-ahead log, and answers 503 to who asks it then", probe.Path)
		default:
			d.Find(finding.Info, w.Object, probe.Field, "", "asked for %s, which needs a password now, so it only connects; whether the application calls itself healthy is not seen any more", probe.Path)
		}
	}
}

// hooks refuses what asks the application and cannot be made to work without a password: hooks of the containers'
// lives, for which the API has no TCP, and commands of probes.
func (d draft) hooks(l *plan.Login) {
	w := l.Workload
	for _, c := range w.Containers {
		for _, name := range []string{"postStart", "preStop"} {
			if get := manifest.Field(c.Node, "lifecycle", name, "httpGet"); get != nil && program.AsksPort(c, get, l.Native.Ports) {
				d.Find(finding.Error, w.Object, c.Field.With("lifecycle", name, "httpGet"), "remove it from the values, or "+useSidecar,
					"asks the application, which would refuse it for want of a password")
			}
		}
		for _, name := range program.ProbeNames {
			if runs := words(manifest.Items(c.Node, name, "exec", "command")); asksItself(runs, l.Native.Ports) || strings.Contains(runs, "promtool check ") {
				d.Find(finding.Error, w.Object, c.Field.With(name, "exec"), "write tcpSocket instead in the values, or "+useSidecar,
					"asks the application, which would refuse it for want of a password")
			}
		}
	}
}

func words(items []*yaml.Node) string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = item.Value
	}
	return strings.Join(list, " ")
}

// asksItself says whether a text holds one of the ports as one asks for it from inside of the pod.
func asksItself(text string, ports []int) bool {
	for _, port := range ports {
		for _, host := range []string{"localhost:", "127.0.0.1:", "[::1]:", "$(POD_IP):"} {
			before, after, found := strings.Cut(text, host+topology.PortsText([]int{port}))
			if found && (after == "" || after[0] < '0' || after[0] > '9') && !strings.HasSuffix(before, "web.listen-address=") {
				return true
			}
		}
	}
	return false
}

// scrapedByAnnotation is the annotation by which many scrape configurations find what to ask.
const scrapedByAnnotation = "prometheus.io/scrape"

// scraped says what is asked for its metrics because an annotation says so: such a job asks all it finds in one way.
func (d draft) scraped(l *plan.Login) {
	const hint = "take it away, and give the scrape configuration a job for this one alone, with " + basicAuthFile
	tell := func(o *manifest.Object, field manifest.Path) {
		d.Find(finding.Warning, o, field, hint, "asks to be scraped by a job that finds its targets by this annotation, and %s asks that for a password", l.Ref().Short())
	}
	w := l.Workload
	if manifest.Bool(w.Object.Node, append(steps(w.Template), "annotations", scrapedByAnnotation)...) {
		tell(w.Object, w.Template.With("annotations", scrapedByAnnotation))
	}
	for _, svc := range d.Model.SelectedBy(w) {
		if svc.Annotations[scrapedByAnnotation] == "true" && leadsToAny(svc, w, l.Native.Ports) {
			tell(svc.Object, manifest.P("metadata", "annotations", scrapedByAnnotation))
		}
	}
}

func steps(p manifest.Path) []string {
	keys := make([]string, len(p))
	for i, step := range p {
		keys[i] = step.(string)
	}
	return keys
}

func leadsToAny(svc *topology.Service, w *topology.Workload, ports []int) bool {
	return slices.ContainsFunc(svc.Ports, func(port *topology.ServicePort) bool {
		n, _ := port.TargetOf(w)
		return slices.Contains(ports, n)
	})
}

// beside names what runs beside the application and asks it: reloaders, Thanos' sidecar, and whatever else names it.
func (d draft) beside(l *plan.Login) {
	w := l.Workload
	for _, c := range w.Containers {
		if c == l.Native.Container || c.Name == gateconf.ContainerName {
			continue
		}
		for _, arg := range c.Args {
			if !asksItself(arg, l.Native.Ports) || bringsPassword(c, arg) {
				continue
			}
			d.Find(finding.Warning, w.Object, c.Field, besideHint(program.ImageName(c.Image), arg), "container %q asks the application by %q, and gets 401 from now on", c.Name, arg)
		}
	}
}

// bringsPassword says whether a container has a password for what it asks by an argument: in the URL, or for Thanos.
func bringsPassword(c *topology.Container, arg string) bool {
	_, rest, _ := strings.Cut(arg, "://")
	host, _, _ := strings.Cut(rest, "/")
	return strings.Contains(host, "@") || slices.ContainsFunc(c.Args, func(arg string) bool {
		return strings.HasPrefix(arg, "--prometheus.http-client") && strings.Contains(arg, "basic_auth") || strings.HasPrefix(arg, "--prometheus.http-client-file")
	})
}

// besideHint says how a container beside the application can be given a password that does not stand in the manifest.
func besideHint(image, arg string) string {
	const env = ", with both in its env from a Secret (valueFrom: {secretKeyRef: {name: SECRET, key: ...}})"
	at := strings.Index(arg, "://")
	switch {
	case strings.HasPrefix(image, "thanos"):
		return "add the argument --prometheus.http-client={basic_auth: {username: NAME, password_file: FILE}} with a Secret mounted at FILE"
	case at < 0:
		return "give it a user"
	default:
		return "write " + arg[:at+3] + "$(WEB_USER):$(WEB_PASSWORD)@" + arg[at+3:] + env
	}
}
