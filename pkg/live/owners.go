package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// strangers bounds how many owners of unknown kinds are asked for.
const strangers = 100

// family knows who made whom.
type family struct {
	*Reader
	byUID  map[types.UID]*unstructured.Unstructured
	asked  map[types.UID]bool
	cannot map[string]error                // resources that may not be read
	served map[string][]metav1.APIResource // by version of their group
}

// owners fills in the workloads, without those that another one makes, and the pods, each with its owner.
func (r *Reader) owners(ctx context.Context, c *Cluster, kinds []*kind, seen map[string][]*unstructured.Unstructured) {
	f := &family{Reader: r, byUID: map[types.UID]*unstructured.Unstructured{}, asked: map[types.UID]bool{}, cannot: map[string]error{}, served: map[string][]metav1.APIResource{}}
	ctx, cancel := context.WithTimeoutCause(ctx, r.Patience, fmt.Errorf("no answer within %s", r.Patience)) // for strangers
	defer cancel()
	made := map[types.UID]bool{} // workloads
	for _, k := range kinds {
		if k.part == workload || k.part == between {
			for _, u := range seen[k.name()] {
				f.byUID[u.GetUID()] = u
				made[u.GetUID()] = k.part == workload
			}
		}
	}
	for _, u := range seen["/Pod"] {
		p := &corev1.Pod{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, p); err != nil {
			c.Gaps = append(c.Gaps, Gap{Verb: "get", Resource: "pods", Namespace: u.GetNamespace(), Err: err})
			continue
		}
		if p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded {
			continue // evicted, or done: nobody reaches it any more
		}
		top := f.top(ctx, u)
		if top != u {
			made[top.GetUID()] = true
		}
		gvk := top.GroupVersionKind()
		c.Pods = append(c.Pods, &Pod{Pod: p, Owner: Owner{gvk.Group, gvk.Kind, top.GetNamespace(), top.GetName()}})
	}
	for uid, is := range made {
		if u := f.byUID[uid]; is && u != nil && f.top(ctx, u) == u && u.Object["spec"] != nil {
			c.Workloads = append(c.Workloads, u)
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(f.cannot)) {
		c.Gaps = append(c.Gaps, Gap{Verb: "get", Resource: resource, Namespace: r.Namespace, Err: f.cannot[resource]})
	}
}

// top follows the controllers of an object to the last that can be read. One that only a name is known of stands for
// itself, without a spec.
func (f *family) top(ctx context.Context, u *unstructured.Unstructured) *unstructured.Unstructured {
	for range 10 { // no chain is as long
		ref := metav1.GetControllerOf(u)
		if ref == nil || ref.Kind == "Node" { // a static pod is its node's
			return u
		}
		owner := f.byUID[ref.UID]
		if owner == nil {
			if u.GetKind() != "Pod" && u.GetKind() != "ReplicaSet" && u.GetKind() != "Job" {
				return u // made by an operator that says nothing of gates: what it made is what counts
			}
			if owner = f.stranger(ctx, u.GetNamespace(), ref); owner.Object["spec"] == nil {
				owner = f.byName(u, ref, owner)
			}
		}
		u = owner
	}
	return u
}

// byName is the Deployment whose ReplicaSet, which may not be read, made a pod: the controller puts the same hash into the name
// of the one and a label of the other (kubernetes:pkg/controller/deployment/sync.go, getNewReplicaSet). Where there is
// none, it is otherwise.
func (f *family) byName(pod *unstructured.Unstructured, ref *metav1.OwnerReference, otherwise *unstructured.Unstructured) *unstructured.Unstructured {
	hash := pod.GetLabels()[appsv1.DefaultDeploymentUniqueLabelKey]
	name, is := strings.CutSuffix(ref.Name, "-"+hash)
	if hash == "" || !is || ref.Kind != "ReplicaSet" {
		return otherwise
	}
	for _, u := range f.byUID {
		if u.GetKind() == "Deployment" && u.GetNamespace() == pod.GetNamespace() && u.GetName() == name {
			f.byUID[ref.UID] = u
			return u
		}
	}
	return otherwise
}

// stranger gets an owner of a kind that is not listed.
func (f *family) stranger(ctx context.Context, namespace string, ref *metav1.OwnerReference) *unstructured.Unstructured {
	stub := &unstructured.Unstructured{Object: map[string]any{}}
	stub.SetAPIVersion(ref.APIVersion)
	stub.SetKind(ref.Kind)
	stub.SetNamespace(namespace)
	stub.SetName(ref.Name)
	stub.SetUID(ref.UID)
	f.byUID[ref.UID] = stub
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil || len(f.asked) >= strangers {
		return stub
	}
	for _, r := range f.resources(ctx, ref.APIVersion) {
		name := schema.GroupResource{Group: gv.Group, Resource: r.Name}.String()
		if r.Kind != ref.Kind || !r.Namespaced || strings.Contains(r.Name, "/") || f.cannot[name] != nil {
			continue
		}
		f.asked[ref.UID] = true
		u, err := f.dynamic.Resource(gv.WithResource(r.Name)).Namespace(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if apierrors.IsForbidden(err) {
			f.cannot[name] = err
		}
		if err == nil && u.GetUID() == ref.UID {
			strip(u, &kind{})
			f.byUID[ref.UID] = u
			return u
		}
	}
	return stub
}

// resources are those of a version of a group, none where its server does not say. Each version is asked for once.
func (f *family) resources(ctx context.Context, version string) []metav1.APIResource {
	if found, known := f.served[version]; known || ctx.Err() != nil {
		return found
	}
	f.served[version] = nil
	if list, err := f.discovery.ServerResourcesForGroupVersion(version); err == nil {
		f.served[version] = list.APIResources
	}
	return f.served[version]
}
