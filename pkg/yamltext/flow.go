package yamltext

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// brackets compares two collections of one kind, v being written in brackets.
func (m *merger) brackets(v, w *yaml.Node) {
	s := m.spans[v]
	if !s.braces {
		if !same(v, w) {
			m.refuse("a pair without braces cannot be edited in place", v)
		}
		return
	}
	outer := m.flow
	f := m.flowStyle(v, s)
	m.flow = &f
	m.flowEntries(v, w, s)
	m.flow = outer
}

// jsonLike reports whether strings inside n are in double quotes; known is false when there are none.
func jsonLike(n *yaml.Node) (yes, known bool) {
	for _, c := range n.Content {
		switch {
		case c.Kind == yaml.ScalarNode && c.ShortTag() == "!!str":
			return c.Style&yaml.DoubleQuotedStyle != 0, true
		case isCollection(c):
			if yes, known := jsonLike(c); known {
				return yes, known
			}
		}
	}
	return false, false
}

// flowStyle finds out how the entries of v are written.
func (m *merger) flowStyle(v *yaml.Node, s *span) flowStyle {
	t := m.text
	f := flowStyle{colon: ": ", comma: ", "}
	if m.flow != nil {
		f.json, f.colon = m.flow.json, m.flow.colon
		if f.colon == ":" {
			f.comma = ","
		}
	}
	if yes, known := jsonLike(v); known {
		f.json = yes
	}
	n := len(s.entries)
	if n == 0 {
		return f
	}
	if first := s.entries[0]; v.Kind == yaml.MappingNode && first.colon && f.json {
		f.colon = ":" + string(t[first.sep:t.skipBlanks(first.sep)])
		if f.colon == ":" {
			f.comma = ","
		}
	}
	lead := string(t[s.body+1 : s.entries[0].start])
	switch {
	case n > 1:
		if gap := string(t[s.entries[n-2].end:s.entries[n-1].start]); strings.Trim(gap, " \t\r\n") == "," {
			f.comma = gap
		}
	case strings.Contains(lead, "\n") && strings.TrimSpace(lead) == "":
		f.comma = "," + lead
	}
	if i := strings.LastIndexByte(f.comma, '\n'); i >= 0 {
		f.indent = len(f.comma) - i - 1
		line := t.bol(s.body)
		if f.step = f.indent - (t.skipBlanks(line) - line); f.step <= 0 {
			f.step = 2
		}
	}
	return f
}

// flowText writes new entries, separated as the old ones are.
func (m *merger) flowText(w *yaml.Node, from, to int) string {
	stride, b := stride(w), m.writer()
	for i := from; i < to; i++ {
		if i > from {
			b.WriteString(m.flow.comma)
		}
		b.flowEntry(w.Content[i*stride:(i+1)*stride], m.inner())
	}
	return m.done(b)
}

// inner is the style of what stands inside an entry of the present brackets.
func (m *merger) inner() flowStyle {
	f := *m.flow
	if f.indent == 0 || !f.json {
		f.indent = 0
		if strings.Contains(f.comma, "\n") {
			f.comma = ", "
		}
		return f
	}
	f.indent += f.step
	return f
}

func (m *merger) flowEntries(v, w *yaml.Node, s *span) {
	idx := match(v, w)
	kept, lead := retainedEntries(idx, len(s.entries))
	if lead == len(idx) {
		m.replaceFlow(s, m.flowText(w, 0, len(idx)))
		return
	}
	first := idx[lead]
	m.edits.remove(s.entries[0].start, s.entries[first].start)
	if lead > 0 {
		m.edits.insert(s.entries[first].start, m.flowText(w, 0, lead)+m.flow.comma)
	}
	for j := lead; j < len(idx); {
		i, k := idx[j], j+1
		m.flowEntry(v, w, i, j, s.entries[i])
		for k < len(idx) && idx[k] < 0 {
			k++
		}
		if k > j+1 {
			m.edits.insert(s.entries[i].end, m.flow.comma+m.flowText(w, j+1, k))
		}
		j = k
	}
	for i := first + 1; i < len(kept); i++ {
		if !kept[i] {
			m.dropFlow(s.entries[i-1].end, s.entries[i])
		}
	}
}

// replaceFlow puts text in the place of all entries between the brackets.
func (m *merger) replaceFlow(s *span, put string) {
	if len(s.entries) == 0 {
		m.edits.insert(s.body+1, put)
		return
	}
	from, to := s.entries[0].start, s.entries[len(s.entries)-1].end
	if put == "" {
		if m.text.onlySpace(s.body+1, from) {
			from = s.body + 1
		}
		if q := m.text.skip(to); m.text.at(q, ',') {
			to = q + 1
		}
	}
	m.edits.replace(from, to, put)
}

// dropFlow removes an entry and the comma before it; comments between the two stay.
func (m *merger) dropFlow(prevEnd int, e entry) {
	t := m.text
	comma := t.skip(prevEnd)
	if t.onlySpace(prevEnd, comma) && t.onlySpace(comma+1, e.start) {
		m.edits.remove(prevEnd, e.end)
		return
	}
	m.edits.remove(comma, comma+1)
	m.edits.remove(e.start, e.end)
}

// flowEntry compares entry i of v with entry j of w.
func (m *merger) flowEntry(v, w *yaml.Node, i, j int, e entry) {
	vc, wc := v.Content, w.Content
	if v.Kind == yaml.MappingNode {
		k, kw := vc[2*i], wc[2*j]
		if !same(k, kw) {
			if k.Kind != yaml.ScalarNode || emptyScalar(k) {
				m.refuse("this key cannot be changed in place", k)
				return
			}
			b := m.writer()
			b.key(kw, true, m.flow.json)
			m.edits.replace(m.spans[k].start, m.spans[k].end, m.done(b))
		}
		i, j = 2*i+1, 2*j+1
	}
	vv, ww := vc[i], wc[j]
	if m.retained(vv, ww, true) {
		return
	}
	s := m.spans[vv]
	b := m.writer()
	b.properties(ww)
	b.flow(ww, m.inner(), true)
	put := m.done(b)
	switch {
	case s.end > s.start:
		m.edits.replace(s.start, s.end, put)
	case e.colon:
		m.edits.insert(e.sep, " "+put)
	default:
		m.edits.insert(e.sep, ": "+put)
	}
}
