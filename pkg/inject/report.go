package inject

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/proof"
)

// Report is what a run found and did, for people and programs.
type Report struct {
	Version  string
	Gates    []Gate
	Logins   []Login
	Open     []proof.Allowed // ways past the gates that --allow-open lets stay
	Findings []finding.Finding
}

// Gate is one gate of a report.
type Gate struct {
	Workload manifest.Ref
	Port     int
	Config   gateconf.Config
	Image    string
	Done     string // what the workload's annotation says: "8181 -> http://127.0.0.1:9090"
	Policy   string // the NetworkPolicy that is added for it; "" for none
	Closed   proof.Closed
}

// Login is one login of a report that is no gate of ours: the ingress controller's or the application's own.
type Login struct {
	proof.Checked
	Done   string // what the workload's annotation says: "native -> 9090"
	Policy string // the NetworkPolicy that is added for it; "" for none
	Closed proof.Closed
}

// newReport copies what it needs of a plan, so that the plan's nodes need not stay in memory.
func newReport(version string, p *plan.Plan) *Report {
	r := &Report{Version: version, Findings: p.Findings}
	for _, g := range p.Gates {
		r.Gates = append(r.Gates, Gate{Workload: g.Ref(), Port: g.Port, Config: g.Config, Image: g.Image, Done: g.Done(), Policy: g.PolicyName, Closed: closedGate(g)})
	}
	for _, l := range p.Logins {
		r.Logins = append(r.Logins, Login{Checked: checked(l), Done: l.Done(), Policy: l.PolicyName, Closed: closedLogin(l)})
	}
	for _, open := range p.Opens {
		r.Open = append(r.Open, proof.Allowed{Ref: open.Object.Ref, Field: open.Field.String(), What: open.What})
	}
	return r
}

// The JSON shapes; field names are stable.
type (
	jsonReport struct {
		Version  string        `json:"version"`
		Gates    []jsonGate    `json:"gates"`
		Logins   []jsonLogin   `json:"logins"`
		Open     []jsonOpen    `json:"open"`
		Findings []jsonFinding `json:"findings"`
		Error    string        `json:"error,omitempty"`
	}
	jsonGate struct {
		Workload    string   `json:"workload"`
		Port        int      `json:"port"`
		Upstream    string   `json:"upstream"`
		UsersSecret string   `json:"usersSecret"`
		Image       string   `json:"image"`
		Arguments   []string `json:"arguments"`
		Policy      string   `json:"networkPolicy,omitempty"`
	}
	jsonLogin struct {
		Workload    string `json:"workload"`
		Mode        string `json:"mode"` // ingress or native
		Port        int    `json:"port"` // of the container
		UsersSecret string `json:"usersSecret"`
		Policy      string `json:"networkPolicy,omitempty"`
	}
	jsonOpen struct {
		Object string `json:"object"`
		Field  string `json:"field"`
		What   string `json:"what"`
	}
	jsonFinding struct {
		Severity string `json:"severity"`
		Object   string `json:"object,omitempty"`
		Source   string `json:"source,omitempty"`
		Field    string `json:"field,omitempty"`
		Message  string `json:"message"`
		Hint     string `json:"hint,omitempty"`
	}
)

// JSON prints the report, with the error that ended the run where there was one: then nothing was gated. Lists are never
// null.
func (r *Report) JSON(failed error) ([]byte, error) {
	out := jsonReport{Version: r.Version, Gates: []jsonGate{}, Logins: []jsonLogin{}, Open: []jsonOpen{}, Findings: []jsonFinding{}}
	if failed != nil {
		out.Error = failed.Error()
	} else {
		for _, g := range r.Gates {
			out.Gates = append(out.Gates, jsonGate{
				Workload: g.Workload.Short(), Port: g.Port, Upstream: g.Config.Upstream, UsersSecret: g.Config.UsersSecret,
				Image: g.Image, Arguments: g.Config.Args(), Policy: g.Policy,
			})
		}
		for _, l := range r.Logins {
			out.Logins = append(out.Logins, jsonLogin{Workload: l.Ref.Short(), Mode: l.Mode, Port: l.Port, UsersSecret: l.UsersSecret, Policy: l.Policy})
		}
		for _, open := range r.Open {
			out.Open = append(out.Open, jsonOpen{Object: open.Ref.Short(), Field: open.Field, What: open.What})
		}
	}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, jsonFinding{
			Severity: string(f.Severity), Object: strings.TrimSpace(f.Ref.Short()), Source: f.Ref.Source, Field: f.Field.String(),
			Message: f.Message, Hint: f.Hint,
		})
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // "8181 -> http://..." is for people too
	e.SetIndent("", "  ")
	err := e.Encode(out)
	return text.Bytes(), err
}
