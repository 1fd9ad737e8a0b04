package topology

import (
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// PodSelector returns a new label selector of the API for the pods of the workload: the one by which its controller knows
// them, which the API lets no upgrade change; else the labels that all of them have. It is nil where they have none, or
// where the controller's own does not fit them.
func (w *Workload) PodSelector() *yaml.Node {
	if w.Operator {
		return labelSelector(w.operatorSelector(), nil)
	}
	own := manifest.Field(w.Object.Node, "spec", "selector")
	labels, expressions := manifest.Map(own, "matchLabels"), manifest.Items(own, "matchExpressions")
	generated := manifest.String(w.Object.Node, "metadata", "name") == ""
	switch {
	case w.Object.Kind == "Pod":
		labels, expressions = w.Labels, nil
	case w.Object.Kind == "Job" && !generated:
		labels, expressions = map[string]string{"job-name": w.Object.Name}, nil
	case w.Object.Kind == "ReplicationController" && w.Object.Group == "":
		labels = manifest.Map(own)
	}
	if len(labels) == 0 && len(expressions) == 0 {
		labels = maps.Clone(w.Labels)
		if generated { // so the name that the controller puts there is not known
			delete(labels, "job-name")
			delete(labels, jobNameLabel)
		}
	}
	selector := labelSelector(labels, expressions)
	if selector == nil || !Matches(selector, w.Labels) {
		return nil
	}
	return selector
}

// operatorSelector are the labels that all pods of a resource have and no others: who made them, from which kind, by
// which name. Source: see operatorKinds.
func (w *Workload) operatorSelector() map[string]string {
	labels := map[string]string{}
	for _, key := range []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"} {
		labels[key] = w.Labels[key]
	}
	return labels
}

func labelSelector(labels map[string]string, expressions []*yaml.Node) *yaml.Node {
	if len(labels) == 0 && len(expressions) == 0 {
		return nil
	}
	var matchLabels, matchExpressions *yaml.Node
	if len(labels) > 0 {
		var pairs []any
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			pairs = append(pairs, key, manifest.Text(labels[key]))
		}
		matchLabels = manifest.Mapping(pairs...)
	}
	if len(expressions) > 0 {
		matchExpressions = manifest.Sequence()
		for _, e := range expressions {
			matchExpressions.Content = append(matchExpressions.Content, manifest.Copy(e))
		}
	}
	return manifest.Mapping("matchLabels", matchLabels, "matchExpressions", matchExpressions)
}
