package explain

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Text prints the drawing for people, with the colours of a terminal or without: two lines run down beside each way,
// one through the ports of today, and one through those of the time when inject has run.
func (d *Drawing) Text(w io.Writer, colors bool) error {
	t := &printer{w: w, colors: colors}
	for i, g := range d.Groups {
		if i > 0 {
			t.line("")
		}
		t.group(g)
	}
	t.changes(d.Changes)
	if len(d.Findings) > 0 {
		t.line("\n%s", t.paint(bold, "Findings"))
	}
	for _, f := range d.Findings {
		t.finding("  ", f, manifest.Ref{})
	}
	if len(d.Groups) == 0 && len(d.Findings) == 0 {
		t.line("Nothing leads from outside to a workload of this stream, and nothing is to be gated.")
	}
	return t.err
}

type printer struct {
	w      io.Writer
	colors bool
	err    error
}

func (t *printer) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

// The colours that terminals have (ECMA-48, Select Graphic Rendition).
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "36"
)

var severityColors = map[finding.Severity]string{finding.Error: red, finding.Warning: yellow, finding.Info: blue}

func (t *printer) paint(color, text string) string {
	if !t.colors || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (t *printer) changes(list []Change) {
	if len(list) > 0 {
		t.line("\n%s", t.paint(bold, "Changes"))
	}
	last := ""
	for _, c := range list {
		if c.Object != last {
			t.line("  %s", plain(c.Object))
			last = c.Object
		}
		if c.From != "" {
			t.line("    %s: %s -> %s", plain(c.Field), t.paint(red, plain(c.From)), t.paint(green, plain(c.To)))
		} else {
			t.line("    %s: %s", plain(c.Field), t.paint(green, plain(c.To)))
		}
	}
}

func (t *printer) group(g *Group) {
	if g.Object == (manifest.Ref{}) {
		t.line("%s", t.paint(bold, "To no workload of this stream"))
	} else {
		t.line("%s", t.title(g.Object))
		t.guard(g)
	}
	for _, f := range g.Findings {
		t.finding("  ", f, g.Object)
	}
	if len(g.Lanes) == 0 {
		t.line("  way in   none from outside in this stream")
	}
	for _, lane := range g.Lanes {
		t.lane(lane)
	}
}

// title is a reference as a heading: bold, its source beside it.
func (t *printer) title(ref manifest.Ref) string {
	text := t.paint(bold, plain(ref.Short()))
	if ref.Source != "" {
		text += "  (" + plain(ref.Source) + ")"
	}
	return text
}

// guard says who asks for the password, and why.
func (t *printer) guard(group *Group) {
	if l := group.Login; l != nil {
		who := "the ingress controller asks, on the ways"
		if l.Mode == config.ModeNative {
			who = "the application asks,"
		}
		t.line("  login    %s to port %d, users from Secret %s", who, l.Port, l.UsersSecret)
		t.asked(l.AskedFor, l.Settings)
		return
	}
	g := group.Gate
	if g == nil {
		t.line("  gate     %s", t.paint(yellow, "none"))
		return
	}
	t.line("  gate     port %d -> %s, users from Secret %s", g.Port, g.Upstream, g.UsersSecret)
	t.line("  health   %s asks %s", g.HealthPath, cmp.Or(g.UpstreamHealth, "whether it accepts connections"))
	t.asked(g.AskedFor, g.Settings)
}

func (t *printer) asked(by string, settings []Setting) {
	t.line("  asked    %s", plain(by))
	for _, s := range settings {
		t.line("  setting  %s: %s, from %s", s.Name, plain(cmp.Or(s.Value, "none")), plain(s.From))
	}
}

// lane prints a way: the heading, the stops with both lines beside them, and its findings.
func (t *printer) lane(lane *Lane) {
	t.line("")
	t.line("  way in   %s", t.title(lane.Opener))
	before, after := "today", "with kauth"
	colorBefore, colorAfter := red, green
	if !lane.guarded() {
		after, colorBefore, colorAfter = "with kauth, as today", yellow, yellow
	}
	width, wide := 8, utf8.RuneCountInString(after)
	for _, s := range lane.Stops {
		width, wide = max(width, utf8.RuneCountInString(plain(s.Today))), max(wide, utf8.RuneCountInString(plain(s.After)))
	}
	row := func(a, b, what string) {
		t.line("%s", strings.TrimRight("    "+t.paint(colorBefore, pad(a, width))+"   "+t.paint(colorAfter, pad(b, wide))+"   "+what, " "))
	}
	row(before, after, "")
	line := "|" // of today, until it ends
	for _, s := range lane.Stops {
		what := lines(s, lane)
		row(cmp.Or(plain(s.Today), line), cmp.Or(plain(s.After), "|"), what[0])
		for _, more := range what[1:] {
			row(line, "|", more)
		}
		if s.Gone {
			line = " "
		}
	}
	for _, f := range lane.Findings {
		t.finding("    ", f, lane.Opener)
	}
}

// lines says what a stop is. The client's says what it asks for, an address a line.
func lines(s Stop, lane *Lane) []string {
	text, asks := string(s.Kind), ""
	if s.Asks != "" {
		asks = "  (" + asksText(s.Kind, s.Asks) + ")"
	}
	switch {
	case s.Kind == Client && len(lane.Addresses) > 0:
		var list []string
		for _, address := range lane.Addresses {
			list = append(list, text+"  "+plain(address))
			text = strings.Repeat(" ", len(text))
		}
		return list
	case (s.Kind == Application || s.Kind == GateStop) && s.Name != "":
		text += "  " + plain(s.Name)
	case s.Name != "":
		text = plain(s.Name)
	}
	return []string{text + asks}
}

// finding prints a finding below what it concerns; the reference is left out where the heading says it already.
func (t *printer) finding(indent string, f finding.Finding, heading manifest.Ref) {
	t.line("%s%s  %s", indent, t.paint(severityColors[f.Severity], pad(string(f.Severity), 7)), plain(said(f, heading)))
}

func said(f finding.Finding, heading manifest.Ref) string {
	if f.Ref == heading {
		f.Ref = manifest.Ref{}
	}
	return f.String()
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// plain shows what is no letter or sign by its code, so that no name of a manifest can steer a terminal or hide
// itself.
func plain(text string) string {
	ok := func(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }
	if strings.IndexFunc(text, func(r rune) bool { return !ok(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if ok(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "<%U>", r)
		}
	}
	return b.String()
}
