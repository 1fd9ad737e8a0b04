package ways

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/inject"
)

// tried is what happened to one stream.
type tried struct {
	Out      []byte // nil where kauth refused
	Gates    int
	Refused  []Finding
	Findings []Finding

	before, after *Stream // what went in and came out, as judge has read it; nil where it could not, or had no need
}

// try runs kauth as the binary does.
func try(in []byte, o inject.Options) (tried, error) {
	s, report, err := inject.Run(bytes.Clone(in), o)
	var t tried
	if report != nil {
		t.Gates = len(report.Gates)
		t.Findings = findings(report.Findings)
	}
	if err != nil {
		var refused *inject.RefusedError
		if !errors.As(err, &refused) {
			return t, err
		}
		t.Refused = findings(refused.Findings)
		return t, nil
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		return t, err
	}
	t.Out = out.Bytes()
	return t, nil
}

func findings(from []finding.Finding) []Finding {
	var all []Finding
	for _, f := range from {
		all = append(all, Finding{string(f.Severity), f.Ref.Kind, f.Ref.Namespace, f.Ref.Name, f.Field.String(), f.Message})
	}
	return all
}

// judge runs kauth, and returns everything that is wrong with what it did, whatever namespace the release may be in.
func judge(in []byte, o inject.Options) (tried, []string) {
	t, err := try(in, o)
	if err != nil {
		return t, []string{fmt.Sprintf("an error that is no refusal: %v", err)}
	}
	before, err := Read(in)
	if err != nil {
		return t, []string{err.Error()}
	}
	t.before = before
	if t.Out == nil {
		return t, refusals(before, o.Namespace, t.Refused, o.Rules...)
	}
	after, err := Read(t.Out)
	if err != nil {
		return t, []string{err.Error()}
	}
	t.after = after
	r := Run{In: before, Out: after, Findings: t.Findings, Unsure: o.Namespace == "", Policy: o.Settings.NetworkPolicy}
	for _, i := range o.KeepInternal {
		r.Inside = append(r.Inside, Inside{i.Service, i.Name})
	}
	all := namespaces(before, o.Namespace)
	wrong := r.Changes(all...)
	for _, ns := range all {
		if twice(before.In(ns)) {
			continue // so it cannot be there
		}
		for _, line := range r.Judge(ns) {
			wrong = append(wrong, fmt.Sprintf("in namespace %q: %s", ns, line))
		}
	}
	if t.Gates > 0 {
		wrong = append(wrong, r.Unseen(all...)...)
	}
	if again, err := try(t.Out, o); err != nil || !bytes.Equal(again.Out, t.Out) {
		wrong = append(wrong, fmt.Sprintf("twice is not once: %v %v", err, again.Refused))
	}
	s, err := inject.Eject(bytes.Clone(t.Out))
	if err != nil {
		return t, append(wrong, fmt.Sprintf("eject: %v", err))
	}
	var back bytes.Buffer
	if _, _ = s.WriteTo(&back); !bytes.Equal(back.Bytes(), in) {
		wrong = append(wrong, "eject does not give the input's bytes back")
	}
	return t, wrong
}

// namespaces returns where the release may be: where it is said, or in any that the stream names, or in another.
func namespaces(in *Stream, told string) []string {
	if told != "" {
		return []string{told}
	}
	seen := map[string]bool{"elsewhere": true}
	for _, o := range in.Objects {
		named(o.Map, seen)
		for _, b := range streams(o) {
			seen[b.ns] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// twice says whether two objects are one and the same in a cluster.
func twice(objects []*Object) bool {
	seen := map[string]bool{}
	for _, o := range objects {
		if seen[o.Group+o.String()] {
			return true
		}
		seen[o.Group+o.String()] = true
	}
	return false
}

// named collects the namespaces that are named anywhere in an object.
func named(v any, into map[string]bool) {
	switch v := v.(type) {
	case Map:
		if ns := text(v, "namespace"); ns != "" {
			into[ns] = true
		}
		if host := strings.Split(text(v, "host"), "."); len(host) > 2 && host[2] == "svc" {
			into[host[1]] = true
		}
		for _, x := range v {
			named(x, into)
		}
	case []any:
		for _, x := range v {
			named(x, into)
		}
	}
}
