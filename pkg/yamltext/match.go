package yamltext

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// place identifies a node of the parse among its siblings.
type place struct{ line, column int }

// match pairs the entries of after with those of before: the result holds, for each entry of w, the index of its
// entry in v, or -1 for a new one. Indexes only grow; an entry that moved up counts as new, its old place as gone.
func match(v, w *yaml.Node) []int {
	stride := stride(v)
	n := len(v.Content) / stride
	out := make([]int, len(w.Content)/stride)
	if aligned(v, w, stride, out) {
		return out
	}
	byPlace := make(map[place]int, n)
	byName := make(map[string]int, n)
	for i := n - 1; i >= 0; i-- {
		c := v.Content[i*stride]
		byPlace[place{c.Line, c.Column}] = i
		if c.Kind == yaml.ScalarNode {
			byName[c.ShortTag()+" "+c.Value] = i
		}
	}
	used := make([]bool, n)
	for j := range out {
		c := w.Content[j*stride]
		i, ok := byPlace[place{c.Line, c.Column}]
		out[j] = -1
		if ok && c.Line != 0 && !used[i] && (stride == 1 || v.Content[i*stride].Kind == c.Kind) {
			out[j], used[i] = i, true
		}
	}
	for j := range out {
		c := w.Content[j*stride]
		if out[j] >= 0 || c.Kind != yaml.ScalarNode {
			continue
		}
		if i, ok := byName[c.ShortTag()+" "+c.Value]; ok && !used[i] {
			out[j], used[i] = i, true
		}
	}
	rising(out)
	if stride == 1 {
		replaced(out, n)
	}
	return out
}

// stride is how many nodes make one entry of a collection.
func stride(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		return 2
	}
	return 1
}

// retainedEntries turns what match found round: which of the n old entries stay, and the first new index that is one
// of them, len(idx) when none is.
func retainedEntries(idx []int, n int) (kept []bool, lead int) {
	kept, lead = make([]bool, n), len(idx)
	for j, i := range slices.Backward(idx) {
		if i >= 0 {
			kept[i], lead = true, j
		}
	}
	return kept, lead
}

// replaced pairs the new items of a sequence with the old ones whose place they take, where that is unambiguous.
func replaced(idx []int, n int) {
	for j, old := 0, 0; j <= len(idx); {
		k := j
		for k < len(idx) && idx[k] < 0 {
			k++
		}
		next := n
		if k < len(idx) {
			next = idx[k]
		}
		if next-old == k-j {
			for i := range k - j {
				idx[j+i] = old + i
			}
		}
		j, old = k+1, next+1
	}
}

// aligned handles the usual case: nothing was removed or inserted before the end.
func aligned(v, w *yaml.Node, stride int, out []int) bool {
	if len(w.Content) < len(v.Content) {
		return false
	}
	for j := range out {
		out[j] = -1
		c := w.Content[j*stride]
		if j*stride >= len(v.Content) {
			if c.Line != 0 {
				return false
			}
			continue
		}
		if o := v.Content[j*stride]; c.Line == 0 || c.Line != o.Line || c.Column != o.Column || c.Kind != o.Kind {
			return false
		}
		out[j] = j
	}
	return true
}

// rising keeps a longest rising run of indexes and calls the others new.
func rising(idx []int) {
	var tails []int // positions in idx; tails[k] ends the best run of length k+1
	prev := make([]int, len(idx))
	for j, i := range idx {
		if i < 0 {
			continue
		}
		lo, hi := 0, len(tails)
		for lo < hi {
			if mid := (lo + hi) / 2; idx[tails[mid]] < i {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		prev[j] = -1
		if lo > 0 {
			prev[j] = tails[lo-1]
		}
		if lo == len(tails) {
			tails = append(tails, j)
		} else {
			tails[lo] = j
		}
	}
	keep := make([]bool, len(idx))
	if len(tails) > 0 {
		for j := tails[len(tails)-1]; j >= 0; j = prev[j] {
			keep[j] = true
		}
	}
	for j := range idx {
		if !keep[j] {
			idx[j] = -1
		}
	}
}
