package explain

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Mermaid prints the drawing as a flowchart of Mermaid (mermaid.js.org/syntax/flowchart.html), which GitHub and GitLab
// draw where it stands in a fenced block. Ids are numbers, and what could be syntax in a label is written as its code.
func (d *Drawing) Mermaid(w io.Writer) error {
	out := bufio.NewWriter(w)
	g := d.graph()
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) } // Flush has the error
	line(`%%%%{init: {"flowchart": {"wrappingWidth": 360}}}%%%%`)
	line("flowchart LR")
	for _, n := range g.outside {
		line("  %s", n.mermaid())
	}
	frames := 0
	for _, f := range g.spaces {
		f.mermaid(line, "  ", &frames)
	}
	var styles []string
	for i, e := range g.edges {
		arrow, style := e.mermaid()
		line("  n%d %s n%d", e.from.id, arrow, e.to.id)
		if style != "" {
			styles = append(styles, fmt.Sprintf("linkStyle %d %s", i, style))
		}
	}
	if len(g.loose) > 0 {
		n := &node{kind: Unknown, lines: []string{"Findings"}}
		for _, f := range g.loose {
			n.notes = append(n.notes, noteOf(f, manifest.Ref{}))
		}
		line("  %s", n.mermaid())
	}
	for _, class := range classes {
		line("  classDef %s", class)
	}
	for i := range frames {
		line("  class s%d frame", i+1)
	}
	for _, style := range styles {
		line("  %s", style)
	}
	return out.Flush()
}

// classes are the looks of boxes; each sets the colour of its text too, for pages that are dark.
var classes = []string{
	"outside fill:#f6f8fa,stroke:#57606a,color:#1f2328", "route fill:#ffffff,stroke:#57606a,color:#1f2328,text-align:left",
	"gate fill:#dafbe1,stroke:#1a7f37,stroke-width:2px,color:#1f2328,text-align:left",
	"application fill:#ddf4ff,stroke:#57606a,color:#1f2328,text-align:left", "open fill:#fff8c5,stroke:#9a6700,color:#1f2328,text-align:left",
	"frame fill:#ffffff,stroke:#8c959f,color:#1f2328",
}

func (f *frame) mermaid(line func(format string, args ...any), indent string, frames *int) {
	*frames++
	line(`%ssubgraph s%d["%s"]`, indent, *frames, codes(f.title))
	for _, n := range f.nodes {
		line("%s  %s", indent, n.mermaid())
	}
	for _, inner := range f.inner {
		inner.mermaid(line, indent+"  ", frames)
	}
	line("%send", indent)
}

var marks = map[finding.Severity]string{finding.Error: "⛔ ", finding.Warning: "⚠ ", finding.Info: "ℹ "}

func (n *node) mermaid() string {
	var rows []string
	for _, text := range append([]string{n.lines[0]}, n.details()...) {
		rows = append(rows, codes(text))
	}
	for _, note := range n.notes {
		rows = append(rows, marks[note.severity]+codes(note.text))
	}
	class := "route"
	switch {
	case n.open:
		class = "open"
	case n.kind == GateStop || n.asks != "":
		class = "gate"
	case n.kind == Application:
		class = "application"
	case n.kind == Client || n.kind == Balancer || n.kind == Unknown:
		class = "outside"
	}
	return fmt.Sprintf(`n%d["%s"]:::%s`, n.id, strings.Join(rows, "<br/>"), class)
}

func (e *edge) mermaid() (arrow, style string) {
	arrow = "-->"
	switch {
	case e.today && !e.after:
		arrow, style = "-.->", "stroke:#cf222e,color:#cf222e"
	case e.after && !e.today:
		arrow, style = "==>", "stroke:#1a7f37,color:#1a7f37"
	}
	if text := e.label(); text != "" {
		arrow += `|"` + text + `"|`
	}
	return arrow, style
}

// apart puts a space without width into what Mermaid looks for in the finished label: formulas, and names of icons.
var apart = strings.NewReplacer("$", "$\u200b", ":fa-", ":\u200bfa-")

// codes writes what is no plain letter, digit or sign as its character code, which Mermaid shows as the character but
// never takes for syntax, Markdown or a link.
func codes(text string) string {
	var b strings.Builder
	runes := []rune(apart.Replace(text))
	for i, r := range runes {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == ' ', r == ',', r == '/':
			b.WriteRune(r)
		case (r == '.' || r == '-') && i > 0 && i+1 < len(runes) && runes[i+1] != ' ' && runes[i-1] != r:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
