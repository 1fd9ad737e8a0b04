//go:build linux

package cluster

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/test/lab/kit"
)

// traefikClasses are what Ingresses name as their class, and HTTPRoutes as their parent: a Gateway that takes routes of all
// namespaces, on the same port as Ingresses.
const traefikClasses = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: traefik}
spec: {controller: traefik.io/ingress-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik}
spec: {controllerName: traefik.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: traefik, namespace: kube-system}
spec:
  gatewayClassName: traefik
  listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
`

// StartTraefik starts the ingress controller, of class "traefik", on port 80 of NodeIP, and waits until it answers. It reads
// Ingresses, its own kinds, and those of the Gateway API.
func (c *Cluster) StartTraefik(ctx context.Context) error {
	if err := c.apply(ctx, "traefik.yaml", traefikClasses); err != nil {
		return err
	}
	// Traefik has no option for a kubeconfig, only the variable.
	if err := c.start("traefik", "/usr/bin/env", "KUBECONFIG="+c.Kubeconfig, c.tools.Traefik,
		"--entrypoints.web.address="+NodeIP+":80", "--entrypoints.traefik.address=127.0.0.1:8082", "--ping=true",
		"--providers.kubernetesingress=true", "--providers.kubernetesingress.ingressclass=traefik",
		"--providers.kubernetesingress.ingressendpoint.ip="+NodeIP,
		"--providers.kubernetescrd=true",
		"--providers.kubernetesgateway=true", "--providers.kubernetesgateway.experimentalchannel=true",
		"--providers.kubernetesgateway.statusaddress.ip="+NodeIP,
		"--serverstransport.insecureskipverify=true", // as an ALB, it asks for no proof of whom it speaks HTTPS to
		"--global.checknewversion=false", "--global.sendanonymoususage=false"); err != nil {
		return err
	}
	return c.await(ctx, "Traefik", answers("http://127.0.0.1:8082/ping"))
}

// StartOperator starts prometheus-operator. It is a process of the node, not a pod, and makes what Prometheus and Alertmanager
// resources of all namespaces ask for.
func (c *Cluster) StartOperator(ctx context.Context) error {
	key, cert := c.path("pki", "kubelet-client.key"), c.path("pki", "kubelet-client.crt") // of an administrator
	if err := c.start("prometheus-operator", c.tools.Operator, "--apiserver="+apiURL, "--ca-file="+c.path("pki", "ca.crt"),
		"--cert-file="+cert, "--key-file="+key, "--prometheus-config-reloader="+kit.ReloaderImage,
		"--config-reloader-cpu-limit=0", "--config-reloader-cpu-request=0", // a hundredth of a core is four seconds of every start
		"--web.listen-address=127.0.0.1:8083"); err != nil {
		return err
	}
	return c.await(ctx, "prometheus-operator", answers("http://127.0.0.1:8083/healthz"))
}

// bringKinds brings in the kinds of prometheus-operator, Traefik and the Gateway API, and waits until they are served: the
// operator looks once, as it starts, which of its kinds there are, and never makes the others.
func (c *Cluster) bringKinds(ctx context.Context) error {
	if err := c.kubectl(ctx, "apply", "--server-side", "-f", kit.Beside(c.tools.Operator, "crds"), "-f", c.tools.CRDs); err != nil {
		return err
	}
	return c.await(ctx, "kinds of prometheus-operator, Traefik and the Gateway API", c.kindsServed)
}

// kindsServed returns nil when the API server has all kinds that the lab's controllers make something of.
func (c *Cluster) kindsServed(context.Context) error {
	for version, kinds := range map[string][]string{
		"monitoring.coreos.com/v1":           {"alertmanagers", "podmonitors", "probes", "prometheuses", "prometheusrules", "servicemonitors", "thanosrulers"},
		"monitoring.coreos.com/v1alpha1":     {"alertmanagerconfigs", "prometheusagents", "scrapeconfigs"},
		"traefik.io/v1alpha1":                {"ingressroutes", "ingressroutetcps", "ingressrouteudps", "middlewares", "middlewaretcps", "serverstransports", "serverstransporttcps", "tlsoptions", "tlsstores", "traefikservices"},
		"gateway.networking.k8s.io/v1":       {"backendtlspolicies", "gatewayclasses", "gateways", "grpcroutes", "httproutes"},
		"gateway.networking.k8s.io/v1beta1":  {"referencegrants"},
		"gateway.networking.k8s.io/v1alpha2": {"tcproutes", "tlsroutes"},
	} {
		list, err := c.Client.Discovery().ServerResourcesForGroupVersion(version)
		if err != nil {
			return err
		}
		for _, kind := range kinds {
			if !slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == kind }) {
				return fmt.Errorf("%s of %s: not served yet", kind, version)
			}
		}
	}
	return nil
}

// answers asks for a page until it is there.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		return nil
	}
}

// apply hands an object over to the API server, which may know it already.
func (c *Cluster) apply(ctx context.Context, name, text string) error {
	file, err := c.write("objects/"+name, text)
	if err != nil {
		return err
	}
	return c.kubectl(ctx, "apply", "--server-side", "-f", file)
}

func (c *Cluster) kubectl(ctx context.Context, args ...string) error {
	return kit.Run(ctx, append([]string{c.tools.Kube, "kubectl", "--kubeconfig=" + c.Kubeconfig}, args...)...)
}
