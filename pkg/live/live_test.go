package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// apply creates objects of a namespace, given as YAML documents, and returns their UIDs by name.
func apply(t *testing.T, config *rest.Config, namespace, text string) map[string]string {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	plural := map[string]string{"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}
	uids := map[string]string{}
	for doc := range strings.SplitSeq(text, "\n---\n") {
		for name, uid := range uids {
			doc = strings.ReplaceAll(doc, "UID-OF-"+name, uid)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			t.Fatalf("%v:\n%s", err, doc)
		}
		resource := plural[u.GetKind()]
		if resource == "" {
			resource = strings.ToLower(u.GetKind()) + "s"
		}
		made, err := client.Resource(u.GroupVersionKind().GroupVersion().WithResource(resource)).Namespace(namespace).Create(t.Context(), u, metav1.CreateOptions{})
		if err != nil {
			t.Fatalf("%v:\n%s", err, doc)
		}
		uids[u.GetName()] = string(made.GetUID())
	}
	return uids
}

const template = `template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}}`

func ownedBy(kind, name string) string {
	return fmt.Sprintf(`ownerReferences: [{apiVersion: x/v1, kind: %s, name: %s, uid: UID-OF-%s, controller: true}]`, kind, name, name)
}

// TestRead looks at a real API server, with objects as controllers and people make them.
func TestRead(t *testing.T) {
	s := testenv.APIServer(t)
	ns := s.CreateNamespace(t)
	apply(t, s.Config, ns, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, annotations: {odd: "a\x7f\u0085\uFEFF\U0001F600\n---\n"}}, spec: {selector: {matchLabels: {app: a}}, `+template+`}}
---
{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: rs, `+ownedBy("Deployment", "d")+`}, spec: {selector: {matchLabels: {app: a}}, `+template+`}}
---
{apiVersion: v1, kind: Pod, metadata: {name: x, labels: {app: a, "on": "off", by: hand}, `+ownedBy("ReplicaSet", "rs")+`}, spec: {containers: [{name: c, image: i, args: ["a\x7f\n---\n"]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: lone}, spec: {containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: strange, ownerReferences: [{apiVersion: no.such/v1, kind: Thing, name: thing, uid: "1", controller: true}]}, spec: {containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: evicted, labels: {app: a}}, spec: {containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: hand}, spec: {type: NodePort, selector: {by: hand}, ports: [{port: 1}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: stale}, spec: {type: NodePort, selector: {role: leader}, ports: [{port: 1}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: tcp-config}, data: {note: by hand, "9000": "`+ns+`/hand:1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {"9000": "`+ns+`/hand:1"}}`)
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	evicted, err := client.CoreV1().Pods(ns).Get(t.Context(), "evicted", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	evicted.Status.Phase = corev1.PodFailed
	if _, err := client.CoreV1().Pods(ns).UpdateStatus(t.Context(), evicted, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}

	c := read(t, s.Config, ns)
	if len(c.Gaps) > 0 {
		t.Errorf("gaps: %v", c.Gaps)
	}
	var got []string
	for _, u := range c.Workloads {
		got = append(got, u.GetKind()+"/"+u.GetName())
	}
	for _, p := range c.Pods {
		got = append(got, p.Name+" of "+p.Owner.Kind+"/"+p.Owner.Name)
	}
	slices.Sort(got)
	want := []string{"Deployment/d", "lone of Pod/lone", "strange of Thing/thing", "x of Deployment/d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	m, unread, err := c.Model()
	if err != nil || len(unread) != 0 {
		t.Fatalf("%v, %v", err, unread)
	}
	ways := map[string]bool{}
	for _, way := range m.Ways {
		if way.Workload != nil && !way.Maybe {
			ways[way.Ref().Kind+" "+way.Ref().Name+" to "+way.Workload.Object.Kind+" "+way.Workload.Object.Name] = true
		}
	}
	if diff := cmp.Diff(map[string]bool{"Service hand to Pod x": true, "ConfigMap tcp-config to Pod x": true}, ways); diff != "" {
		t.Error(diff)
	}
}

func read(t *testing.T, config *rest.Config, ns string) *Cluster {
	t.Helper()
	r, err := NewReader(config, ns, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRights reads as somebody who may see a part: what may not be seen is a gap, of all namespaces and then of the own.
func TestRights(t *testing.T) {
	s := testenv.APIServer(t)
	ns := s.CreateNamespace(t)
	apply(t, s.Config, ns, `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{apiGroups: [""], resources: [pods, services], verbs: [list]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: r}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: u}]}
---
{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 1}]}}`)
	config, err := clientcmd.BuildConfigFromFlags("", s.KubeconfigFor(t, "u"))
	if err != nil {
		t.Fatal(err)
	}
	c := read(t, config, ns)
	if len(c.Others) != 1 || c.Others[0].GetName() != "s" {
		t.Errorf("others: %v", c.Others)
	}
	gaps := map[string]bool{}
	for _, g := range c.Gaps {
		if !g.Forbidden() {
			t.Errorf("%+v", g)
		}
		gaps[g.Verb+" "+g.Resource+" in "+strings.Replace(g.Namespace, ns, "ns", 1)] = true
	}
	for _, want := range []string{"list services in ", "list ingresses.networking.k8s.io in ", "list ingresses.networking.k8s.io in ns", "list deployments.apps in ns"} {
		if !gaps[want] {
			t.Errorf("no gap %q among %v", want, gaps)
		}
	}
	if gaps["list services in ns"] || gaps["list pods in ns"] {
		t.Errorf("a gap where there is none: %v", gaps)
	}
}

// TestNobodyThere: a server that takes connections and never answers, and one that is not there.
func TestNobodyThere(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, host := range []string{"https://" + l.Addr().String(), "https://127.0.0.1:1"} {
		r, err := NewReader(&rest.Config{Host: host}, "ns", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := r.Read(t.Context()); err == nil || time.Since(start) > 10*time.Second {
			t.Errorf("%s: %v after %s", host, err, time.Since(start))
		}
	}
}

// TestGarbage: what one object says that nobody understands must not hide the others.
func TestGarbage(t *testing.T) {
	c := &Cluster{}
	for _, text := range []string{
		`{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "good", "namespace": "ns"}, "spec": {"ports": [{"port": 1}]}}`,
		`{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "bad", "namespace": "ns"}, "spec": {"ports": [{"port": "x"}]}}`,
		`{"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "none", "namespace": "ns"}, "spec": null}`,
		`{"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": "odd", "namespace": "ns"}, "spec": {"routes": {"a": [null, 1]}}}`,
		`{"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": "odder", "namespace": "ns"}, "spec": {"routes": [null, "x", {"services": [{"name": {"a": 1}, "port": []}]}]}}`,
	} {
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatal(err)
		}
		c.Others = append(c.Others, u)
	}
	m, unread, err := c.Model()
	if err != nil || len(m.Services) != 1 || m.Services[0].Object.Name != "good" {
		t.Fatalf("%v, %v", err, m)
	}
	var names []string
	for _, u := range unread {
		names = append(names, u.Ref.Name)
	}
	if diff := cmp.Diff([]string{"bad", "none"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestWithin: what hangs is left behind, and thrown away when it comes.
func TestWithin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	come, gone := make(chan struct{}), make(chan int)
	cancel()
	_, err := within(ctx, func() (int, error) { <-come; return 7, nil }, func(n int) { gone <- n })
	if err == nil {
		t.Error("no error")
	}
	close(come)
	if n := <-gone; n != 7 {
		t.Errorf("%d", n)
	}
}
