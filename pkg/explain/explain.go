// Package explain owns how a plan is shown: who reaches what today, and what inject would change, as text and drawings
// for people and as JSON for programs.
package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// View is a plan seen from the workloads: the shape that JSON prints.
type View struct {
	Workloads []Workload `json:"workloads"`
	Changes   []Change   `json:"changes"`
	Findings  []Finding  `json:"findings"`
}

// Workload is one workload that has a gate to come, or a way in from outside.
type Workload struct {
	Object string `json:"object"`
	Source string `json:"source,omitempty"`
	Gate   *Gate  `json:"gate"`  // null: none is planned
	Login  *Login `json:"login"` // null: none is planned
	Ways   []Way  `json:"ways"`
}

// Gate is the gate that inject would put in.
type Gate struct {
	Port           int    `json:"port"`
	AdminPort      int    `json:"adminPort"`
	Upstream       string `json:"upstream"`
	Prefix         string `json:"prefix,omitempty"`
	HealthPath     string `json:"healthPath"`
	UpstreamHealth string `json:"upstreamHealthPath,omitempty"`
	UsersSecret    string `json:"usersSecret"`
	Realm          string `json:"realm"`
	Image          string `json:"image"`

	AskedFor string    `json:"askedFor"` // "by default", or who asks: "--gate KIND/NAME", "annotation of KIND NAME", "kauth.yaml:7"
	Settings []Setting `json:"settings"`
}

// Login is who asks for the password where no gate of ours does.
type Login struct {
	Mode        string `json:"mode"` // "ingress": the ingress controller, or "native": the application itself
	Port        int    `json:"port"` // of the container
	UsersSecret string `json:"usersSecret"`
	Realm       string `json:"realm,omitempty"`

	AskedFor string    `json:"askedFor"` // as Gate has it
	Settings []Setting `json:"settings"`
}

// Setting is a setting of a gate or a login that does not have its default, and where its value comes from.
type Setting struct {
	Name  string `json:"name"`  // as the settings file calls it
	Value string `json:"value"` // "" where there is none
	From  string `json:"from"`  // a flag such as "--realm", or a place such as "kauth.yaml:7"
}

// Way is one way from outside.
type Way struct {
	From    string `json:"from"` // the object that opens it
	Field   string `json:"field"`
	Host    string `json:"host,omitempty"`
	Path    string `json:"path,omitempty"`
	Service string `json:"service,omitempty"`
	Port    string `json:"servicePort,omitempty"`
	Target  string `json:"containerPort,omitempty"`
	After   string `json:"after"` // "gate", "login" where By asks, or "open" where inject leaves it as it is
	By      string `json:"by,omitempty"`
}

// Change is one edit.
type Change struct {
	Object string `json:"object"`
	Field  string `json:"field"`
	From   string `json:"from,omitempty"`
	To     string `json:"to"`
}

// Finding is a finding of the plan.
type Finding struct {
	Severity string `json:"severity"`
	Text     string `json:"text"`
}

// New makes the view of a plan.
func New(m *topology.Model, p *plan.Plan) View {
	v := View{Workloads: []Workload{}, Changes: changes(p), Findings: []Finding{}}
	out := outcomeOf(p)
	for _, w := range m.Workloads {
		item := Workload{Object: w.Object.Short(), Source: w.Object.Source, Gate: gateOf(p, w), Login: loginOf(p, w), Ways: []Way{}}
		for _, way := range m.WaysTo(w) {
			item.Ways = append(item.Ways, viewOf(out, way))
		}
		if item.Gate != nil || item.Login != nil || len(item.Ways) > 0 && !w.Hook {
			v.Workloads = append(v.Workloads, item)
		}
	}
	for _, f := range p.Findings {
		v.Findings = append(v.Findings, Finding{Severity: string(f.Severity), Text: f.String()})
	}
	return v
}

// JSON prints the view for programs.
func (v View) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // -> is not markup here
	return e.Encode(v)
}

