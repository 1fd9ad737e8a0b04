package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// What is drawn apart before it is drawn as one, and what one box lists.
const (
	mostApart  = 3 // routes of one kind between the same stops
	mostListed = 6 // hosts and paths, or routes
)

// bundles puts the lanes together that only differ in the route that opens them, where there are many, so that a
// drawing with dozens of routes can still be read.
func bundles(lanes []*Lane) [][]*Lane {
	alike := map[string][]*Lane{}
	for _, lane := range lanes {
		alike[lane.likeness()] = append(alike[lane.likeness()], lane)
	}
	var list [][]*Lane
	for _, lane := range lanes {
		switch same := alike[lane.likeness()]; {
		case len(same) <= mostApart:
			list = append(list, []*Lane{lane})
		case same[0] == lane:
			list = append(list, same)
		}
	}
	return list
}

// likeness is what lanes of a bundle have in common: all but the name of a route, and which ALB is its own.
func (lane *Lane) likeness() string {
	routed := slices.ContainsFunc(lane.Stops, func(s Stop) bool { return s.Kind == Route })
	text := lane.Opener.Kind
	if !routed {
		text = lane.Opener.Short()
	}
	for _, s := range lane.Stops {
		name := s.Name
		if s.Kind == Route {
			name = ""
		}
		text += fmt.Sprintf("%s %q %q %q %t %t %q;", s.Kind, name, s.Today, s.After, s.New, s.Gone, s.Asks)
	}
	return text
}

// bundle draws alike ways twice over the same boxes where they are the same: as they are today, and as they will be.
func (g *graph) bundle(b []*Lane, group, own string, box, pod *frame) {
	var opener *node
	for _, today := range []bool{true, false} {
		var last *node
		for _, s := range b[0].Stops {
			if today && s.New || !today && s.Gone {
				continue
			}
			n := g.stop(s, today, b, group, own, box, pod)
			n.today, n.after = n.today || today, n.after || !today
			n.open = n.open || s.Kind == Application && !b[0].guarded()
			n.asks = cmp.Or(n.asks, s.Asks)
			if opener == nil || opener.kind == Client || opener.kind == Balancer && (s.Kind == Route || s.Kind == Service) {
				opener = n
			}
			if last != nil {
				e := g.link(last, n)
				e.today, e.after = e.today || today, e.after || !today
			}
			last = n
		}
	}
	opener.notes = append(opener.notes, notesOf(b)...)
}

// openers is what the box of a route says, or of several.
func openers(b []*Lane) []string {
	name := func(lane *Lane) string {
		i := slices.IndexFunc(lane.Stops, func(s Stop) bool { return s.Kind == Route })
		_, name, _ := strings.Cut(lane.Stops[i].Name, " ")
		return name
	}
	kind := b[0].Opener.Kind
	if len(b) == 1 {
		return append([]string{kind, name(b[0])}, few(b[0].Addresses)...)
	}
	var list []string
	for _, lane := range b {
		text := name(lane)
		if len(lane.Addresses) > 0 {
			text += "  " + lane.Addresses[0]
		}
		if more := len(lane.Addresses) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		list = append(list, text)
	}
	return append([]string{fmt.Sprintf("%s, %d of them", kind, len(b))}, few(list)...)
}

// few is a list that is not too long for a box.
func few(list []string) []string {
	if len(list) <= mostListed {
		return list
	}
	return append(slices.Clone(list[:mostListed-1]), fmt.Sprintf("and %d more", len(list)-mostListed+1))
}

// notesOf are the findings of a bundle. What several of its routes have in common is said once.
func notesOf(b []*Lane) []note {
	var notes []note
	if len(b) == 1 {
		for _, f := range b[0].Findings {
			notes = append(notes, noteOf(f, b[0].Opener))
		}
		return notes
	}
	times, order := map[note]int{}, []finding.Finding{}
	for _, lane := range b {
		for _, f := range lane.Findings {
			if times[noteOf(f, f.Ref)]++; times[noteOf(f, f.Ref)] == 1 {
				order = append(order, f)
			}
		}
	}
	for _, f := range order {
		n := noteOf(f, manifest.Ref{})
		if count := times[noteOf(f, f.Ref)]; count > 1 {
			n = noteOf(f, f.Ref)
			n.text += fmt.Sprintf(" (%d of them)", count)
		}
		notes = append(notes, n)
	}
	return notes
}

func noteOf(f finding.Finding, heading manifest.Ref) note {
	return note{f.Severity, plain(string(f.Severity) + ": " + said(f, heading))}
}
