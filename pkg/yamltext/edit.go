package yamltext

import (
	"fmt"
	"slices"
)

// edit replaces text[from:to] by put.
type edit struct {
	from, to int
	put      string
}

// edits are in the order in which the tree is walked; insertions at one place keep that order.
type edits []edit

func (e *edits) insert(at int, put string) {
	if put != "" {
		*e = append(*e, edit{at, at, put})
	}
}

func (e *edits) remove(from, to int) {
	if from < to {
		*e = append(*e, edit{from, to, ""})
	}
}

func (e *edits) replace(from, to int, put string) {
	e.insert(from, put)
	e.remove(from, to)
}

// apply returns t with all edits carried out.
func (e edits) apply(t text) ([]byte, error) {
	slices.SortStableFunc(e, func(a, b edit) int {
		if a.from != b.from || (a.put == "") == (b.put == "") {
			return a.from - b.from
		}
		if a.put != "" { // what is inserted where something is removed comes first
			return -1
		}
		return 1
	})
	grow := 0
	for _, d := range e {
		grow += len(d.put)
	}
	out := make([]byte, 0, len(t)+grow)
	p := 0
	for _, d := range e {
		if d.from < p {
			if d.to <= p && d.put == "" {
				continue // removed twice, as part of something larger
			}
			if d.put != "" {
				return nil, fmt.Errorf("two edits meet in one place")
			}
			p = d.to
			continue
		}
		out = append(out, t[p:d.from]...)
		out = append(out, d.put...)
		p = d.to
	}
	return append(out, t[p:]...), nil
}
