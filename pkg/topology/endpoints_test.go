package topology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEnds: where an EndpointSlice, or a name of the cluster's, ends in a running pod.
func TestEnds(t *testing.T) {
	slice := func(more, endpoints, ports string) string {
		return "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x, namespace: edge, labels: {kubernetes.io/service-name: s" + more + "}}\nendpoints: [" + endpoints + "]\nports: [" + ports + "]\n"
	}
	pod := func(name, spec string) string {
		return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: ns, labels: {app: a}}\nspec: {" + spec + "containers: [{name: c, ports: [{containerPort: 9090}]}]}\nstatus: {podIPs: [{ip: 10.1.0.5}, {ip: 'fd00::5'}]}\n"
	}
	const (
		at     = "{addresses: [10.1.0.5]}"
		plain  = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: edge}\nspec: {type: NodePort, ports: [{name: web, port: 80}]}\n"
		chosen = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: edge}\nspec: {type: NodePort, selector: {app: other}, ports: [{name: web, port: 80}]}\n"
		inside = "---\napiVersion: v1\nkind: Service\nmetadata: {name: in, namespace: ns}\nspec: {selector: {app: a}, ports: [{port: 81, targetPort: 9090}]}\n"
		named  = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: edge}\nspec: {type: ExternalName, externalName: in.ns.svc, ports: [%s]}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: edge}\nspec: {defaultBackend: {service: {name: s, port: {%s}}}}\n"
	)
	for _, c := range []struct{ name, text, want string }{
		{"the address of a pod", plain + slice("", at, "{name: web, port: 9090}"), "p 9090"},
		{"written in another way", plain + slice("", "{addresses: ['fd00:0::0005']}", "{port: 9090}"), "p 9090"},
		{"and its name", plain + slice("", "{addresses: [10.1.0.5], targetRef: {kind: Pod, name: p}}", "{port: 9090}"), "p 9090"},
		{"any port", plain + slice("", at, ""), "p 0"},
		{"two ports", plain + slice("", at, "{name: a, port: 1}, {name: b, port: 2}"), "p 1, p 2"},
		{"a pod that was of that name", plain + slice("", "{addresses: [10.1.0.9], targetRef: {kind: Pod, name: p}}", "{port: 9090}"), ""},
		{"beside a selector", chosen + slice("", at, "{name: web, port: 9090}"), "p 9090"},
		{"beside a selector, for no port of the Service", chosen + slice("", at, "{name: other, port: 9090}"), ""},
		{"of a selector", chosen + slice(", endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io", at, "{name: web, port: 9090}"), ""},
		{"of a selector that is gone", plain + slice(", endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io", at, "{name: web, port: 9090}"), "p 9090"},
		{"in the network of a node", pod("q", "hostNetwork: true, ") + plain + slice("", at, "{port: 8080}"), "p 8080"},
		{"in the network of a node, its port", pod("q", "hostNetwork: true, ") + plain + slice("", at, "{port: 9090}"), "p 9090, q 9090"},
		{"a name", inside + fmt.Sprintf(named, "", "number: 81"), "p 9090"},
		{"a name, at another port", inside + fmt.Sprintf(named, "", "number: 9090"), "p 0"},
		{"a name, at a named port", inside + fmt.Sprintf(named, "{name: web, port: 81}", "name: web"), "p 9090"},
		{"a name, with another target", inside + fmt.Sprintf(named, "{name: web, port: 81, targetPort: 82}", "name: web"), "p 0"},
		{"a headless name", strings.Replace(inside, "spec: {", "spec: {clusterIP: None, ", 1) + fmt.Sprintf(named, "", "number: 9090"), "p 9090"},
	} {
		m, err := resolve(t, pod("p", "")+c.text, "")
		if err != nil {
			t.Fatal(c.name, err)
		}
		var got []string
		for _, way := range m.Ways {
			if way.Workload != nil && way.Problem != "" {
				got = append(got, fmt.Sprint(way.Workload.Object.Name, " ", way.Ends))
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
