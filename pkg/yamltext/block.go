package yamltext

import "sigs.k8s.io/kustomize/kyaml/yaml"

// block compares two block collections of one kind, w having entries.
func (m *merger) block(v, w *yaml.Node) {
	s := m.spans[v]
	idx := match(v, w)
	kept, lead := retainedEntries(idx, len(s.entries))
	if lead == len(idx) {
		m.replaceEntries(s, m.blockText(w, s.col))
		return
	}
	first := idx[lead]
	m.dropLeading(s, first)
	if lead > 0 {
		m.insertBefore(s, first, m.entriesText(w, 0, lead, s.col))
	}
	for j := lead; j < len(idx); {
		i := idx[j]
		m.entry(v, w, i, j, s)
		k := j + 1
		for k < len(idx) && idx[k] < 0 {
			k++
		}
		if k > j+1 {
			m.edits.insert(m.text.next(s.entries[i].end), spaces(s.col)+m.entriesText(w, j+1, k, s.col)+m.style.eol)
		}
		j = k
	}
	for i := first + 1; i < len(kept); i++ {
		if !kept[i] {
			m.dropLines(s.entries[i])
		}
	}
}

// entriesText writes the entries from from to to of a block collection; the first line has no indentation.
func (m *merger) entriesText(n *yaml.Node, from, to, col int) string {
	part := *n
	part.Content = n.Content[from*stride(n) : to*stride(n)]
	return m.blockText(&part, col)
}

// dropLines removes an entry that has its lines for itself.
func (m *merger) dropLines(e entry) {
	m.edits.remove(m.text.bol(e.start), m.text.next(e.end))
}

// dropLeading removes the entries before first. The very first one may stand behind a dash on the same line.
func (m *merger) dropLeading(s *span, first int) {
	t := m.text
	if first == 0 {
		return
	}
	if t.firstOnLine(s.entries[0].start) {
		for _, e := range s.entries[:first] {
			m.dropLines(e)
		}
		return
	}
	bare := true
	for i := range first {
		bare = bare && t.onlySpace(t.next(s.entries[i].end), s.entries[i+1].start)
	}
	if bare {
		m.edits.remove(s.entries[0].start, s.entries[first].start)
		return
	}
	from := s.entries[0].start
	for t.blank(from - 1) {
		from--
	}
	m.edits.remove(from, t.eol(s.entries[0].end))
	for _, e := range s.entries[1:first] {
		m.dropLines(e)
	}
}

// insertBefore puts new entries before the first one that stays, and above the comments that belong to it.
func (m *merger) insertBefore(s *span, first int, put string) {
	t, at := m.text, s.entries[first].start
	put += m.style.eol + spaces(s.col)
	if !t.firstOnLine(at) || s.parent < 0 {
		m.edits.insert(at, put)
		return
	}
	for p := t.bol(at); p > 0; {
		p = t.bol(p - t.brkBefore(p))
		c := t.skipBlanks(p)
		if !t.at(c, '#') || t.column(c) != s.col {
			break
		}
		at = c
	}
	m.edits.insert(at, put)
}

// brkBefore returns the length of the line break that ends at p.
func (t text) brkBefore(p int) int {
	if p > 1 && t[p-2] == '\r' && t[p-1] == '\n' {
		return 2
	}
	return 1
}

// replaceEntries puts text in the place of all entries; it begins where the first one began.
func (m *merger) replaceEntries(s *span, put string) {
	first := s.entries[0]
	m.edits.replace(first.start, m.text.eol(first.end), put)
	for _, e := range s.entries[1:] {
		m.dropLines(e)
	}
}

// entry compares entry i of v with entry j of w.
func (m *merger) entry(v, w *yaml.Node, i, j int, s *span) {
	e := s.entries[i]
	if v.Kind == yaml.SequenceNode {
		m.value(e, v.Content[i], w.Content[j], s.col, false)
		return
	}
	k, kw := v.Content[2*i], w.Content[2*j]
	if !same(k, kw) {
		if k.Kind != yaml.ScalarNode || emptyScalar(k) || kw.Kind != yaml.ScalarNode {
			m.refuse("this key cannot be changed in place", k)
			return
		}
		b := m.writer()
		b.key(kw, false, false)
		m.edits.replace(m.spans[k].start, m.spans[k].end, m.done(b))
	}
	m.value(e, v.Content[2*i+1], w.Content[2*j+1], s.col, true)
}
