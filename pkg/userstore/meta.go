package userstore

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/projection"
)

// Meta is what there is to know about the Secret beside its users.
type Meta struct {
	HasKey    bool     // the data key is there, even if empty
	Immutable bool     // Kubernetes refuses every change
	OtherKeys []string // data keys that are not the users', sorted
	// Projections are the kinds of projections that are kept of the users, sorted.
	Projections []string
	Owners      []string // what would overwrite an edit, such as `Helm (release prom)`; sorted
	key, ref    string
}

// Warnings returns a line for each thing that may go wrong later though the Secret can be used now.
func (m Meta) Warnings() []string {
	var w []string
	for _, owner := range m.Owners {
		w = append(w, fmt.Sprintf("%s: managed by %s, which may overwrite the users; change them there, or take the Secret out of it", m.ref, owner))
	}
	if len(m.OtherKeys) > 0 {
		quoted := make([]string, len(m.OtherKeys))
		for i, k := range m.OtherKeys {
			quoted[i] = fmt.Sprintf("%q", k)
		}
		w = append(w, fmt.Sprintf("%s: data: %s beside %q; Traefik takes a Secret with exactly one key", m.ref, strings.Join(quoted, ", "), m.key))
	}
	return w
}

func (s *Store) meta(secret *corev1.Secret) Meta {
	m := Meta{key: s.DataKey(), ref: s.Ref(), Immutable: secret.Immutable != nil && *secret.Immutable}
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		if key == m.key {
			m.HasKey = true
		} else {
			m.OtherKeys = append(m.OtherKeys, key)
		}
	}
	m.Owners = owners(secret, s.FieldManager)
	m.Projections = projection.Names(secret.Annotations[gateconf.AnnotationProjections])
	return m
}

// A mark is a label or annotation that a tool leaves on what it manages. Its value, where it tells anything, names
// the tool's own object.
type mark struct {
	tool, key, what string // what: "release" gives `Helm (release NAME)`; empty: the value tells nothing
	annotation      bool
}

var marks = []mark{
	{"Helm", "meta.helm.sh/release-name", "release", true},
	{"Argo CD", "argocd.argoproj.io/instance", "application", false},
	{"Argo CD", "argocd.argoproj.io/tracking-id", "tracking id", true},
	{"Flux", "kustomize.toolkit.fluxcd.io/name", "Kustomization", false},
	{"Flux", "helm.toolkit.fluxcd.io/name", "HelmRelease", false},
	{"External Secrets", "reconcile.external-secrets.io/managed", "", false},
	{"External Secrets", "reconcile.external-secrets.io/data-hash", "", true},
	{"Sealed Secrets", "sealedsecrets.bitnami.com/managed", "", true},
	{"kubectl apply", corev1.LastAppliedConfigAnnotation, "", true},
}

// The kinds of owners whose controllers write data, by the name that people know the tool by.
var ownerKinds = map[string]string{"ExternalSecret": "External Secrets", "SealedSecret": "Sealed Secrets"}

// The field managers of controllers, by the start of their name; the first that fits counts.
var managers = []struct{ start, tool string }{
	{"helm-controller", "Flux"},
	{"kustomize-controller", "Flux"},
	{"helm", "Helm"},
	{"argocd-", "Argo CD"},
	{"external-secrets", "External Secrets"},
	{"externalsecrets", "External Secrets"},
	{"sealed-secrets", "Sealed Secrets"},
	{"controller/sealed", "Sealed Secrets"},
}

// owners names what else manages the Secret, each once, most telling sign first: marks, owners, then field managers.
func owners(secret *corev1.Secret, self string) []string {
	found := map[string]string{}
	note := func(tool, detail string) {
		if old, seen := found[tool]; !seen || old == "" {
			found[tool] = detail
		}
	}
	for _, m := range marks {
		values := secret.Labels
		if m.annotation {
			values = secret.Annotations
		}
		if value, ok := values[m.key]; ok && m.what != "" {
			note(m.tool, fmt.Sprintf(" (%s %s)", m.what, value))
		} else if ok {
			note(m.tool, "")
		}
	}
	if secret.Labels[managedByLabel] == "Helm" {
		note("Helm", "")
	}
	for _, ref := range secret.OwnerReferences {
		if tool, known := ownerKinds[ref.Kind]; known {
			note(tool, fmt.Sprintf(" (%s %s)", ref.Kind, ref.Name))
		} else if ref.Controller != nil && *ref.Controller {
			note(fmt.Sprintf("%s %s", ref.Kind, ref.Name), "")
		}
	}
	for _, entry := range secret.ManagedFields {
		if tool := fieldOwner(entry, self); tool != "" {
			note(tool, "")
		}
	}
	list := make([]string, 0, len(found))
	for tool, detail := range found {
		list = append(list, tool+detail)
	}
	slices.Sort(list)
	return list
}

// fieldOwner returns who applies the Secret again and again: a known controller, or whoever used server-side apply on
// its data. Empty for ourselves and for managers that wrote once, such as kubectl-create. A manager that applied
// nothing but the users is not listed any more once kauth has changed them.
func fieldOwner(entry metav1.ManagedFieldsEntry, self string) string {
	if entry.Manager == self || entry.FieldsV1 == nil {
		return ""
	}
	for _, m := range managers {
		if strings.HasPrefix(strings.ToLower(entry.Manager), m.start) {
			return m.tool
		}
	}
	if entry.Operation == metav1.ManagedFieldsOperationApply && strings.Contains(entry.FieldsV1.GetRawString(), `"f:data"`) {
		return fmt.Sprintf("server-side apply of %q", entry.Manager)
	}
	return ""
}
