package proxy

import (
	"net/http"
	"strings"
)

// Applications take these headers for the word of the proxy in front of them about who the user is or where the
// request came from. From a client they are forgeries. All are in folded form.
var forgedNames = map[string]bool{
	// oauth2-proxy as a reverse proxy, and its consumers, say X-Forwarded-User and the like: see forgedPrefixes.
	"gap-auth": true, "gap-signature": true, "gap-upstream-address": true,
	// Plain names that small applications and Grafana's auth.proxy examples use.
	"x-user": true, "x-username": true, "x-user-name": true, "x-user-id": true, "x-user-email": true,
	"x-user-groups": true, "x-user-roles": true, "x-email": true, "x-groups": true, "x-logged-in-user": true,
	"x-authenticated-user": true, "x-authenticated-userid": true, "x-authenticated-groups": true,
	"x-proxy-user": true, "auth-user": true, "x-auth-email": true, "x-auth-name": true, "x-auth-roles": true, "x-auth-subject": true, "x-auth-identity": true,
	"x-token-subject": true, "user": true,
	"x-ms-client-principal": true, "x-oidc-user": true, "x-identity": true, "x-sso-user": true, "iv-user": true, "iv-groups": true, "sm-user": true,
	// Where the request came from and what it asked for, as a proxy in front would say it.
	"forwarded": true, "x-real-ip": true, "x-client-ip": true, "client-ip": true, "true-client-ip": true,
	"x-cluster-client-ip": true, "cf-connecting-ip": true, "fastly-client-ip": true, "x-originating-ip": true,
	"x-remote-ip": true, "x-remote-addr": true, "x-host": true, "x-rewrite-url": true, "front-end-https": true,
	// CGI makes HTTP_PROXY of it: httpoxy.org.
	"proxy": true,
}

var forgedPrefixes = []string{
	"x-forwarded-",                                   // and For, Host, Proto, Port, Prefix, Client-Cert, Access-Token
	"x-auth-request-", "x-auth-user", "x-auth-group", // oauth2-proxy under nginx; not X-Auth-Token, a credential like a Bearer
	"x-kauth-",                                            // ours
	"x-remote-",                                           // Kubernetes' request header authentication: -User, -Group, -Extra-*
	"remote-",                                             // Authelia; REMOTE_USER of CGI
	"x-webauth-",                                          // Grafana
	"x-authentik-", "x-pomerium-", "x-vouch-", "x-authz-", // other gates
	"x-goog-authenticated-user-", "x-goog-iap-", "x-amzn-oidc-", "x-ms-client-principal-", "cf-access-",
	"x-ssl-client-", "ssl-client-", "x-client-cert", "x-client-verify", "x-tls-client-", // mutual TLS, ended in front
	"x-original-", // X-Original-URL: the path, taken from a header
}

// What a trusted proxy may say, in this spelling only: any other spelling is one that the proxy in front did not
// recognise as its own header either, and so let the client write.
var keptFromTrusted = map[string]bool{
	"X-Forwarded-For": true, "X-Forwarded-Proto": true, "X-Forwarded-Host": true, "X-Forwarded-Port": true,
	"X-Forwarded-Prefix": true,
}

const longestForged = 64

// isForged says whether an application might read name as one of the headers above. Names are compared as the least
// careful reader would: CGI and its heirs turn dashes, and some of them every other sign, into underscores.
func isForged(name string) bool {
	var folded [longestForged]byte
	n := min(len(name), longestForged)
	for i := range n {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		default:
			c = '-'
		}
		folded[i] = c
	}
	switch folded[0] {
	case 'a', 'c', 'f', 'g', 'i', 'p', 'r', 's', 't', 'u', 'x':
	default:
		return false
	}
	if len(name) <= longestForged && forgedNames[string(folded[:n])] {
		return true
	}
	for _, p := range forgedPrefixes {
		if n >= len(p) && string(folded[:len(p)]) == p {
			return true
		}
	}
	return false
}

// strip removes every identity and forwarding header that the client sent. A trusted peer's X-Forwarded-For, -Proto,
// -Host, -Port and -Prefix stay. Trailers are headers too: applications that merge them would be taken in.
func strip(r *http.Request, trusted bool) {
	for name := range r.Header {
		if isForged(name) && !(trusted && keptFromTrusted[name]) {
			delete(r.Header, name)
		}
	}
	stripUpgrade(r.Header)
}

// stripUpgrade leaves of all upgrades the WebSocket: after any other, such as h2c, requests would follow on the
// connection that no check sees (golang/go#80416).
func stripUpgrade(h http.Header) {
	up, ok := h["Upgrade"]
	if ok && (len(up) != 1 || !strings.EqualFold(up[0], "websocket")) {
		delete(h, "Upgrade")
	}
	delete(h, "Http2-Settings")
}
