package explain

import (
	"cmp"
	"fmt"
	"io"
)

// Text prints the view for people.
func (v View) Text(w io.Writer) error {
	t := &printer{w: w}
	for i, item := range v.Workloads {
		if i > 0 {
			t.line("")
		}
		t.workload(item)
	}
	if len(v.Changes) > 0 {
		t.line("\nChanges")
	}
	last := ""
	for _, c := range v.Changes {
		if c.Object != last {
			t.line("  %s", c.Object)
			last = c.Object
		}
		if c.From != "" {
			t.line("    %s: %s -> %s", c.Field, c.From, c.To)
		} else {
			t.line("    %s: %s", c.Field, c.To)
		}
	}
	if len(v.Findings) > 0 {
		t.line("\nFindings")
	}
	for _, f := range v.Findings {
		t.line("  %-7s  %s", f.Severity, f.Text)
	}
	if len(v.Workloads) == 0 && len(v.Findings) == 0 {
		t.line("Nothing leads from outside to a workload of this stream, and nothing is to be gated.")
	}
	return t.err
}

type printer struct {
	w   io.Writer
	err error
}

func (t *printer) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *printer) workload(item Workload) {
	title := item.Object
	if item.Source != "" {
		title += "  (" + item.Source + ")"
	}
	t.line("%s", title)
	if g := item.Gate; g != nil {
		health := g.UpstreamHealth
		if health == "" {
			health = "whether it accepts connections"
		}
		t.line("  gate     port %d -> %s, users from Secret %s", g.Port, g.Upstream, g.UsersSecret)
		t.line("  health   %s asks %s", g.HealthPath, health)
		t.line("  asked    %s", g.AskedFor)
		for _, s := range g.Settings {
			t.line("  setting  %s: %s, from %s", s.Name, cmp.Or(s.Value, "none"), s.From)
		}
	} else {
		t.line("  gate     none")
	}
	for _, way := range item.Ways {
		from := way.From
		if way.Host != "" || way.Path != "" {
			from += "  " + way.Host + way.Path
		}
		t.line("  way in   %s", from)
		through := ""
		if way.Service != "" {
			through = way.Service + " port " + way.Port + " -> "
		}
		t.line("    today  %scontainer port %s, no password from kauth", through, way.Target)
		if way.After == "gate" {
			t.line("    after  the gate, then container port %s", way.Target)
		} else if item.Gate != nil {
			t.line("    after  as today")
		}
	}
	if len(item.Ways) == 0 {
		t.line("  way in   none from outside in this stream")
	}
}
