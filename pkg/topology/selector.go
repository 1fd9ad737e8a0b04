package topology

import (
	"maps"
	"slices"
	"strings"
)

// Hit is a workload that a Service selects.
type Hit struct {
	Workload *Workload
	Maybe    bool     // not yet: the selector asks for labels that the manifests do not give, such as a leader's
	Missing  []string // with Maybe: these, sorted
	shared   int      // with Maybe: how many of its labels the pods have
}

// Selected returns the workloads whose pods a Service selects. Pods of Helm hooks and tests do not count: they are
// not there while the release serves. Where no workload matches in full, those that contradict none of the selector and
// share most of it may match at run time, and count; see choose.
func (m *Model) Selected(svc *Service) []Hit { return m.selected[svc] }

// maySelect returns the workloads that a Service may select at run time, beside those that it selects by the manifests.
func (m *Model) maySelect(svc *Service) []Hit { return m.later[svc] }

// MayReach returns the workloads that a Service can have to do with, whatever its ports are: those that it selects, now
// or at run time. What a Service without selector leads to is not known, so ok is false.
func (m *Model) MayReach(svc *Service) (hits []Hit, ok bool) {
	if svc == nil || len(svc.Selector) == 0 || svc.Type == "ExternalName" {
		return nil, false
	}
	return slices.Concat(m.Selected(svc), m.maySelect(svc)), true
}

// Elsewhere says whether a way, though it cannot be resolved, goes through a Service that selects none of the workloads
// that are gated. A chart may well leave a route to a port that its Service does not have.
func (m *Model) Elsewhere(way *Way, gated func(*Workload) bool) bool {
	hits, ok := m.MayReach(way.Service)
	return ok && !slices.ContainsFunc(hits, func(hit Hit) bool { return gated(hit.Workload) })
}

// choose returns the workloads that a selector of a namespace selects now, and those that it may select later. Without
// any that it selects now, those that share most labels with it take their place. A Service that has its pods waits only
// for others of their family: they share a label with it, and lack none that says what a pod is. One that shares none may
// contradict none either, but what it lacks are no labels of the run time, for a template of the stream gives them; to count
// it would refuse every Service beside a gated workload whose chart goes by a label of its own, such as control-plane.
//
// Where the namespace of the release is not known, a workload only takes the place of others where it is beside them
// wherever the release is.
func (m *Model) choose(namespace string, selector map[string]string) (now, later []Hit) {
	if len(selector) == 0 {
		return nil, nil
	}
	settled, most := map[string]bool{}, map[string]int{} // by namespace
	var maybes []Hit
	for _, w := range m.candidates(namespace, selector) {
		switch result, shared, missing := w.matches(selector); result {
		case matchYes:
			now = append(now, Hit{Workload: w})
			settled[w.Object.Namespace] = true
		case matchMaybe:
			slices.Sort(missing)
			maybes = append(maybes, Hit{Workload: w, Maybe: true, Missing: missing, shared: shared})
			most[w.Object.Namespace] = max(most[w.Object.Namespace], shared)
		case matchNo:
		}
	}
	for _, hit := range maybes {
		own := hit.Workload.Object.Namespace
		switch {
		case !settled[namespace] && !settled[own] && hit.shared == max(most[namespace], most[own]):
			now = append(now, hit)
		case hit.shared > 0 && !slices.ContainsFunc(hit.Missing, hit.Workload.neverGets):
			later = append(later, hit)
		}
	}
	return now, later
}

// neighbours returns the workloads that may live in a namespace, in document order within each.
func (m *Model) neighbours(namespace string) []*Workload {
	if namespace == "" {
		var all []*Workload
		for _, w := range m.Workloads {
			if !w.Hook {
				all = append(all, w)
			}
		}
		return all
	}
	return append(slices.Clip(m.inSpace[namespace]), m.inSpace[""]...)
}

