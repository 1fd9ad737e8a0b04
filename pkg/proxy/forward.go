package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/reload"
)

// upstream is the one application behind the gate.
type upstream struct {
	url       *url.URL
	address   string // host:port
	tls       *tls.Config
	dialer    *net.Dialer
	transport *http.Transport
}

func newUpstream(cfg gateconf.Config) (*upstream, error) {
	u, err := url.Parse(cfg.Upstream)
	if err != nil {
		return nil, fmt.Errorf("--upstream: %w", err)
	}
	up := &upstream{
		url: &url.URL{Scheme: u.Scheme, Host: u.Host}, address: u.Host,
		dialer: &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second},
	}
	if u.Port() == "" {
		up.address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	if u.Scheme == "https" {
		up.tls = &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: cfg.UpstreamServerName,
			InsecureSkipVerify: cfg.InsecureUpstreamSkipVerify, //nolint:gosec // gateconf allows it on loopback only
		}
		if cfg.UpstreamCAFile != "" {
			if up.tls.RootCAs, _, err = readCAs(cfg.UpstreamCAFile); err != nil {
				return nil, err
			}
		}
		if up.tls.ServerName == "" {
			up.tls.ServerName = u.Hostname()
		}
	}
	up.transport = &http.Transport{
		Proxy:               nil, // HTTP_PROXY must not carry loopback traffic, credentials and all, elsewhere
		DialContext:         up.dialer.DialContext,
		TLSClientConfig:     up.tls,
		TLSHandshakeTimeout: 5 * time.Second,
		DisableCompression:  true, // the client's Accept-Encoding decides
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		// Shorter than the 5 s after which Node's server closes an idle connection, the shortest default in common use: a
		// POST sent into a connection that is just being closed fails, since it cannot be sent again. A dial on loopback
		// every few seconds costs nothing.
		IdleConnTimeout:        4 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	return up, nil
}

func readCAs(file string) (*x509.CertPool, int, error) {
	pem, err := reload.File(file)()
	if err != nil {
		return nil, 0, fmt.Errorf("--upstream-ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, 0, fmt.Errorf("--upstream-ca-file: %s: no certificate in PEM form; name the CA that signed the upstream's certificate", file)
	}
	return pool, strings.Count(string(pem), "-----BEGIN CERTIFICATE-----"), nil
}

var (
	errStatus  = errors.New("final answer with a status below 200")
	errUnasked = errors.New("101 to a request that asked for another upgrade, or none")
)

// newReverseProxy returns the way to the upstream that covers everything: bodies, upgrades, trailers, TLS. It flushes event
// streams and bodies of unknown length at once, and cuts the connection when the upstream breaks off in the middle of a body.
func newReverseProxy(up *upstream, g *gate, pool httputil.BufferPool) http.Handler {
	return &httputil.ReverseProxy{
		Transport:  up.transport,
		BufferPool: pool,
		ErrorLog:   slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		Rewrite:    func(pr *httputil.ProxyRequest) { rewrite(pr, up.url) },
		ModifyResponse: func(res *http.Response) error {
			if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
				return errStatus // net/http would panic when it is to be written
			}
			if res.StatusCode == http.StatusSwitchingProtocols && !strings.EqualFold(res.Header.Get("Upgrade"), res.Request.Header.Get("Upgrade")) {
				return errUnasked // ReverseProxy refuses it too, but leaves the connection to the upstream open for ever
			}
			noGuess(exchangeOf(res.Request).Header(), res)
			stripSetCookies(res.Header)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) { g.forwardFailed(exchangeOf(r), r, err) },
	}
}

// rewrite makes the request that the upstream gets. ReverseProxy has already removed what the client's Connection
// header names, so a client cannot have our headers taken out again (CVE-2024-45410).
func rewrite(pr *httputil.ProxyRequest, to *url.URL) {
	e, out := exchangeOf(pr.In), pr.Out
	out.URL.Scheme, out.URL.Host = to.Scheme, to.Host
	out.URL.RawQuery = pr.In.URL.RawQuery // as it came: no decision was taken on it, and some applications allow semicolons
	say(out.Header, pr.In, e)
	if out.Body != nil {
		e.body = &clientBody{ReadCloser: out.Body, in: pr.In, out: out}
		out.Body = e.body
		for name := range out.Trailer {
			if isForged(name) {
				delete(out.Trailer, name)
			}
		}
	}
}

// say takes the credential out of the header of a request to the upstream and puts in who sent the request, and from
// where. The header may be that of in.
func say(out http.Header, in *http.Request, e *exchange) {
	for _, name := range e.consumed {
		out.Del(name)
	}
	stripCookies(out)
	setForwarded(out, in, e.client)
	if e.identity.User != "" {
		out["X-Forwarded-User"] = []string{e.identity.User}
	}
	if len(e.identity.Groups) > 0 {
		out["X-Forwarded-Groups"] = []string{strings.Join(e.identity.Groups, ",")}
	}
}

func setForwarded(out http.Header, in *http.Request, who client) {
	chain := who.peer.String()
	if who.trusted {
		if prior := in.Header["X-Forwarded-For"]; len(prior) > 0 {
			chain = strings.Join(prior, ", ") + ", " + chain
		}
	}
	if who.peer.IsValid() {
		out["X-Forwarded-For"] = []string{chain}
	}
	proto := "http"
	if in.TLS != nil {
		proto = "https"
	}
	for _, own := range [...]struct{ name, value string }{{"X-Forwarded-Host", in.Host}, {"X-Forwarded-Proto", proto}} {
		if said := in.Header[own.name]; who.trusted && len(said) > 0 {
			out[own.name] = said
		} else {
			out[own.name] = []string{own.value}
		}
	}
	// ReverseProxy drops these two, when named in Connection, with the rest.
	for _, name := range [...]string{"X-Forwarded-Port", "X-Forwarded-Prefix"} {
		if said := in.Header[name]; who.trusted && len(said) > 0 {
			out[name] = said
		}
	}
}

// clientBody is the body of a request on its way to the upstream. It remembers a failure of the client's side, and
// carries the trailers over: net/http fills In.Trailer at the end of the body, while the clone that is sent on would
// keep the announced names without values.
type clientBody struct {
	io.ReadCloser
	in, out *http.Request

	mu     sync.Mutex
	result error // of the Read that ended it: io.EOF, or a failure of the client's side
}

func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		for name := range b.out.Trailer { // the announced ones that were not stripped
			b.out.Trailer[name] = b.in.Trailer[name]
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.result = err
	return n, err
}

// ended says whether the whole body came.
func (b *clientBody) ended() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Is(b.result, io.EOF)
}

// failed says whether the body is to blame: cut short, or not framed as it should be.
func (b *clientBody) failed() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.result != nil && !errors.Is(b.result, io.EOF) && !errors.Is(b.result, http.ErrBodyReadAfterClose)
}

// forwardFailed answers a request that the upstream did not.
func (g *gate) forwardFailed(e *exchange, r *http.Request, err error) {
	switch {
	case errors.Is(err, context.Canceled) && e.Err() != nil:
		panic(http.ErrAbortHandler)
	case e.body.failed():
		g.refuse(e, r, badRequest, http.StatusBadRequest, "body")
		return
	}
	g.log.Warn("upstream does not answer", "error", oneLine(err)) // it may quote a megabyte of what the upstream sent
	g.refuse(e, r, upstreamError, http.StatusBadGateway, "upstream does not answer")
}
