package verify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/stranger"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// doors are the Services of what has a gate, or another login than the application's own: where else they are named, there
// may be a way past it.
type doors struct {
	names    stranger.Services
	subjects map[string][]*subject // by namespace/name
}

func (v *verifier) doors() *doors {
	d := &doors{names: stranger.Services{}, subjects: map[string][]*subject{}}
	for _, s := range v.all {
		if s.Mode != config.ModeSidecar && s.Mode != config.ModeIngress {
			continue
		}
		seen := map[string]bool{}
		for _, w := range v.workloads(s) {
			for _, svc := range v.model.SelectedBy(w) {
				space := cmp.Or(svc.Object.Namespace, v.Namespace)
				if key := space + "/" + svc.Object.Name; !seen[key] {
					seen[key] = true
					d.subjects[key] = append(d.subjects[key], s)
				}
				if d.names[space] == nil {
					d.names[space] = map[string]bool{}
				}
				d.names[space][svc.Object.Name] = true
			}
		}
	}
	return d
}

// mayName says quickly that a text names none of the Services.
func (d *doors) mayName(text []byte) bool {
	for _, names := range d.names {
		for name := range names {
			if bytes.Contains(text, []byte(name)) {
				return true
			}
		}
	}
	return false
}

// aside returns what do reports, for a later place in the report.
func (v *verifier) aside(do func()) []Check {
	before := v.Checks
	v.Checks = nil
	do()
	told := v.Checks
	v.Checks = before
	return told
}

// strangers reports on what kauth cannot follow and that names a Service of a gate: objects of kinds that it does not know,
// of the cluster's API, and annotations.
func (v *verifier) strangers(ctx context.Context, reader *live.Reader) {
	d := v.doors()
	if len(d.names) == 0 {
		return
	}
	v.annotations(d)
	type found struct {
		ref manifest.Ref
		hit *stranger.Hit // nil where nobody can tell
	}
	var all []found // in any order
	gaps := reader.Strangers(ctx, func(u *unstructured.Unstructured, route bool) {
		ref := manifest.Ref{Group: u.GroupVersionKind().Group, Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()}
		raw, err := json.Marshal(u.Object)
		if err != nil || !d.mayName(raw) {
			return
		}
		n := &yaml.Node{}
		if err := n.Encode(u.Object); err != nil {
			all = append(all, found{ref, nil})
		} else if hit := d.names.Named(n, ref.Namespace, route); hit != nil {
			all = append(all, found{ref, hit})
		}
	})
	v.cluster.Gaps = append(v.cluster.Gaps, gaps...)
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(strings.Compare(a.ref.Short(), b.ref.Short()), strings.Compare(a.ref.Group, b.ref.Group))
	})
	for _, f := range all {
		if f.hit != nil {
			v.strange(d, f.ref, f.hit)
			continue
		}
		v.unread = true
		v.add(userstore.Warn, f.ref.Short(), "read", "look at it by hand", "cannot be understood, so whether it is a way in is not known")
	}
}

// strange reports on an object that names the Service of a gate.
func (v *verifier) strange(d *doors, ref manifest.Ref, hit *stranger.Hit) {
	hint := "see that it does not lead past the gate"
	for _, s := range d.subjects[hit.Namespace+"/"+hit.Name] {
		s.doubt = true
		if s.Mode == config.ModeSidecar {
			hint = "see that it leads to port " + portOf(s.Config.Listen) + " of the pods, where the gate is, not to " + strconv.Itoa(s.Port)
		}
	}
	v.add(userstore.Warn, ref.Short(), "way", hint, "%s: names the Service %q of a gated workload, and kauth does not know what a %s of %s does with it",
		hit.Field, hit.Name, ref.Kind, ref.Group)
}

// annotations reports on those of routes and Services that hold a Service of a gate as a host: a mirror's target, a mapping.
func (v *verifier) annotations(d *doors) {
	look := func(o *manifest.Object, annotations map[string]string) {
		space := cmp.Or(o.Namespace, v.Namespace)
		for _, key := range slices.Sorted(maps.Keys(annotations)) {
			name := stranger.Host(annotations[key], d.names[space])
			if name == "" || strings.HasPrefix(key, gateconf.AnnotationPrefix) {
				continue
			}
			for _, s := range d.subjects[space+"/"+name] {
				s.doubt = true
			}
			v.add(userstore.Warn, o.Short(), "way", "see that it does not lead past the gate",
				"%s: names the Service %q of a gated workload, and kauth does not know what becomes of it", manifest.P("metadata", "annotations", key), name)
		}
	}
	for _, r := range v.model.Routes {
		look(r.Object, r.Annotations)
	}
	for _, svc := range v.model.Services {
		look(svc.Object, svc.Annotations)
	}
}

// strangersOf reports on the objects of a stored release as strangers does on those of a cluster.
func (v *verifier) strangersOf(s *manifest.Stream) {
	d := v.doors()
	if len(d.names) == 0 {
		return
	}
	v.annotations(d)
	for _, o := range s.Objects() {
		if slices.Contains(topology.Kinds(), o.Group+"/"+o.Kind) {
			continue
		}
		route := stranger.IsRoute(o.Group, o.Kind)
		if !strings.Contains(o.Group, ".") || !route && (stranger.Known(o.Group, o.Kind) || stranger.Harmless(o.Group) != "") {
			continue
		}
		if hit := d.names.Named(o.Node, cmp.Or(o.Namespace, v.Namespace), route); hit != nil {
			v.strange(d, o.Ref, hit)
		}
	}
}