func gateOf(p *plan.Plan, w *topology.Workload) *Gate {
	for _, g := range p.Gates {
		if g.Workload == w {
			return &Gate{
				AskedFor: g.Reason, Settings: settings(g),
				Port: g.Port, AdminPort: g.AdminPort, Upstream: g.Config.Upstream, Prefix: g.Config.Prefix, HealthPath: g.Config.HealthPath,
				UpstreamHealth: g.Config.UpstreamHealthPath, UsersSecret: g.Config.UsersSecret, Realm: g.Config.Realm, Image: g.Image,
			}
		}
	}
	return nil
}

func loginOf(p *plan.Plan, w *topology.Workload) *Login {
	for _, l := range p.Logins {
		if l.Workload != w {
			continue
		}
		login := &Login{Mode: l.Mode, Port: l.Port, UsersSecret: l.UsersSecret(), AskedFor: l.Reason}
		if l.Mode == config.ModeIngress {
			login.Realm = l.Realm()
		}
		login.Settings = stated(&l.Settings, []Setting{
			{Name: "mode", Value: l.Mode},
			{Name: "usersSecret", Value: l.UsersSecret()},
			{Name: "realm", Value: login.Realm},
			{Name: "networkPolicy", Value: cmp.Or(l.Settings.NetworkPolicy, config.PolicyNone)},
			{Name: "allowFrom", Value: peers(l.Settings.AllowFrom)},
		})
		return login
	}
	return nil
}

// settings lists what somebody says about the gate, in the order of the settings file. The rest has kauth's own
// default, or what kauth found in the manifests.
func settings(g *plan.Gate) []Setting {
	s, c := &g.Settings, &g.Config
	resources := ""
	if s.Resources != nil {
		resources = amounts("requests", s.Resources.Requests) + amounts("limits", s.Resources.Limits)
	}
	return stated(s, []Setting{
		{Name: "mode", Value: cmp.Or(s.Mode, config.ModeSidecar)},
		{Name: "auth", Value: c.Auth},
		{Name: "usersSecret", Value: c.UsersSecret},
		{Name: "realm", Value: c.Realm},
		{Name: "signIn", Value: c.SignIn},
		{Name: "port", Value: strconv.Itoa(g.Port)},
		{Name: "requireHeader", Value: c.RequireHeader},
		{Name: "headerSecret", Value: s.HeaderSecret},
		{Name: "tlsSecret", Value: s.TLSSecret},
		{Name: "trustedProxies", Value: strings.Join(c.TrustedProxies, ",")},
		{Name: "networkPolicy", Value: cmp.Or(s.NetworkPolicy, config.PolicyNone)},
		{Name: "allowFrom", Value: peers(s.AllowFrom)},
		{Name: "healthPath", Value: c.HealthPath},
		{Name: "upstreamHealthPath", Value: c.UpstreamHealthPath},
		{Name: "image", Value: g.Image},
		{Name: "resources", Value: strings.TrimSpace(resources)},
	})
}

// stated picks those of a list that somebody says, and says where.
func stated(s *config.Settings, list []Setting) []Setting {
	picked := []Setting{}
	for _, item := range list {
		if s.Stated(item.Name) {
			item.From = s.Origin(item.Name).String()
			picked = append(picked, item)
		}
	}
	return picked
}

func peers(list []config.Peer) string {
	var all []string
	for _, peer := range list {
		all = append(all, peer.String())
	}
	return strings.Join(all, "; ")
}

func amounts(list string, of map[string]config.Quantity) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(of)) {
		b.WriteString(" " + list + "." + name + "=" + string(of[name]))
	}
	return b.String()
}

func viewOf(out outcome, way *topology.Way) Way {
	v := Way{From: way.Ref().Short(), Field: way.Field().String(), Target: port(way.Port, way.PortName), After: "open"}
	if way.Backend != nil {
		v.Host, v.Path = way.Backend.Host, way.Backend.Path
	}
	if way.Service != nil {
		v.Service = way.Service.Object.Short()
	}
	if way.ServicePort != nil {
		v.Port = port(way.ServicePort.Number, way.ServicePort.Name)
	}
	if v.By = out.asker(way); v.By != "" {
		v.After = "login"
	}
	if out.gated(way) {
		v.After = "gate"
	}
	return v
}

func port(number int, name string) string {
	switch {
	case name == "" && number == 0:
		return "unknown"
	case name == "":
		return strconv.Itoa(number)
	case number == 0:
		return name
	default:
		return fmt.Sprintf("%d (%s)", number, name)
	}
}
