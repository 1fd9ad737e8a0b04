package inforce

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/kauth-dev/kauth/pkg/topology"
)

// logins are objects by which ingress controllers ask for the users' passwords themselves: mode ingress makes both.
var logins = []struct {
	kind     string
	resource schema.GroupVersionResource
	users    []string // where the Secret's name stands
}{
	{"Ingress", schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}, []string{"metadata", "annotations", topology.NGINXPrefix + "auth-secret"}},
	{"Middleware", schema.GroupVersionResource{Group: "traefik.io", Version: "v1alpha1", Resource: "middlewares"}, []string{"spec", "basicAuth", "secret"}},
}

// controllers adds the ingress controllers to what is not waited for. They watch the Secret themselves, and nobody can ask
// them what they have read. Where they may not be looked for, nothing is said of them.
func (w *waiter) controllers(ctx context.Context) {
	client, err := dynamic.NewForConfig(w.Config)
	if err != nil {
		return
	}
	for _, l := range logins {
		list, err := client.Resource(l.resource).Namespace(w.Store.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			continue
		}
		for _, u := range list.Items {
			if users, _, _ := unstructured.NestedString(u.Object, l.users...); users == w.Store.Name || users == w.Store.Namespace+"/"+w.Store.Name {
				w.unasked = append(w.unasked, Object{l.kind + " " + u.GetName(), "the ingress controller reads the Secret itself, and cannot be asked"})
			}
		}
	}
}
