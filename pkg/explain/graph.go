package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// graph is a drawing as boxes and arrows. What today and the time after have in common stands in it once; a box or an
// arrow that only one of them has says so.
type graph struct {
	outside []*node // clients, and what takes their requests in
	spaces  []*frame
	edges   []*edge
	loose   []finding.Finding // that are about none of the boxes

	byKey map[string]*node
	links map[[2]*node]*edge
}

// frame is a box around others: a namespace, a workload with its ways in, or its pods.
type frame struct {
	title string
	pod   bool
	nodes []*node
	inner []*frame
}

type node struct {
	id           int
	kind         Kind
	lines        []string // the first is its name
	notes        []note
	today, after bool
	open         bool   // an application that some way leads to without a gate
	asks         string // who asks for a password here, where that is no gate
}

type note struct {
	severity finding.Severity
	text     string
}

type edge struct {
	from, to     *node
	today, after bool
}

// graph turns a drawing into boxes and arrows.
func (d *Drawing) graph() *graph {
	g := &graph{byKey: map[string]*node{}, links: map[[2]*node]*edge{}, loose: d.Findings}
	spaces := map[string]*frame{}
	for i, group := range d.Groups {
		space, title := group.Object.Namespace, "namespace "+group.Object.Namespace
		switch {
		case group.Object == (manifest.Ref{}):
			space, title = "/", "no workload of this stream"
		case space == "":
			title = "the release's namespace"
		}
		around := spaces[space]
		if around == nil {
			around = &frame{title: plain(title)}
			spaces[space], g.spaces = around, append(g.spaces, around)
		}
		g.group(group, fmt.Sprint(i), around)
	}
	return g
}

// group draws a workload, its pods with gate and application in a box, and the ways in.
func (g *graph) group(group *Group, key string, around *frame) {
	box, pod := around, &frame{title: "pod", pod: true}
	if group.Object != (manifest.Ref{}) {
		ref := group.Object
		ref.Namespace = ""
		box = &frame{title: plain(ref.Short())}
		around.inner = append(around.inner, box)
	}
	for i, b := range bundles(group.Lanes) {
		g.bundle(b, key, fmt.Sprint(key, "/", i), box, pod)
	}
	if group.Object == (manifest.Ref{}) {
		return
	}
	if len(pod.nodes) == 0 { // no way leads there from outside
		app := g.node(pod, key+" application", Application, "application")
		app.today, app.after = true, true
		if group.Login != nil && group.Login.Mode == config.ModeNative {
			app.asks = "the application"
		}
	}
	if group.Gate != nil && g.byKey[key+" gate"] == nil { // nor to its gate, or none that may
		app := pod.nodes[len(pod.nodes)-1]
		gate := g.node(pod, key+" gate", GateStop, fmt.Sprintf("gate :%d", group.Gate.Port))
		gate.after = true
		g.link(gate, app).after = true
	}
	box.inner = append(box.inner, pod)
	last := pod.nodes[len(pod.nodes)-1]
	for _, f := range group.Findings {
		last.notes = append(last.notes, noteOf(f, group.Object))
	}
}

// stop returns the box of a stop. Ways to one workload share those of its Services, its gate and its application; all
// share the client and what takes its requests in.
func (g *graph) stop(s Stop, today bool, b []*Lane, group, own string, box, pod *frame) *node {
	port := s.After
	if today {
		port = s.Today
	}
	switch s.Kind {
	case Client:
		return g.node(nil, "client", s.Kind, "client")
	case Balancer:
		title := strings.TrimSpace(s.Name + " " + port)
		if s.whose != "" && len(b) > 1 {
			title += fmt.Sprintf(", %d of them", len(b))
		}
		return g.node(nil, strings.Join([]string{"balancer", s.Name, s.whose, port}, "\x00"), s.Kind, title)
	case GateStop:
		return g.node(pod, group+" gate", s.Kind, "gate "+port)
	case Application:
		return g.node(pod, group+" application "+s.Name+port, s.Kind, strings.TrimSpace("application "+port), s.Name)
	case Service:
		kind, name, _ := strings.Cut(s.Name, " ")
		return g.node(box, group+" Service "+s.Name+port, s.Kind, strings.TrimSpace(kind+" "+port), name)
	case Unknown:
		return g.node(box, own+" unknown", s.Kind, s.Name)
	default:
		return g.node(box, own+" route", s.Kind, openers(b)...)
	}
}

// node returns the box of a key, made at first use; in nil it stands outside of all frames.
func (g *graph) node(in *frame, key string, kind Kind, lines ...string) *node {
	if n := g.byKey[key]; n != nil {
		return n
	}
	n := &node{id: len(g.byKey) + 1, kind: kind}
	for _, text := range lines {
		if text != "" {
			n.lines = append(n.lines, plain(text))
		}
	}
	g.byKey[key] = n
	if in == nil {
		g.outside = append(g.outside, n)
	} else {
		in.nodes = append(in.nodes, n)
	}
	return n
}

// link returns the arrow between two boxes, made at first use.
func (g *graph) link(from, to *node) *edge {
	key := [2]*node{from, to}
	if g.links[key] == nil {
		g.links[key] = &edge{from: from, to: to}
		g.edges = append(g.edges, g.links[key])
	}
	return g.links[key]
}

// label is what an arrow says where the ways of today and those of later part.
func (e *edge) label() string {
	switch {
	case e.today == e.after || !e.from.today || !e.from.after:
		return ""
	case e.today:
		return "today"
	default:
		return "with kauth"
	}
}

// details are what a box says below its name.
func (n *node) details() []string {
	list := n.lines[1:]
	if n.asks != "" {
		list = append(slices.Clone(list), asksText(n.kind, n.asks))
	}
	if n.open {
		list = append(slices.Clone(list), "no gate")
	}
	return list
}

// asksText says who asks for a password at a stop.
func asksText(kind Kind, who string) string {
	if kind == Application {
		return "asks for a password"
	}
	return who + " asks for a password"
}
