package topology_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestControllers(t *testing.T) {
	class := func(name, controller string) string {
		return fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: %s}\nspec: {controller: %s}\n", name, controller)
	}
	for _, c := range []struct{ name, class, annotations, stream, want string }{
		{"by its IngressClass", "a", "", class("a", "k8s.io/ingress-nginx"), "k8s.io/ingress-nginx"},
		{"whatever its annotations say", "a", "nginx.ingress.kubernetes.io/x: y", class("a", "haproxy.org/ingress-controller"), "haproxy.org/ingress-controller"},
		{"whatever the name says", "nginx", "", class("nginx", "traefik.io/ingress-controller"), "traefik.io/ingress-controller"},
		{"F5's of the usual name", "nginx", "", class("nginx", "nginx.org/ingress-controller"), "nginx.org/ingress-controller"},
		{"a second ingress-nginx", "b", "", class("b", "k8s.io/internal-ingress-nginx"), "k8s.io/ingress-nginx"},
		{"one that calls itself otherwise", "b", "", class("b", "k8s.io/internal-nginx"), `k8s.io/ingress-nginx by its controller's name, "k8s.io/internal-nginx"`},
		{"AKS' own", "b", "", class("b", "webapprouting.kubernetes.azure.com/nginx"), `k8s.io/ingress-nginx by its controller's name, "webapprouting.kubernetes.azure.com/nginx"`},
		{"another's class", "nginx", "", class("b", "traefik.io/ingress-controller"), `k8s.io/ingress-nginx by the name of its class, "nginx"`},
		{"by the old annotation", "", "kubernetes.io/ingress.class: traefik", "", `traefik.io/ingress-controller by the name of its class, "traefik"`},
		{"F5's annotations", "nginx", "nginx.com/jwt-key: x", "", "nginx.org/ingress-controller by its annotations"},
		{"both nginx's annotations", "nginx", "nginx.org/a: x, nginx.ingress.kubernetes.io/b: y", "", ""},
		{"left over from another", "traefik", "nginx.ingress.kubernetes.io/b: y", "", `traefik.io/ingress-controller by the name of its class, "traefik"`},
		{"left over from another, of a usual name", "haproxy", "nginx.ingress.kubernetes.io/b: y", "", "haproxy by the name of its class"},
		{"a name of one's own", "internal", "nginx.ingress.kubernetes.io/b: y", "", "k8s.io/ingress-nginx by its annotations"},
		{"no class", "", "traefik.ingress.kubernetes.io/router.tls: \"true\"", "", "traefik.io/ingress-controller by its annotations"},
		{"annotations of two", "", "traefik.ingress.kubernetes.io/router.tls: x, nginx.ingress.kubernetes.io/b: y", "", ""},
		{"nothing said", "", "", "", ""},
		{"a name that says nothing", "internal", "", "", ""},
		{"an ALB", "", "alb.ingress.kubernetes.io/scheme: internal, nginx.ingress.kubernetes.io/b: y", "", "ingress.k8s.aws/alb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := strings.Replace(ingress, "{name: i}", "{name: i, annotations: {"+c.annotations+"}}", 1)
			if c.class != "" {
				in = strings.Replace(in, "spec: {", "spec: {ingressClassName: "+c.class+", ", 1)
			}
			m, err := resolve(t, c.stream+in, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(m.Routes[0].Controller + " " + m.Routes[0].Guess); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