// candidates returns the workloads that a selector of a namespace may select, in document order: those that have one of
// its labels, with its value, and those that do not have that label. The label is the one that leaves the fewest.
func (m *Model) candidates(namespace string, selector map[string]string) []*Workload {
	if namespace == "" {
		return m.neighbours(namespace)
	}
	var best [2]*labelIndex
	fewest, value := -1, ""
	for key, wanted := range selector {
		both := [2]*labelIndex{m.labelled(namespace, key), m.labelled("", key)}
		n := 0
		for _, index := range both {
			n += len(index.with[wanted]) + len(index.without)
		}
		if fewest < 0 || n < fewest {
			best, fewest, value = both, n, wanted
		}
	}
	var all []*Workload
	for _, index := range best {
		fit := slices.Concat(index.with[value], index.without)
		slices.SortFunc(fit, func(a, b *Workload) int { return a.place - b.place })
		all = append(all, fit...)
	}
	return all
}

// labelIndex holds the workloads of one namespace, hooks left out, by what they have of one label.
type labelIndex struct {
	with    map[string][]*Workload // by value
	without []*Workload
}

func (m *Model) labelled(namespace, key string) *labelIndex {
	at := [2]string{namespace, key}
	index := m.byLabel[at]
	if index == nil {
		index = &labelIndex{with: map[string][]*Workload{}}
		for _, w := range m.inSpace[namespace] {
			if value, has := w.Labels[key]; has {
				index.with[value] = append(index.with[value], w)
			} else {
				index.without = append(index.without, w)
			}
		}
		m.byLabel[at] = index
	}
	return index
}

type match int

const (
	matchNo match = iota
	matchMaybe
	matchYes
)

const (
	podNameLabel  = "statefulset.kubernetes.io/pod-name"
	podIndexLabel = "apps.kubernetes.io/pod-index"
	shardLabel    = "operator.prometheus.io/shard"
	jobNameLabel  = "batch.kubernetes.io/job-name"
)

// matches compares a selector with the labels of the workload's pods. With matchMaybe, shared is the number of entries
// that the pods have already, and missing are those that they may still get.
func (w *Workload) matches(selector map[string]string) (result match, shared int, missing []string) {
	result = matchYes
	for key, value := range selector {
		has, known := w.Labels[key]
		switch {
		case known && has == value:
			shared++
		case known:
			return matchNo, 0, nil
		case key == podNameLabel && w.podName != nil:
			if !w.podName(value) {
				return matchNo, 0, nil
			}
			shared++
		case key == podIndexLabel && w.podName != nil, key == shardLabel && w.sharded:
			shared++
		default:
			result = matchMaybe
			missing = append(missing, key)
		}
	}
	if result == matchMaybe && shared == 0 && slices.ContainsFunc(missing, w.neverGets) {
		return matchNo, 0, nil
	}
	return result, shared, missing
}

// neverGets says whether no pod of the workload gets a label that the manifests do not give it.
func (w *Workload) neverGets(key string) bool {
	return isIdentity(key) && !slices.Contains(givenLater[w.Object.Kind], key)
}

// givenLater are labels like those of isIdentity that every pod of a kind has, with values that no manifest tells.
var givenLater = map[string][]string{
	"Deployment":      {"pod-template-hash"},
	"Job":             {"controller-uid", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index"},
	"CronJob":         {"controller-uid", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index", "job-name", jobNameLabel},
	"Prometheus":      {"app.kubernetes.io/version"},
	"PrometheusAgent": {"app.kubernetes.io/version"},
	"Alertmanager":    {"app.kubernetes.io/version"},
	"ThanosRuler":     {"app.kubernetes.io/version"},
}

// jobLabels adds what the Job controller gives to every pod of a Job to the labels of its template.
func jobLabels(name string, template map[string]string) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, template)
	labels["job-name"], labels[jobNameLabel] = name, name
	return labels
}

// isIdentity says whether a label is one that says what a pod is. Charts, operators and controllers give it to pods when
// they make them; nobody adds it at run time, as they do for a leader or an active replica.
func isIdentity(key string) bool {
	switch key {
	case "app", "k8s-app", "name", "component", "tier", "run", "release", "chart", "heritage", "instance", "job-name", "controller-uid",
		"pod-template-hash", "prometheus", "alertmanager", "thanos-ruler":
		return true
	}
	return slices.ContainsFunc(identityPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

var identityPrefixes = []string{
	"app.kubernetes.io/", "helm.sh/", "operator.prometheus.io/", "statefulset.kubernetes.io/", "apps.kubernetes.io/", "batch.kubernetes.io/",
}
