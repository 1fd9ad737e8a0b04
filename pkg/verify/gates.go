package verify

import (
	"fmt"
	"path"
	"strings"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// ungated reports on a workload that should have a gate and has none.
func (v *verifier) ungated(s *subject) {
	message := "has no gate"
	if s.wanted != "" {
		message += ", which kauth would put there " + s.wanted
	}
	hint := "helm upgrade with --post-renderer kauth, or "
	switch s.wanted {
	case "":
		hint = "name it with --gate " + s.Ref.Kind + "/" + s.Ref.Name
	case choice.ByDefault:
		hint += "set the annotation kauth.dev/gate: disabled on it"
	default: // kauth takes no "disabled" beside it
		hint += "take that annotation away"
	}
	v.add(userstore.Fail, s.object(), "gate", hint, "%s", message)
	v.ways(s)
}

// gate reports on what the object says of its gate.
func (v *verifier) gate(s *subject) {
	switch s.Mode {
	case config.ModeIngress:
		v.add(userstore.Pass, s.object(), "gate", "this cannot be tried from here: curl -i of a route must answer 401", "%s: the ingress controller asks for the password", s.Done)
		return
	case config.ModeNative:
		v.add(userstore.Pass, s.object(), "gate", "", "%s: the application itself asks for the password", s.Done)
		return
	}
	message := gateconf.GateDone(portOf(s.Config.Listen), s.Config.Upstream)
	if s.Done == "" && s.workload != nil {
		v.add(userstore.Warn, s.object(), "gate", "fine where you made it by hand", "%s; no annotation says that kauth made it", message)
		return
	}
	version := ""
	if s.workload != nil {
		version = manifest.Map(s.workload.Object.Node, "metadata", "annotations")[gateconf.AnnotationVersion]
	}
	image := sidecarOf(s.workload).Image
	if version != "" {
		message += ", by kauth " + version
	}
	if image == "" || sameImage(image, gateconf.Image+":"+version) {
		v.add(userstore.Pass, s.object(), "gate", "", "%s", message)
		return
	}
	v.add(userstore.Warn, s.object(), "gate", "fine where --image asked for it", "%s; its image is %s, not %s:%s", message, image, gateconf.Image, version)
}

func portOf(listen string) string { return listen[strings.LastIndexByte(listen, ':')+1:] }

// sameImage says whether two images are the same but for the registry, which a mirror replaces, and a digest that one of them
// has beside its tag: webhooks that check signatures put it there.
func sameImage(a, b string) bool {
	nameA, tagA, digestA := imageParts(a)
	nameB, tagB, digestB := imageParts(b)
	if digestA != "" && digestB != "" {
		return nameA == nameB && digestA == digestB
	}
	return nameA == nameB && tagA == tagB && (digestA == digestB || tagA != "")
}

// pinned says whether an image is another with a digest in place of the tag, as such webhooks also do. Whether that is the one
// that the tag means, only the registry could say.
func pinned(tagged, image string) bool {
	name, tag, digest := imageParts(tagged)
	other, none, pin := imageParts(image)
	return name == other && tag != "" && digest == "" && none == "" && pin != ""
}

// imageParts splits the last part of an image's path: "kauth-proxy", "v1.2.3", "sha256:0123".
func imageParts(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(path.Base(image), "@")
	name, tag, _ = strings.Cut(name, ":")
	return name, tag, digest
}

// sidecarOf is the gate's container in a workload's pods, an empty one where there is none.
func sidecarOf(w *topology.Workload) *topology.Container {
	if w != nil {
		for _, c := range w.Containers {
			if c.Name == gateconf.ContainerName && !c.Init {
				return c
			}
		}
	}
	return &topology.Container{}
}

// ways reports on every way that leads to the workload from outside the cluster.
func (v *verifier) ways(s *subject) {
	var fine []string
	unsaid, said := false, map[string]bool{}
	tell := func(way *topology.Way) {
		text, severity := proof.Past(v.model, way, s.Checked)
		where := way.Ref().Short()
		if way.Service == nil && way.Route == nil { // the pod's own port
			where = s.object()
		}
		key := where + ": " + way.Field().String()
		switch {
		case way.Nowhere != "":
		case s.Unsaid(way):
			unsaid = true
		case text == "":
			fine = append(fine, where)
			if other := v.besideGate(way); other != "" && s.Mode == config.ModeSidecar && !said[key+other] {
				said[key+other] = true
				v.add(userstore.Warn, where, "way", "gate both, or give its pods other labels", "%s: leads to %s too, which has no gate", way.Field(), other)
			}
		case said[key+text]:
		default:
			said[key+text] = true
			status, hint := userstore.Fail, "take it away, or let it lead to the gate's port"
			if s.Mode == "" {
				hint = "" // the gate is what it lacks
			}
			if severity == finding.Warning {
				status, hint = userstore.Warn, ""
			}
			v.add(status, where, "way", hint, "%s: %s", way.Field(), text)
		}
	}
	for _, w := range v.workloads(s) {
		for _, way := range v.model.WaysTo(w) {
			tell(way)
		}
		if s.Mode == config.ModeSidecar {
			if way := proof.OnNode(w); way != nil {
				tell(way)
			}
		}
	}
	if len(said) > 0 || unsaid || s.Mode == "" {
		return
	}
	lead := "lead to the gate"
	if s.Mode != config.ModeSidecar {
		lead = "ask for a password"
	}
	message := "nothing leads to it from outside the cluster"
	if fine = unique(fine); len(fine) > 0 {
		message = "all from outside " + lead + ": " + few(fine, 5)
	}
	status, caveat := v.sight(s)
	v.add(status, s.object(), "ways", "", "%s%s", caveat, message)
}

// sight is how far a statement about all ways to a workload holds.
func (v *verifier) sight(s *subject) (status userstore.Status, caveat string) {
	switch {
	case s.doubt || v.unread:
		return userstore.Warn, "as far as could be read, "
	case v.cluster != nil && len(v.cluster.Gaps) > 0:
		return userstore.Warn, "as far as may be seen, "
	}
	return userstore.Pass, ""
}

// besideGate is a pod without a gate that a way leads to beside those that have one, "" where there is none.
func (v *verifier) besideGate(way *topology.Way) string {
	if way.Service == nil || way.ServicePort == nil || way.Problem != "" {
		return ""
	}
	for _, hit := range v.model.Selected(way.Service) {
		w := hit.Workload
		if n, _ := way.ServicePort.TargetOf(w); !hit.Maybe && w.Object.Kind == "Pod" && w.Takes(n) && proof.Stands(w).Mode == "" {
			return fmt.Sprintf("port %d of %s", n, w.Object.Ref.Short())
		}
	}
	return ""
}

// unresolved reports on ways in a namespace of a gate whose end cannot be known.
func (v *verifier) unresolved() {
	spaces := map[string]bool{}
	for _, s := range v.all {
		spaces[s.Ref.Namespace] = spaces[s.Ref.Namespace] || s.Mode != ""
	}
	said := map[string]bool{}
	for _, way := range v.model.Ways {
		if way.Workload != nil || way.Problem == "" || !spaces[way.Namespace] {
			continue
		}
		message, hint := way.Problem, "see that it does not lead past the gate"
		if way.Service == nil && way.Backend != nil && way.Backend.Problem == "" && way.Backend.Service != "" && !way.Backend.Port.Odd {
			hint = "take it away where nothing needs it"
			message = fmt.Sprintf("no Service %q there, so it leads nowhere until somebody makes one", way.Backend.Service)
		}
		key := way.Ref().Short() + way.Field().String()
		if !said[key] {
			said[key] = true
			v.add(userstore.Warn, way.Ref().Short(), "way", hint, "%s: %s", way.Field(), strings.ReplaceAll(message, "in this stream", "that may be seen"))
		}
	}
}
