// Package program owns what can be known of the programs in the containers of a workload, by their images, arguments and
// probes: which of them ask for a login, where they listen, and what they serve.
package program

import (
	"path"
	"slices"
	"strings"

	"github.com/kauth-dev/kauth/pkg/topology"
)

// webServers are the images that people build a guard by hand from, in the same pod.
var webServers = map[string]bool{
	"nginx": true, "nginx-unprivileged": true, "openresty": true, "httpd": true, "caddy": true, "haproxy": true,
}

// authProxies are the images of guards that ask for a login themselves.
var authProxies = map[string]bool{
	"oauth2-proxy": true, "oauth2_proxy": true, "oauth-proxy": true, "kube-rbac-proxy": true, "pomerium": true, "authelia": true,
	"louketo-proxy": true, "keycloak-gatekeeper": true, "gatekeeper": true, "prom-authzed-proxy": true,
}

// ImageName is an image's last path element, without tag and digest.
func ImageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	base := path.Base(image)
	base, _, _ = strings.Cut(base, ":")
	return base
}

// IsGuard says whether a container stands before the application of its pod: a web server, or an auth proxy, beside
// it. One that has no other beside it is the application.
func IsGuard(w *topology.Workload, c *topology.Container) bool {
	return c != nil && guardImage(c) && slices.ContainsFunc(w.Containers, func(other *topology.Container) bool {
		return !other.Init && !guardImage(other)
	})
}

func guardImage(c *topology.Container) bool {
	return webServers[ImageName(c.Image)] || authProxies[ImageName(c.Image)]
}

// IsReloader says whether a container is the one that the operator puts beside its programs to reload them. What it
// listens on holds its own metrics and none of the application.
func IsReloader(c *topology.Container) bool {
	return c != nil && c.Node == nil && c.Name == "config-reloader"
}

// ingressControllers are the images of what routes requests to other workloads.
var ingressControllers = map[string]bool{
	"traefik": true, "nginx-ingress": true, "nginx-ingress-controller": true, "ingress-nginx-controller": true, "kubernetes-ingress": true,
	"haproxy-ingress": true, "contour": true, "envoy": true, "kong": true, "kubernetes-ingress-controller": true,
	"aws-load-balancer-controller": true, "aws-alb-ingress-controller": true, "proxyv2": true,
}

// GuardsOnly says whether all that a workload runs are auth proxies and ingress controllers.
func GuardsOnly(w *topology.Workload) bool {
	return len(w.Containers) > 0 && !slices.ContainsFunc(w.Containers, func(c *topology.Container) bool {
		return !c.Init && !IsAuthProxy(c) && !ingressControllers[ImageName(c.Image)] && !strings.Contains(c.Image, "ingress-nginx/controller")
	})
}

// IsAuthProxy says whether a container asks for a login itself.
func IsAuthProxy(c *topology.Container) bool { return c != nil && authProxies[ImageName(c.Image)] }

// IsLiveReloader is IsReloader for pods too, where the operator's container is one like all others.
func IsLiveReloader(c *topology.Container) bool {
	return IsReloader(c) || c != nil && c.Name == "config-reloader" && ImageName(c.Image) == "prometheus-config-reloader"
}
