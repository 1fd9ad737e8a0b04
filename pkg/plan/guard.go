package plan

import (
	"path"
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
// it. A web server that is the pod's only container is the application.
func isGuard(c *topology.Container) bool {
	return c != nil && (webServers[imageName(c.Image)] || authProxies[imageName(c.Image)])
}

func isAuthProxy(c *topology.Container) bool { return c != nil && authProxies[imageName(c.Image)] }
