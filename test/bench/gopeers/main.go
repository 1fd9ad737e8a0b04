// Command gopeers is what the benchmarks put beside kauth-proxy that is made of Go modules: the bare reverse proxy of the
// standard library, the same behind Prometheus' exporter-toolkit, and an application that takes bodies.
package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

func main() {
	listen := flag.String("listen", "", "address, host:port")
	upstream := flag.String("upstream", "", "URL of the application; empty: be the application, which reads a body and answers with its length")
	config := flag.String("web-config", "", "file of exporter-toolkit; empty: no password")
	flag.Parse()
	if err := run(*listen, *upstream, *config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen, upstream, config string) error {
	handler := http.Handler(http.HandlerFunc(takeBody))
	if upstream != "" {
		u, err := url.Parse(upstream)
		if err != nil {
			return err
		}
		handler = reverseProxy(u)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	if config == "" {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return err
		}
		return srv.Serve(l)
	}
	systemd := false
	return web.ListenAndServe(srv, &web.FlagConfig{
		WebListenAddresses: &[]string{listen}, WebSystemdSocket: &systemd, WebConfigFile: &config,
	}, slog.New(slog.DiscardHandler))
}

// reverseProxy is httputil.ReverseProxy as one who has read its documentation sets it up: buffers are kept, and so are as
// many connections as the benchmarks use, of which http.Transport by itself keeps two.
func reverseProxy(u *url.URL) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.DisableCompression = 0, 1024, true
	return &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(u); r.SetXForwarded() },
		Transport:  transport,
		BufferPool: &buffers{},
	}
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[32 << 10]byte); ok {
		return p[:]
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put((*[32 << 10]byte)(p)) }

func takeBody(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
}
