// Package live owns looking at a running cluster: it lists what says who reaches which workload, tells which pods belong
// to which workload, turns that into a stream of manifests for pkg/topology, and connects to ports of pods. It changes nothing.
package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/stranger"
)

// A Reader lists the objects of a cluster.
type Reader struct {
	Namespace string        // whose workloads to look at; "" for all
	Patience  time.Duration // for each list

	dynamic   dynamic.Interface
	metadata  metadata.Interface
	discovery discovery.DiscoveryInterface

	strange []*kind // that are served; see Strangers
}

// NewReader connects. Nothing is asked yet.
func NewReader(config *rest.Config, namespace string, patience time.Duration) (*Reader, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	names, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	// A group whose own server hangs must not hold up the others for longer than anything else may.
	short := rest.CopyConfig(config)
	short.Timeout = patience
	disco, err := discovery.NewDiscoveryClientForConfig(short)
	if err != nil {
		return nil, err
	}
	return &Reader{Namespace: namespace, Patience: patience, dynamic: client, metadata: names, discovery: disco}, nil
}

// Cluster is what was seen of a cluster.
type Cluster struct {
	Workloads []*unstructured.Unstructured // that no other of them makes: Deployments, resources of operators
	Pods      []*Pod                       // that exist now and have not ended
	Others    []*unstructured.Unstructured // what leads to workloads, and their policies
	Gaps      []Gap
}

// Gap is something that could not be looked at.
type Gap struct {
	Verb      string // of RBAC
	Resource  string // "ingresses.networking.k8s.io"
	Namespace string // "" for all
	Err       error
}

// Forbidden says whether it is RBAC that is in the way.
func (g Gap) Forbidden() bool { return apierrors.IsForbidden(g.Err) || apierrors.IsUnauthorized(g.Err) }

// Pod is a pod and whose it is.
type Pod struct {
	*corev1.Pod
	Owner Owner
}

// Owner is the object that a pod comes from in the end: its Deployment, the resource of its operator, or itself.
type Owner struct {
	Group, Kind, Namespace, Name string
}

// lists bounds how many lists are under way at once.
const lists = 8

// Read lists everything, and what hinders it among the Gaps. An error means that nothing at all could be seen.
func (r *Reader) Read(ctx context.Context) (*Cluster, error) {
	kinds, gaps, err := r.kinds(ctx)
	if err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		seen  = map[string][]*unstructured.Unstructured{}
		wait  sync.WaitGroup
		slots = make(chan struct{}, lists)
	)
	list := func(k *kind) {
		found, missed := r.list(ctx, k)
		mu.Lock()
		defer mu.Unlock()
		seen[k.name()] = found
		gaps = append(gaps, missed...)
	}
	for _, k := range kinds {
		if k.kind == "EndpointSlice" { // which is of interest by its Service
			continue
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			list(k)
		})
	}
	wait.Wait()
	for _, k := range kinds {
		if k.kind == "EndpointSlice" {
			k.keep = slicesOf(seen["/Service"])
			list(k)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	sortGaps(gaps)
	if len(gaps) >= len(kinds) && len(seen["/Service"])+len(seen["/Pod"]) == 0 {
		if err := unreachable(gaps); err != nil {
			return nil, err
		}
	}
	c := &Cluster{Gaps: gaps}
	for _, k := range kinds {
		if k.part == other {
			c.Others = append(c.Others, seen[k.name()]...)
		}
	}
	r.owners(ctx, c, kinds, seen)
	sortObjects(c.Workloads)
	sortObjects(c.Others)
	return c, nil
}

// unreachable returns why no list came back, where that is not a matter of rights.
func unreachable(gaps []Gap) error {
	for _, g := range gaps {
		if g.Forbidden() {
			return nil
		}
	}
	return fmt.Errorf("nothing could be read: %w", gaps[0].Err)
}

// sortObjects gives lists that came back in any order one of their own.
func sortObjects(all []*unstructured.Unstructured) {
	slices.SortFunc(all, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(strings.Compare(a.GetKind(), b.GetKind()), strings.Compare(a.GetNamespace(), b.GetNamespace()),
			strings.Compare(a.GetName(), b.GetName()), strings.Compare(a.GetAPIVersion(), b.GetAPIVersion())) // a kind may be of several groups
	})
}

// sortGaps does so for gaps.
func sortGaps(gaps []Gap) {
	slices.SortStableFunc(gaps, func(a, b Gap) int {
		return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Verb, b.Verb))
	})
}

// kinds asks which of the kinds that matter the cluster knows.
func (r *Reader) kinds(ctx context.Context) ([]*kind, []Gap, error) {
	lists, err := r.preferred(ctx)
	var gaps []Gap
	if group := new(discovery.ErrGroupDiscoveryFailed); errors.As(err, &group) {
		for gv, why := range group.Groups {
			if matters(gv.Group) || !stranger.Known(gv.Group, "") && stranger.Harmless(gv.Group) == "" {
				gaps = append(gaps, Gap{Verb: "get", Resource: "/apis/" + gv.String(), Err: why})
			}
		}
	} else if err != nil {
		return nil, nil, err
	}
	var all []*kind
	r.strange = nil
	taken := map[string]bool{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, resource := range list.APIResources {
			k := kindOf(gv, resource)
			if k == nil {
				if k := strangeOf(gv, resource); k != nil && !taken[k.name()] {
					taken[k.name()] = true
					r.strange = append(r.strange, k)
				}
				continue
			}
			if taken[k.name()] {
				continue
			}
			taken[k.name()] = true
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return nil, nil, errors.New("the API server names none of its kinds; check --server and the proxies on the way")
	}
	return all, gaps, nil
}
