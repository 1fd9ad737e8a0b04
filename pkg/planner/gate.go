package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// gate plans the gate of one workload, nil where something stands in the way.
func (p *planner) gate(t choice.Chosen) *plan.Gate {
	w, before := t.Workload, len(finding.Errors(p.Findings))
	p.refuse(t)
	port, ok := p.choice.Upstream(t)
	if !ok || len(finding.Errors(p.Findings)) > before {
		return nil
	}
	g := &plan.Gate{Workload: w, Upstream: port, Config: gateconf.Defaults(), Settings: t.Settings, Reason: t.Reason, Mounts: mounts(&t.Settings)}
	if !p.choosePorts(g) {
		return nil
	}
	g.Image = cmp.Or(t.Settings.Image, gateconf.Image+":"+p.options.Version)
	security := manifest.Field(w.Spec(), "securityContext")
	g.FileMode = plan.FileMode(w)
	user, hasUser := manifest.Int(security, "runAsUser")
	g.SetUser = !hasUser || user == 0
	policy := manifest.String(w.Spec(), "restartPolicy")
	g.Native = policy == "Never" || policy == "OnFailure" // those of every Job, and of nothing that the pods of a Deployment may say
	p.configure(g)
	if err := g.Config.Validate(); err != nil {
		p.Find(finding.Error, w.Object, nil, "", "the gate's settings: %v", err)
		return nil
	}
	return g
}

// refuse finds what makes a gate impossible or a false promise.
func (p *planner) refuse(t choice.Chosen) {
	w := t.Workload
	p.twice(w)
	spec := w.Spec()
	for _, c := range w.Containers {
		if c.Name == gateconf.ContainerName {
			p.Find(finding.Error, w.Object, c.Field, "rename it, or remove it from the values",
				"a container %q that kauth did not write", c.Name)
		}
		for _, port := range c.Ports {
			if port.Name == gateconf.PortName || port.Name == gateconf.AdminPortName {
				p.Find(finding.Error, w.Object, port.Field, "rename the port", "the port name %q is the gate's own", port.Name)
			}
		}
	}
	p.RefuseVolumes(w, mounts(&t.Settings))
	if w.Operator && manifest.Bool(spec, "paused") {
		p.Find(finding.Error, w.Object, manifest.P("spec", "paused"), "set it to false",
			"the operator does not act on a paused resource, so the gate would not appear while the routes already lead to it")
	}
	switch manifest.String(spec, "web", "tlsConfig", "clientAuthType") {
	case "RequireAndVerifyClientCert", "RequireAnyClientCert":
		p.Find(finding.Error, w.Object, manifest.P("spec", "web", "tlsConfig", "clientAuthType"), "use VerifyClientCertIfGiven or NoClientCert",
			"the gate has no client certificate, so the application would refuse it")
	}
}

// twice refuses a workload that another of the same identity stands beside: the cluster would keep only one of them.
func (p *planner) twice(w *topology.Workload) {
	for _, other := range p.Model.Workloads {
		if other != w && other.Object.Identity() == w.Object.Identity() {
			lines := []int{w.Object.StreamLine(), other.Object.StreamLine()}
			slices.Sort(lines)
			p.Find(finding.Error, w.Object, nil, "remove one", "stands twice in this stream, at lines %d and %d", lines[0], lines[1])
		}
	}
}

// choosePorts gives the gate its two ports: 8181 and 8182, or the next ones that no container of the pod takes.
func (p *planner) choosePorts(g *plan.Gate) bool {
	w := g.Workload
	takenBy := func(port int) string {
		if name := w.TakenBy(port); name != "" {
			return fmt.Sprintf("container %q", name)
		}
		if port == g.Upstream {
			return "the application"
		}
		if w.HostNetwork {
			return p.nodeTaken(w, port)
		}
		return ""
	}
	g.Port = gateconf.Port
	fixed := g.Settings.Port
	if fixed != 0 {
		if by := takenBy(fixed); by != "" {
			p.Find(finding.Error, w.Object, nil, "use another one there, or leave it out to get the next free one", "port %d of %s is taken by %s", fixed, g.Settings.Origin("port"), by)
			return false
		}
		g.Port = fixed
	}
	for takenBy(g.Port) != "" || g.Port == gateconf.AdminPort && fixed == 0 {
		g.Port++
	}
	g.AdminPort = gateconf.AdminPort
	for takenBy(g.AdminPort) != "" || g.AdminPort == g.Port {
		g.AdminPort++
	}
	if g.Port != gateconf.Port && fixed == 0 {
		p.Find(finding.Info, w.Object, nil, "", "port %d is taken by %s, so the gate listens on %d", gateconf.Port, takenBy(gateconf.Port), g.Port)
	}
	return true
}

// configure fills in what the sidecar is told.
func (p *planner) configure(g *plan.Gate) {
	c, web := &g.Config, program.WebOf(g.Workload, g.Upstream)
	c.Listen, c.AdminListen = ":"+strconv.Itoa(g.Port), ":"+strconv.Itoa(g.AdminPort)
	c.Upstream = web.Scheme + "://127.0.0.1:" + strconv.Itoa(g.Upstream)
	// Whoever listens on the pod's own loopback is inside the pod already; the certificate names the outside host.
	c.InsecureUpstreamSkipVerify = web.Scheme == "https"
	c.UpstreamHealthPath, c.Prefix = cmp.Or(g.Settings.UpstreamHealthPath, web.Health), web.Prefix
	c.HealthPath = cmp.Or(g.Settings.HealthPath, c.HealthPath)
	configureChecks(c, &g.Settings)
	c.TrustedProxies = g.Settings.TrustedProxies
	c.Realm = cmp.Or(g.Settings.Realm, c.Realm)
	// The gate lasts as long as the application does, and that is up to the pod's own limit.
	if grace, ok := manifest.Int(g.Workload.Spec(), "terminationGracePeriodSeconds"); ok {
		c.ShutdownDelay = max(c.ShutdownDelay, time.Duration(grace)*time.Second)
	}
	if c.UpstreamHealthPath == "" {
		p.Find(finding.Info, g.Workload.Object, nil, "give the container an httpGet probe on that port",
			"no probe says what the health of port %d is, so the gate calls it healthy when it accepts connections", g.Upstream)
	}
}
