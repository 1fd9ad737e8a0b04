package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kauth-dev/kauth/pkg/stranger"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// The bounds of reading kinds that kauth does not know: kinds, objects of each, objects in one answer.
const (
	strangeKinds   = 400
	strangeObjects = 20000
	strangePage    = 250
)

// strangeOf returns a kind that kauth does not know and that may lead to Services, nil for others. One that looks like a
// route is of interest in all namespaces, for a route may lead from one into another; any other where the gates are.
func strangeOf(gv schema.GroupVersion, r metav1.APIResource) *kind {
	route := stranger.IsRoute(gv.Group, r.Kind)
	switch {
	case strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") || !strings.Contains(gv.Group, "."),
		slices.Contains(topology.Kinds(), gv.Group+"/"+r.Kind),
		!route && (stranger.Known(gv.Group, r.Kind) || stranger.Harmless(gv.Group) != "" || !r.Namespaced):
		return nil
	}
	return &kind{part: other, group: gv.Group, kind: r.Kind, resource: gv.WithResource(r.Name), spaced: r.Namespaced, wide: route}
}

// Strangers shows look the objects of kinds that kauth does not know and that may lead to Services, one at a time and without
// their status, and says whether their kind looks like one of routes. Those that do come from all namespaces, the others
// from the Reader's. Read comes first. All of it takes at most the Patience of one list; what did not come is among the Gaps.
func (r *Reader) Strangers(ctx context.Context, look func(u *unstructured.Unstructured, route bool)) []Gap {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Patience, fmt.Errorf("no answer within %s", r.Patience))
	defer cancel()
	var (
		mu    sync.Mutex
		gaps  []Gap
		wait  sync.WaitGroup
		slots = make(chan struct{}, lists)
	)
	slices.SortStableFunc(r.strange, func(a, b *kind) int { // routes first: they are the last to be left out
		return strings.Compare(fmt.Sprint(!a.wide, a.name()), fmt.Sprint(!b.wide, b.name()))
	})
	most := min(strangeKinds, len(r.strange))
	for _, k := range r.strange[most:] {
		gaps = append(gaps, k.gap(r.Namespace, fmt.Errorf("more than %d kinds that kauth does not know", strangeKinds)))
	}
	for _, k := range r.strange[:most] {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			missed := r.everywhere(k, func(namespace string) error {
				return r.each(ctx, k, namespace, func(u *unstructured.Unstructured) {
					mu.Lock()
					defer mu.Unlock()
					look(u, k.wide)
				})
			})
			mu.Lock()
			defer mu.Unlock()
			gaps = append(gaps, missed...)
		})
	}
	wait.Wait()
	sortGaps(gaps)
	return gaps
}

// each lists page by page and keeps nothing. A kind whose CRD was taken away meanwhile has no objects.
func (r *Reader) each(ctx context.Context, k *kind, namespace string, look func(*unstructured.Unstructured)) error {
	client := r.client(k, namespace)
	seen, next := 0, ""
	for {
		page, err := client.List(ctx, metav1.ListOptions{Limit: strangePage, Continue: next})
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case apierrors.IsNotFound(err):
			return nil
		case apierrors.IsResourceExpired(err) && next != "":
			return errors.New("the list changed too fast to be read to its end")
		case err != nil:
			return err
		}
		for i := range page.Items {
			strip(&page.Items[i], k)
			look(&page.Items[i])
		}
		seen, next = seen+len(page.Items), page.GetContinue()
		if next == "" {
			return nil
		}
		if seen >= strangeObjects {
			return fmt.Errorf("more than %d objects; the first of them are looked at", strangeObjects)
		}
	}
}
