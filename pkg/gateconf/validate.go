package gateconf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Validate says everything that is wrong with c, one error a setting, joined; nil when a gate can run with it. It
// opens no file and resolves no name.
func (c Config) Validate() error {
	var errs []error
	add := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("--%s: %s", name, fmt.Sprintf(format, args...)))
	}
	c.validateUpstream(add)
	c.validateChecks(add)
	c.validateSignIn(add)
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		add("tls-cert-file", "a certificate and its key go together; give --tls-key-file too, or neither")
	}
	for _, l := range []struct{ name, address string }{{"listen", c.Listen}, {"admin-listen", c.AdminListen}} {
		if _, port, err := net.SplitHostPort(l.address); err != nil || port == "" {
			add(l.name, "%q is not HOST:PORT or :PORT", l.address)
		}
	}
	if c.Listen == c.AdminListen {
		add("admin-listen", "%q is the gate's own address; metrics must not share it", c.AdminListen)
	}
	if err := ValidRealm(c.Realm); err != nil {
		add("realm", "%v", err)
	}
	validPath := func(name, p string) {
		if p != "" && !IsCanonicalPath(p) {
			add(name, "%q is not a plain absolute path such as %s", p, HealthPath)
		}
	}
	if c.HealthPath == "" || c.HealthPath == "/" {
		add("health-path", "%q would leave the application itself without a password; use a path such as %s", c.HealthPath, HealthPath)
	}
	validPath("health-path", c.HealthPath)
	validPath("prefix", c.Prefix)
	if c.Prefix != "" && strings.HasSuffix(c.Prefix, "/") {
		add("prefix", "%q ends in a slash; leave it out", c.Prefix)
	}
	if p := c.UpstreamHealthPath; p != "" {
		if u, err := url.ParseRequestURI(p); err != nil || u.Host != "" || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") {
			add("upstream-health-path", "%q is not a path that starts with a single slash", p)
		}
	}
	for _, cidr := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			add("trusted-proxies", "%q is not a CIDR such as 10.0.0.0/8", cidr)
		}
	}
	c.validateLimits(add)
	if c.LogFormat != "text" && c.LogFormat != "json" {
		add("log-format", "%q is neither text nor json", c.LogFormat)
	}
	return errors.Join(errs...)
}

func (c Config) validateLimits(add func(name, format string, args ...any)) {
	if c.VerifiedTTL < 0 {
		add("verified-ttl", "%s is negative", c.VerifiedTTL)
	}
	if c.HashQueue < 1 {
		add("hash-queue", "%d leaves no place to wait; at least 1", c.HashQueue)
	}
	if c.ShutdownDelay < 0 {
		add("shutdown-delay", "%s is negative", c.ShutdownDelay)
	}
	if c.ShutdownTimeout < 0 {
		add("shutdown-timeout", "%s is negative", c.ShutdownTimeout)
	}
}

func (c Config) validateUpstream(add func(name, format string, args ...any)) {
	if c.Upstream == "" {
		add("upstream", "missing; name the application, such as http://127.0.0.1:9090")
		return
	}
	u, err := url.Parse(c.Upstream)
	if err != nil || u.Host == "" || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		add("upstream", "%q is not an http or https URL such as http://127.0.0.1:9090", c.Upstream)
		return
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		add("upstream", "%s://%s is all that may stand there; user, path and query are not used", u.Scheme, u.Host)
	}
	if u.Scheme == "http" && (c.UpstreamCAFile != "" || c.UpstreamServerName != "" || c.InsecureUpstreamSkipVerify) {
		add("upstream", "%q is not https, so its certificate settings would do nothing; remove them or write https", c.Upstream)
	}
	if c.InsecureUpstreamSkipVerify && !isLoopback(u.Hostname()) {
		add("insecure-upstream-skip-verify", "%q is not on loopback; use --upstream-ca-file", c.Upstream)
	}
	if c.InsecureUpstreamSkipVerify && c.UpstreamCAFile != "" {
		add("insecure-upstream-skip-verify", "contradicts --upstream-ca-file; use one of them")
	}
}

// validateChecks sees to it that something is asked for.
func (c Config) validateChecks(add func(name, format string, args ...any)) {
	switch c.Auth {
	case AuthBasic:
		if c.UsersFile == "" {
			add("users-file", "missing; name the htpasswd file")
		}
	case AuthNone:
		if c.RequireHeader == "" {
			add("auth", "%q would let everybody in; it is only allowed with --require-header", c.Auth)
		}
		if c.SignIn == SignInPage {
			add("sign-in", "%q has nothing to ask for with --auth=none; leave one of them out", c.SignIn)
		}
	default:
		add("auth", "%q is neither basic nor none", c.Auth)
	}
	if (c.RequireHeader == "") != (c.HeaderValuesDir == "") {
		add("require-header", "a header and its accepted values go together; give --header-values-dir too, or neither")
	}
	if c.RequireHeader != "" {
		if err := ValidRequiredHeader(c.RequireHeader); err != nil {
			add("require-header", "%v", err)
		}
	}
}

func (c Config) validateSignIn(add func(name, format string, args ...any)) {
	switch c.SignIn {
	case SignInDialog:
	case SignInPage:
		if c.SessionKeyFile == "" {
			add("session-key-file", "missing; --sign-in=page needs the keys that sign its cookies")
		}
	default:
		add("sign-in", "%q is neither dialog nor page", c.SignIn)
	}
	if c.SessionTTL <= 0 {
		add("session-ttl", "%s is no time at all", c.SessionTTL)
	}
}

// ownHeaders decide over a message's end, its target or its sender, in a way that no secret may stand in for.
var ownHeaders = []string{
	"authorization", "connection", "content-length", "cookie", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection",
	"te", "trailer", "transfer-encoding", "upgrade",
}

// ValidRequiredHeader says whether name is a header that a CDN could add to say that a request came through it: a token of
// RFC 9110 section 5.6.2 that means nothing else.
func ValidRequiredHeader(name string) error {
	for _, r := range name {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return fmt.Errorf("%q is not the name of a header", name)
		}
	}
	if name == "" {
		return errors.New("empty; name a header, such as X-Origin-Verify")
	}
	if slices.Contains(ownHeaders, strings.ToLower(name)) {
		return fmt.Errorf("%q has a meaning of its own; use a name such as X-Origin-Verify", name)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// ValidRealm says whether realm can stand in a challenge: not empty, and no control character, which RFC 9110
// section 5.6.4 keeps out of a quoted string.
func ValidRealm(realm string) error {
	if strings.TrimSpace(realm) == "" {
		return errors.New("empty; browsers show it to the person who signs in")
	}
	for _, r := range realm {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return fmt.Errorf("%q contains a control character", realm)
		}
	}
	return nil
}

// IsCanonicalPath says whether p is an absolute path that every reader understands in the same way: no dot segments, no
// empty segments, no escapes, and only characters that a URL may carry unescaped. One slash may end it.
func IsCanonicalPath(p string) bool {
	if p == "/" {
		return true
	}
	if !strings.HasPrefix(p, "/") || path.Clean(p) != strings.TrimSuffix(p, "/") {
		return false
	}
	for _, r := range p {
		if !strings.ContainsRune("-._~/+=:@,!$&'()*", r) && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return false
		}
	}
	return true
}
