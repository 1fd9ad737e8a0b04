package live

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/pager"

	"github.com/kauth-dev/kauth/pkg/topology"
)

// part is what a kind is listed for.
type part int

const (
	workload part = iota // pods are made from it
	pod
	between // it stands between a workload and its pods
	other   // it says who reaches them
)

// kind is one kind of object that matters, as this cluster serves it.
type kind struct {
	part     part
	group    string
	kind     string
	resource schema.GroupVersionResource
	spaced   bool                                  // its objects live in namespaces
	wide     bool                                  // objects of other namespaces matter too
	keep     func(*unstructured.Unstructured) bool // nil: all
}

func (k *kind) name() string { return k.group + "/" + k.kind }

// gap is what is missing where its objects could not be listed; namespace is "" for all.
func (k *kind) gap(namespace string, err error) Gap {
	return Gap{Verb: "list", Resource: k.resource.GroupResource().String(), Namespace: namespace, Err: err}
}

// workloads are the kinds that pods are made from. Those of others are found by their pods.
var workloads = []string{
	"apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "/ReplicationController", "batch/CronJob",
	"monitoring.coreos.com/Prometheus", "monitoring.coreos.com/PrometheusAgent", "monitoring.coreos.com/Alertmanager", "monitoring.coreos.com/ThanosRuler",
}

var betweens = []string{"apps/ReplicaSet", "batch/Job"}

// kindOf returns nil for kinds that do not matter, and for subresources.
func kindOf(gv schema.GroupVersion, r metav1.APIResource) *kind {
	if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") {
		return nil
	}
	k := &kind{group: gv.Group, kind: r.Kind, resource: gv.WithResource(r.Name), spaced: r.Namespaced}
	switch name := k.name(); {
	case slices.Contains(workloads, name):
		k.part = workload
	case name == "/Pod":
		k.part = pod
	case slices.Contains(betweens, name):
		k.part = between
	case name == "networking.k8s.io/NetworkPolicy":
		k.part = other
	case slices.Contains(topology.Kinds(), name):
		k.part, k.wide = other, true // a route, or an ExternalName, leads where it likes
	default:
		return nil
	}
	return k
}

// slicesOf says which EndpointSlices are worth keeping beside these Services: what the control plane makes of selectors says
// nothing new; what people make by hand does. So does what stays behind when a selector is taken away: the control plane
// leaves such a Service alone.
func slicesOf(services []*unstructured.Unstructured) func(*unstructured.Unstructured) bool {
	selects := map[string]bool{}
	for _, s := range services {
		selector, _, err := unstructured.NestedMap(s.Object, "spec", "selector")
		selects[s.GetNamespace()+"/"+s.GetName()] = err == nil && len(selector) > 0
	}
	return func(u *unstructured.Unstructured) bool {
		labels := u.GetLabels()
		selected, known := selects[u.GetNamespace()+"/"+labels["kubernetes.io/service-name"]]
		made := labels["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io"
		return !made || known && !selected
	}
}

// matters says whether any kind of an API group does.
func matters(group string) bool {
	return slices.ContainsFunc(slices.Concat(workloads, betweens, topology.Kinds()), func(name string) bool { return strings.HasPrefix(name, group+"/") })
}

// preferred asks the API server for its kinds, each in the version that it prefers.
func (r *Reader) preferred(ctx context.Context) ([]*metav1.APIResourceList, error) {
	return within(ctx, r.discovery.ServerPreferredResources, func([]*metav1.APIResourceList) {})
}

// list returns the objects of one kind, as far as they may be seen.
func (r *Reader) list(ctx context.Context, k *kind) ([]*unstructured.Unstructured, []Gap) {
	if k.kind == "ConfigMap" {
		return r.streams(ctx, k)
	}
	var found []*unstructured.Unstructured
	gaps := r.everywhere(k, func(namespace string) (err error) {
		found, err = r.listIn(ctx, k, namespace)
		return err
	})
	return found, gaps
}

// everywhere has objects of one kind listed: of all namespaces where they matter, and once more of the Reader's alone where it may
// look no further.
func (r *Reader) everywhere(k *kind, list func(namespace string) error) []Gap {
	namespace := r.Namespace
	if k.wide || !k.spaced {
		namespace = ""
	}
	err := list(namespace)
	if err == nil {
		return nil
	}
	gaps := []Gap{k.gap(namespace, err)}
	if namespace == r.Namespace || !k.spaced || !apierrors.IsForbidden(err) {
		return gaps
	}
	if err := list(r.Namespace); err != nil {
		gaps = append(gaps, k.gap(r.Namespace, err))
	}
	return gaps
}

// client is for the objects of one kind, of all namespaces where namespace is "".
func (r *Reader) client(k *kind, namespace string) dynamic.ResourceInterface {
	if k.spaced && namespace != "" {
		return r.dynamic.Resource(k.resource).Namespace(namespace)
	}
	return r.dynamic.Resource(k.resource)
}

func (r *Reader) listIn(ctx context.Context, k *kind, namespace string) ([]*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Patience, fmt.Errorf("no answer within %s", r.Patience))
	defer cancel()
	client := r.client(k, namespace)
	var found []*unstructured.Unstructured
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return client.List(ctx, o) })
	pages.PageBufferSize = 0
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		u, ok := o.(*unstructured.Unstructured)
		if !ok || k.keep != nil && !k.keep(u) {
			return nil
		}
		strip(u, k)
		found = append(found, u)
		return nil
	})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return found, err
}

// strip takes out what nobody looks at, so that large clusters fit.
func strip(u *unstructured.Unstructured, k *kind) {
	u.SetManagedFields(nil)
	if k.part != pod {
		delete(u.Object, "status")
	}
	if k.part == between {
		delete(u.Object, "spec")
	}
	if annotations := u.GetAnnotations(); annotations["kubectl.kubernetes.io/last-applied-configuration"] != "" {
		delete(annotations, "kubectl.kubernetes.io/last-applied-configuration")
		u.SetAnnotations(annotations)
	}
	if u.GetKind() == "" { // lists may leave it to their own kind
		u.SetGroupVersionKind(k.resource.GroupVersion().WithKind(k.kind))
	}
}

// streams returns the ConfigMaps that ingress-nginx and its likes read TCP and UDP routes from. They have no mark; charts
// name them so. All others, of any number and size, are not asked for.
func (r *Reader) streams(ctx context.Context, k *kind) ([]*unstructured.Unstructured, []Gap) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Patience, fmt.Errorf("no answer within %s", r.Patience))
	defer cancel()
	names, err := r.metadata.Resource(k.resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, []Gap{{Verb: "list", Resource: "configmaps", Err: err}}
	}
	var found []*unstructured.Unstructured
	var gaps []Gap
	for _, m := range names.Items {
		if !strings.Contains(m.Name, "tcp") && !strings.Contains(m.Name, "udp") {
			continue
		}
		u, err := r.dynamic.Resource(k.resource).Namespace(m.Namespace).Get(ctx, m.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			gaps = append(gaps, Gap{Verb: "get", Resource: "configmaps", Namespace: m.Namespace, Err: err})
		default:
			strip(u, k)
			found = append(found, u)
		}
	}
	return found, gaps
}

// Patience is how long a list may take unless the user says otherwise.
const Patience = 30 * time.Second

// escape writes what JSON leaves in a text and YAML may not read, control characters beyond ASCII's first, as JSON's own
// escapes.
func escape(text []byte) []byte {
	odd := func(r rune) bool { return r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff }
	if bytes.IndexFunc(text, odd) < 0 {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		if odd(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}
