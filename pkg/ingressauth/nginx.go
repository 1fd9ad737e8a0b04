package ingressauth

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Annotations of ingress-nginx that make it ask, and those that may undo that
// (kubernetes/ingress-nginx:docs/user-guide/nginx-configuration/annotations.md).
const (
	NGINXAuthType   = topology.NGINXPrefix + "auth-type"
	NGINXAuthSecret = topology.NGINXPrefix + "auth-secret"
	NGINXSecretType = topology.NGINXPrefix + "auth-secret-type"
	NGINXAuthRealm  = topology.NGINXPrefix + "auth-realm"
	NGINXAuthURL    = topology.NGINXPrefix + "auth-url"
	nginxSatisfy    = topology.NGINXPrefix + "satisfy"
	nginxCanary     = topology.NGINXPrefix + "canary"
)

// nginxRealm is what ingress-nginx takes for a realm; with another one it ignores the whole Ingress
// (internal/ingress/annotations/parser/validators.go, CharsWithSpace).
var nginxRealm = regexp.MustCompile(`^[-._~a-zA-Z0-9/: ]+$`)

// nginxObstacle says why ingress-nginx would not ask, or not ask everybody.
func nginxObstacle(m *topology.Model, r *topology.Route, realm string) *Obstacle {
	on := func(key string) manifest.Path { return manifest.P("metadata", "annotations", key) }
	switch {
	case strings.TrimSpace(r.Annotations[nginxSatisfy]) != "" && r.Annotations[nginxSatisfy] != "all":
		return &Obstacle{on(nginxSatisfy), "is led to by an Ingress that lets in whoever satisfies another rule, without a password", "remove it, or say all"}
	case r.Annotations[nginxCanary] == "true":
		return &Obstacle{
			on(nginxCanary), "is led to by a canary Ingress, of which ingress-nginx takes the annotations of the main one", OrSidecar,
		}
	case realm == "off":
		return &Obstacle{nil, "is led to by ingress-nginx, for which the realm \"off\" means that nobody is asked", "choose another realm"}
	case !nginxRealm.MatchString(realm):
		return &Obstacle{
			nil, "is led to by ingress-nginx, which ignores an Ingress with the realm " + strconv.Quote(realm), "choose one of ASCII letters, digits, blanks and -._~/:",
		}
	}
	const nothingElse = "leave nothing in it but headers and sizes, or " + OrSidecar
	if key := harmfulPiece(r, topology.NGINXPrefix); key != "" {
		return &Obstacle{on(key), "is led to by an Ingress with a piece of nginx's configuration that may let people in without a password", nothingElse}
	}
	for _, other := range m.PiecesBeside(r) {
		if key := harmfulPiece(other, topology.ServerPrefix); key != "" {
			return &Obstacle{
				nil, "is led to for a host of which " + other.Object.Short() + " says " + strconv.Quote(key) + ", a piece of nginx's configuration that may let people in without a password", nothingElse,
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
		switch ours := strings.HasPrefix(key, topology.NGINXPrefix); {
		case !ours && strings.HasPrefix(key, "nginx.") && !strings.HasPrefix(key, "nginx.org/") && !strings.HasPrefix(key, "nginx.com/"):
			return &Obstacle{
				on(key), "is led to by an Ingress whose controller reads annotations with another prefix than " + topology.NGINXPrefix, "remove it, or " + OrSidecar,
			}
		}
	}
	return nil
}

// harmfulPiece is the first annotation of an Ingress, of those that start so, with a piece of nginx's configuration that is
// not harmless; "" where there is none.
func harmfulPiece(r *topology.Route, start string) string {
	for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
		if strings.HasPrefix(key, start) && strings.Contains(key, "snippet") && !harmless(r.Annotations[key]) {
			return key
		}
	}
	return ""
}

// tame are the directives of nginx that neither let anybody in nor lead elsewhere.
var tame = map[string]bool{
	"add_header": true, "more_set_headers": true, "more_clear_headers": true, "proxy_set_header": true, "proxy_hide_header": true,
	"proxy_read_timeout": true, "proxy_send_timeout": true, "proxy_connect_timeout": true, "proxy_buffering": true, "proxy_buffer_size": true, "proxy_buffers": true,
	"proxy_http_version": true, "client_max_body_size": true, "client_body_buffer_size": true, "gzip": true, "gzip_types": true, "charset": true, "expires": true,
	"sub_filter": true, "sub_filter_once": true, "limit_rate": true, "send_timeout": true, "keepalive_timeout": true,
}

// harmless says whether all that a piece of nginx's configuration holds is tame. Blocks are not. It is read as nginx
// reads it: quotes and remarks begin only where a word may begin (ngx_conf_read_token).
func harmless(text string) bool {
	var quote rune
	var statement strings.Builder
	start, escaped, remark := true, false, false // start: of a word
	for _, r := range text {
		begins := start
		start = false
		switch {
		case remark:
			remark, start = r != '\n', r == '\n'
			continue
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case begins && (r == '"' || r == '\''):
			quote = r
		case begins && r == '#':
			remark = true
			continue
		case r == '{' || r == '}':
			return false
		case r == ';':
			if words := strings.Fields(statement.String()); len(words) > 0 && !tame[words[0]] {
				return false
			}
			statement.Reset()
			start = true
			continue
		case strings.ContainsRune(" \t\r\n", r):
			start = true
		}
		statement.WriteRune(r)
	}
	return quote == 0 && strings.TrimSpace(statement.String()) == ""
}

// nginxAsks says whether an Ingress has ingress-nginx ask for the passwords of a Secret.
func nginxAsks(m *topology.Model, r *topology.Route, secret, realm string) bool {
	kind, shown := r.Annotations[NGINXSecretType], r.Annotations[NGINXAuthRealm]
	return r.Annotations[NGINXAuthType] == "basic" && is(secret, r.Annotations[NGINXAuthSecret]) && (kind == "" || kind == "auth-file") &&
		is(realm, shown) && nginxObstacle(m, r, shown) == nil
}
