package secretstore

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
	{"Sealed Secrets", "sealedsecrets.bitnami.com/patch", "", true}, // its keys are written into the Secret, without an owner
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
}

// Owners names what else manages the Secret and so may overwrite an edit, such as "Helm (release prom)"; sorted. self is our own
// field manager. Each is named once, by its most telling sign: marks, owners, then field managers.
func Owners(secret *corev1.Secret, self string) []string {
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
	if secret.Labels[ManagedByLabel] == "Helm" {
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
