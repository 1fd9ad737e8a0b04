package explain

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// DOT prints the drawing for Graphviz (graphviz.org/doc/info/lang.html). Labels are of its HTML-like kind, in which no
// name can be taken for a command, and ids are numbers.
func (d *Drawing) DOT(w io.Writer) error {
	out := bufio.NewWriter(w)
	g := d.graph()
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) } // Flush has the error
	line("digraph kauth {")
	line(`  rankdir=LR; nodesep=0.25; ranksep=0.6; labelloc=b; labeljust=l; bgcolor="white"; fontname="Helvetica,Arial,sans-serif"; fontsize=11;`)
	line(`  node [shape=box, style="rounded,filled", fillcolor="white", color="#57606a", fontname="Helvetica,Arial,sans-serif", fontsize=11, margin="0.12,0.06"];`)
	line(`  edge [color="#57606a", fontname="Helvetica,Arial,sans-serif", fontsize=10];`)
	line("  label=<%s>;", legend)
	for _, n := range g.outside {
		line("  %s", n.dot())
	}
	clusters := 0
	for _, f := range g.spaces {
		f.dot(line, "  ", &clusters)
	}
	for _, e := range g.edges {
		line("  n%d -> n%d%s;", e.from.id, e.to.id, e.dot())
	}
	if len(g.loose) > 0 {
		n := &node{kind: Unknown, lines: []string{"Findings"}, today: true, after: true}
		for _, f := range g.loose {
			n.notes = append(n.notes, noteOf(f, manifest.Ref{}))
		}
		line("  %s", n.dot())
	}
	line("}")
	return out.Flush()
}

// legend says what the arrows are.
const legend = `<font color="#cf222e">dashed: today only</font>   <font color="#1a7f37"><b>thick: with kauth only</b></font>   thin: today and with kauth`

func (f *frame) dot(line func(format string, args ...any), indent string, clusters *int) {
	*clusters++
	line("%ssubgraph cluster_%d {", indent, *clusters)
	color := "#d0d7de"
	if f.pod {
		color = "#8c959f"
	}
	line(`%s  label=<%s>; labelloc=t; labeljust=l; style="rounded"; color="%s";`, indent, markup(f.title), color)
	for _, n := range f.nodes {
		line("%s  %s", indent, n.dot())
	}
	for _, inner := range f.inner {
		inner.dot(line, indent+"  ", clusters)
	}
	line("%s}", indent)
}

func (n *node) dot() string {
	var rows strings.Builder
	row := func(text string) { rows.WriteString(`<tr><td align="left">` + text + "</td></tr>") }
	row("<b>" + markup(n.lines[0]) + "</b>")
	for _, text := range n.details() {
		row(markup(text))
	}
	for _, note := range n.notes {
		for _, text := range wrap(note.text, noteWidth) {
			row(`<font point-size="9" color="` + inks[note.severity] + `">` + markup(text) + "</font>")
		}
	}
	more := ""
	switch {
	case n.open:
		more = `, color="#9a6700", fillcolor="#fff8c5"`
	case n.kind == GateStop || n.asks != "":
		more = `, color="#1a7f37", fillcolor="#dafbe1", penwidth=2`
	case n.kind == Unknown:
		more = `, shape=note, style="filled", fillcolor="#f6f8fa"`
	case n.kind == Application:
		more = `, fillcolor="#ddf4ff"`
	case n.kind == Client || n.kind == Balancer:
		more = `, fillcolor="#f6f8fa"`
	}
	return fmt.Sprintf(`n%d [label=<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">%s</table>>%s];`, n.id, rows.String(), more)
}

// inks are the colours of findings on paper.
var inks = map[finding.Severity]string{finding.Error: "#cf222e", finding.Warning: "#9a6700", finding.Info: "#0969da"}

func (e *edge) dot() string {
	label := ""
	if text := e.label(); text != "" {
		label = fmt.Sprintf(`, label="%s"`, text)
	}
	switch {
	case e.today && e.after:
		return ""
	case e.today:
		return ` [style=dashed, color="#cf222e", fontcolor="#cf222e"` + label + "]"
	default:
		return ` [color="#1a7f37", fontcolor="#1a7f37", penwidth=2.5` + label + "]"
	}
}

// markup escapes a text for HTML-like labels, which are XML.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace

// noteWidth is how many characters a line of a finding has.
const noteWidth = 44

// wrap breaks a text into lines, between words where it can.
func wrap(text string, width int) []string {
	var list []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			list, line = append(list, line), word
		}
		for runes := []rune(line); len(runes) > 2*width; runes = []rune(line) {
			list, line = append(list, string(runes[:width])), string(runes[width:])
		}
	}
	return append(list, line)
}
