// Package manifest owns a stream of Kubernetes manifests: its documents with their exact bytes, the objects in them
// with their references, and the writing of edits back into the text. What no edit touches keeps its bytes.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Stream is what was read, in order. Joining the Raw bytes of its documents gives the input back.
type Stream struct {
	Docs []*Document
}

// ErrEmpty is the error for a stream without a byte, or with nothing but blanks: Helm 3 would deploy an empty release.
var ErrEmpty = errors.New("the input is empty; pipe rendered manifests in, as in: helm template RELEASE CHART | kauth")

// Read splits in into documents and parses those that may matter: all but the kinds listed in kinds.go as having no
// part in who reaches what. The others are checked to be well-formed. The stream keeps in; the caller must not change it.
// All problems are reported, joined; an error means that nothing may be written.
func Read(in []byte) (*Stream, error) {
	if len(bytes.TrimSpace(in)) == 0 {
		return nil, ErrEmpty
	}
	if err := validText(in); err != nil {
		return nil, err
	}
	s := &Stream{}
	var errs []error
	line := 1
	for i, raw := range split(in) {
		d := &Document{Index: i, Line: line, raw: raw}
		if err := d.read(); err != nil {
			errs = append(errs, err)
		}
		s.Docs = append(s.Docs, d)
		line += bytes.Count(raw, newline)
	}
	if len(errs) == 0 {
		errs = append(errs, s.alone())
		errs = append(errs, s.Docs[len(s.Docs)-1].cutOff())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// ResourceList is the kind of what KRM functions read and write: a list of objects, which stands alone.
const ResourceList = "ResourceList"

// alone refuses a ResourceList with anything beside it.
func (s *Stream) alone() error {
	for _, d := range s.Docs {
		if String(d.Root(), "kind") != ResourceList {
			continue
		}
		for _, other := range s.Docs {
			if other != d && !commentsOnly(other.raw) {
				return d.errorf(d.Root().Line, "a KRM ResourceList, and other documents beside it; give one or the other")
			}
		}
	}
	return nil
}

// commentsOnly says whether a document has nothing but comments and markers.
func commentsOnly(raw []byte) bool {
	for line := range bytes.Lines(raw) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' && !isMarker(text, "---") && !isMarker(text, "...") {
			return false
		}
	}
	return true
}

var newline = []byte("\n")

// validText refuses what no YAML parser may read: bytes that are not UTF-8, and NUL (YAML 1.2 section 5.1).
func validText(in []byte) error {
	if !utf8.Valid(in) {
		at := 0
		for at < len(in) {
			r, size := utf8.DecodeRune(in[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return fmt.Errorf("line %d: byte 0x%02x is not UTF-8; manifests are UTF-8 text", 1+bytes.Count(in[:at], newline), in[at])
	}
	if before, _, found := bytes.Cut(in, []byte{0}); found {
		return fmt.Errorf("line %d: a NUL byte; manifests are UTF-8 text", 1+bytes.Count(before, newline))
	}
	return nil
}

// split cuts in before each line that starts a document and after each line that ends one. Both markers stand in the
// first column and count even inside a quoted or block scalar (YAML 1.2 section 9.1.2), so no parsing is needed.
func split(in []byte) [][]byte {
	var docs [][]byte
	start := 0
	for at := 0; at < len(in); {
		line, _, _ := bytes.Cut(in[at:], newline)
		end := min(at+len(line)+1, len(in))
		switch l := in[at:end]; {
		case at > start && isMarker(l, "---"):
			docs = append(docs, in[start:at:at])
			start = at
		case isMarker(l, "..."):
			docs = append(docs, in[start:end:end])
			start = end
		}
		at = nextCandidate(in, end)
	}
	if start < len(in) {
		docs = append(docs, in[start:])
	}
	return docs
}

// nextCandidate returns the first line start at or after at whose line may be a marker.
func nextCandidate(in []byte, at int) int {
	for at < len(in) && in[at] != '-' && in[at] != '.' {
		n := bytes.IndexByte(in[at:], '\n')
		if n < 0 {
			return len(in)
		}
		at += n + 1
	}
	return at
}

func isMarker(line []byte, marker string) bool {
	if len(line) < 3 || string(line[:3]) != marker {
		return false
	}
	return len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0
}

// Objects returns the objects of the parsed documents, in order. Items of a List are objects of their own.
func (s *Stream) Objects() []*Object {
	var all []*Object
	for _, d := range s.Docs {
		all = append(all, d.objects...)
	}
	return all
}

// WriteTo writes the documents. It copies nothing: documents that were not edited are written from the input.
func (s *Stream) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for _, d := range s.Docs {
		n, err := w.Write(d.raw)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// Commit writes the edits of every document back into its text, and reads that text anew. After an error the stream
// must not be used.
func (s *Stream) Commit() error {
	var errs []error
	for _, d := range s.Docs {
		if err := d.commit(); err != nil {
			errs = append(errs, err)
		}
	}
	s.number()
	return errors.Join(errs...)
}
