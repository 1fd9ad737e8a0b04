package plan

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

// imageName is an image's last path element, without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	base := path.Base(image)
	base, _, _ = strings.Cut(base, ":")
	return base
}

// isGuard says whether a container stands before the application of its pod: a web server, or an auth proxy, beside
// it. One that has no other beside it is the application.
func isGuard(w *topology.Workload, c *topology.Container) bool {
	return c != nil && guardImage(c) && slices.ContainsFunc(w.Containers, func(other *topology.Container) bool {
		return !other.Init && !guardImage(other)
	})
}

func guardImage(c *topology.Container) bool {
	return webServers[imageName(c.Image)] || authProxies[imageName(c.Image)]
}

// isReloader says whether a container is the one that the operator puts beside its programs to reload them. What it
// listens on holds its own metrics and none of the application.
func isReloader(c *topology.Container) bool {
	return c != nil && c.Node == nil && c.Name == "config-reloader"
}

// ingressControllers are the images of what routes requests to other workloads.
var ingressControllers = map[string]bool{
	"traefik": true, "nginx-ingress": true, "nginx-ingress-controller": true, "ingress-nginx-controller": true, "kubernetes-ingress": true,
	"haproxy-ingress": true, "contour": true, "envoy": true, "kong": true, "kubernetes-ingress-controller": true,
	"aws-load-balancer-controller": true, "aws-alb-ingress-controller": true, "proxyv2": true,
}

// guardOnly says whether all that a workload runs are auth proxies and ingress controllers.
func guardOnly(w *topology.Workload) bool {
	return len(w.Containers) > 0 && !slices.ContainsFunc(w.Containers, func(c *topology.Container) bool {
		return !c.Init && !isAuthProxy(c) && !ingressControllers[imageName(c.Image)] && !strings.Contains(c.Image, "ingress-nginx/controller")
	})
}

func isAuthProxy(c *topology.Container) bool { return c != nil && authProxies[imageName(c.Image)] }
