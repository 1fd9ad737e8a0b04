package proof

import (
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Standing is what stands before a workload as its object says it, whoever wrote that: for those who look at what is
// installed, and have no plan.
type Standing struct {
	Checked
	Config  gateconf.Config // of the gate, with config.ModeSidecar
	Done    string          // what the annotation says; "" where it says nothing
	Problem string          // what is wrong with it, "" where nothing is
}

// Stands returns what stands before a workload. Without a gate or another login the Mode is "".
func Stands(w *topology.Workload) Standing {
	s := Standing{Checked: Checked{Ref: w.Object.Ref}}
	if done := manifest.Map(w.Object.Node, "metadata", "annotations")[gateconf.AnnotationGate]; gateconf.IsGateDone(done) {
		s.Done = done
	}
	mode, port, _ := strings.Cut(s.Done, " -> ")
	switch {
	case mode == config.ModeIngress || mode == config.ModeNative:
		s.Mode = mode
		s.Port, _ = strconv.Atoi(port)
		if mode == config.ModeNative {
			s.UsersSecret = webSecretOf(w)
		}
		s.Problem = loginProblem(w, s.Checked)
	case s.Done != "" || gateIn(w).Name != "":
		s.Mode = config.ModeSidecar
		s.gate(w)
	}
	return s
}

// webSecretOf is the name of the users Secret whose projection a workload of mode native mounts, "" where it mounts none.
func webSecretOf(w *topology.Workload) string {
	for _, v := range manifest.Items(w.Spec(), "volumes") {
		if users, web := strings.CutSuffix(manifest.String(v, "secret", "secretName"), gateconf.WebSecret); web && manifest.String(v, "name") == gateconf.WebVolume {
			return users
		}
	}
	return ""
}

func (s *Standing) gate(w *topology.Workload) {
	if s.Problem = gateProblem(w); s.Problem != "" {
		s.asMarked()
		return
	}
	s.Config, _ = gateconf.Parse(gateIn(w).Args) // gateProblem has parsed it
	s.Port = portOf(s.Config.Upstream)
	listen := s.Config.Listen[strings.LastIndexByte(s.Config.Listen, ':')+1:]
	if done := gateconf.GateDone(listen, s.Config.Upstream); s.Done != "" && s.Done != done {
		s.Problem = "is marked " + strconv.Quote(s.Done) + ", but its gate's arguments say " + strconv.Quote(done)
	}
}

// asMarked takes from the annotation what the gate itself does not say: where it should be, so that somebody can knock.
func (s *Standing) asMarked() {
	port, upstream, marked := strings.Cut(s.Done, " -> ")
	if !marked {
		return
	}
	s.Config = gateconf.Defaults()
	s.Config.Listen, s.Config.Upstream = ":"+port, upstream
	s.Port = portOf(upstream)
}

// Past says where a way leads, if that is past what stands before its workload, and how bad that is: an Error is an open
// door; a Warning is a way that somebody left open, or that opens only with labels that no pod has now. The text is ""
// for a way that asks for a password. It is what Ways goes by.
func Past(m *topology.Model, way *topology.Way, c Checked) (string, finding.Severity) {
	if way.Workload == nil || way.Nowhere != "" || way.Workload.Object.Kind == "Pod" && way.Problem == "" && way.Port == 0 {
		return "", finding.Info // a pod that has no port of the name gets nothing
	}
	leads := "leads to port " + way.PortText() + " of " + c.Ref.Short()
	switch {
	case way.Problem != "" && way.Ends != 0: // where it ends is what counts; that nobody can move it does not
		known := *way
		known.Port, known.PortName = (&topology.ServicePort{Target: topology.Port{Number: way.Ends}}).TargetOf(way.Workload)
		leads, known.Problem = "leads to port "+known.PortText()+" of "+c.Ref.Short()+" ("+way.Problem+")", ""
		way = &known
	case way.Problem != "":
		leads = "leads to " + c.Ref.Short() + " (" + way.Problem + ")"
	}
	container := way.Workload.Container(way.Port)
	switch {
	case way.Problem == "" && (program.IsAuthProxy(container) || c.Mode == config.ModeSidecar && throughGate(way)), isLogin(c) && checkedOn(m, way, c):
		return "", finding.Info
	case way.Service == nil && way.Workload.HostNetwork && program.OnLoopback(way.Workload, way.Port):
		return "", finding.Info
	case c.Mode == "":
		leads += ", which has no gate"
	case isLogin(c):
		leads += ", where nobody asks for a password"
	default:
		leads += ", past the gate"
	}
	switch {
	case way.OptedOut():
		return leads + "; left open, as the annotation " + gateconf.AnnotationGate + " asks", finding.Warning
	case strings.Contains(way.Annotations()[gateconf.AnnotationAllowOpen], way.Field().String()+": "):
		return leads + "; left open, as --allow-open asked", finding.Warning
	case way.Problem == "" && way.Port != c.Port && program.IsLiveReloader(container):
		return leads + ", where the operator's reloader shows its metrics", finding.Warning
	case way.Maybe:
		return leads + ", once its pods have the labels that the Service asks for", finding.Warning
	default:
		return leads, finding.Error
	}
}

// Unsaid says whether a way leads to where a gate is marked whose arguments cannot be read. Nothing says that it is past the gate,
// nor that it is not: the Problem is what is to be told.
func (s *Standing) Unsaid(way *topology.Way) bool {
	if s.Problem == "" || s.Mode != config.ModeSidecar || way.Workload == nil || way.Problem != "" || way.Backend != nil && way.Backend.Protocol != "" {
		return false
	}
	c := way.Workload.Container(way.Port)
	if c == nil || c.Name != gateconf.ContainerName || !strings.HasSuffix(s.Config.Listen, ":"+strconv.Itoa(way.Port)) {
		return false
	}
	_, err := gateconf.Parse(c.Args)
	return err != nil
}

func isLogin(c Checked) bool { return c.Mode == config.ModeIngress || c.Mode == config.ModeNative }
