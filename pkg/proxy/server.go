// Package proxy owns the sidecar: the handler chain in front of one application, forwarding, health, the pages of a
// refusal, the access log, metrics, and the life of the process from its listeners to the end of the drain.
//
// A request goes through log and recover, one snapshot of the users, the refusal of what is ambiguous, the stripping
// of identity headers, the health path, the required header, the checks, and is forwarded. That order is what the package is for: nothing
// can be let through before it was stripped.
package proxy

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth/basic"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/proxy/front"
)

// Limits of the listener. There is no limit on how long a body may take: streams are what it would break.
const (
	maxHeaderBytes    = 64 << 10
	readHeaderTimeout = 10 * time.Second
	// A load balancer must be the one that closes an idle connection, or it sends a request into one that is just
	// being closed, and answers 502. Google's keeps them for 600 s, which cannot be changed; ALB's default is 60 s.
	idleTimeout = 620 * time.Second
	// How long handlers may take to notice that their connections were cut at the end of the drain.
	cutTimeout = time.Second
)

// Options are what Run needs beside the settings.
type Options struct {
	Log     io.Writer // log lines; one Write may hold several
	Version string    // of this build, for metrics and /status
}

// Server is one gate with its two listeners. Make it with New, then call Listen and Serve once.
type Server struct {
	cfg       gateconf.Config
	upstream  *upstream
	log       *slog.Logger
	lines     *logWriter
	users     *users
	origin    *origin
	cert      *certificate // nil: plain HTTP
	gate      *gate
	servers   [2]*http.Server // the gate's and the admin's
	opened    [2]net.Listener
	strangers [2]strangers       // of each server
	front     *front.Listener    // of the gate; nil: all requests are net/http's
	cut       context.CancelFunc // ends the context of every request
	plain     bool               // no short way in: for comparisons
}

// Run runs a gate until ctx ends and the requests under way are done. It returns nil after such an end.
func Run(ctx context.Context, cfg gateconf.Config, o Options) error {
	s, err := New(cfg, o)
	if err != nil {
		return err
	}
	// net/http tells the process's log of answers that nobody asked for, and quotes them.
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(s.log.Handler(), slog.LevelDebug).Writer())
	if err := s.Listen(); err != nil {
		return err
	}
	return s.Serve(ctx)
}

// New validates cfg and reads the files that it names. Only the users file may be missing or bad: the gate then
// refuses everybody, and follows the file.
func New(cfg gateconf.Config, o Options) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	up, err := newUpstream(cfg)
	if err != nil {
		return nil, err
	}
	pages, err := newPages(cfg)
	if err != nil {
		return nil, err
	}
	m := newMetrics(o.Version)
	s := &Server{cfg: cfg, upstream: up, lines: &logWriter{out: o.Log, dropped: m.logLost}}
	access, events := newLoggers(cfg, s.lines)
	s.log = events
	if !cfg.AccessLog {
		access = nil
	}
	clients := newClients(cfg.TrustedProxies)
	s.users = newUsers(cfg, basic.Options{
		Realm: cfg.Realm, TTL: cfg.VerifiedTTL, Queue: cfg.HashQueue, Source: clients.source, Observe: m.observer(),
	}, events, m)
	s.origin, s.cert = newOrigin(cfg, events), newCertificate(cfg, events)
	s.gate = &gate{
		healthPath: cfg.HealthPath, ownPrefix: cfg.Prefix + "/_kauth/",
		origin: s.origin, open: cfg.Auth == gateconf.AuthNone, users: s.users, clients: clients, pages: pages, metrics: m, access: access, log: events,
		health: newHealth(up, cfg.UpstreamHealthPath),
	}
	s.gate.forward = newForwarder(up, s.gate)
	s.gate.signIn = newSignIn(cfg, s.gate, s.users)
	s.listenSettings(&admin{version: o.Version, upstream: cfg.Upstream, users: s.users, gate: s.gate, metrics: m})
	return s, nil
}

func (s *Server) listenSettings(admin *admin) {
	base, cut := context.WithCancel(context.Background())
	s.cut = cut
	for i, h := range []http.Handler{s.gate, admin.handler()} {
		s.servers[i] = &http.Server{
			Handler:           h,
			ReadHeaderTimeout: readHeaderTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
			BaseContext:       func(net.Listener) context.Context { return base },
			// Otherwise net/http answers "OPTIONS *" with 200 itself, before the gate sees it.
			DisableGeneralOptionsHandler: true,
		}
		s.strangers[i].guard(s.servers[i])
	}
	if s.cert != nil {
		s.servers[0].TLSConfig = s.cert.config()
		s.servers[0].HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	}
}

// Listen opens both ports and reads the users, so that the first request finds them.
func (s *Server) Listen() error {
	for i, l := range []struct{ name, address string }{{"listen", s.cfg.Listen}, {"admin-listen", s.cfg.AdminListen}} {
		ln, err := net.Listen("tcp", l.address)
		if err != nil {
			if i == 1 {
				_ = s.opened[0].Close() // nobody has connected
			}
			return fmt.Errorf("--%s: %w; choose another address", l.name, err)
		}
		s.opened[i] = ln
	}
	if s.cert == nil && !s.plain {
		s.front = front.New(s.opened[0], s.servers[0])
	}
	s.load()
	return nil
}

// load reads the files that may change later, once. What is missing or bad has then been told.
func (s *Server) load() {
	if s.cfg.Auth != gateconf.AuthNone {
		s.users.load()
	}
	if s.cfg.RequireHeader != "" {
		_ = s.origin.watcher.Load()
	}
	if s.cert != nil {
		_ = s.cert.watcher.Load()
	}
}

// watch follows them until ctx ends, whose error is all that Run returns.
func (s *Server) watch(ctx context.Context) {
	if s.cfg.Auth != gateconf.AuthNone {
		s.users.watch(ctx)
	}
	if s.cfg.RequireHeader != "" {
		go s.origin.watcher.Run(ctx) //nolint:errcheck // see above
	}
	if s.cert != nil {
		go s.cert.watcher.Run(ctx) //nolint:errcheck // see above
	}
}

// serve serves the gate (0) or the admin port (1).
func (s *Server) serve(i int) error {
	switch {
	case i == 0 && s.cert != nil:
		return s.servers[i].ServeTLS(s.opened[i], "", "")
	case i == 0 && s.front != nil:
		return s.servers[i].Serve(s.front)
	}
	return s.servers[i].Serve(s.opened[i])
}

// Addr returns the address of the gate, after Listen.
func (s *Server) Addr() string { return s.opened[0].Addr().String() }

// AdminAddr returns the address of metrics, livez and readyz, after Listen.
func (s *Server) AdminAddr() string { return s.opened[1].Addr().String() }

// Serve serves until ctx ends, then drains: as long as the upstream takes connections, but no longer than ShutdownDelay,
// new ones are still taken here, since routes to this pod take a while to go away, and every answer asks its client to
// come back elsewhere; then nothing new is taken, and requests under way have ShutdownTimeout. WebSockets are closed
// when all other requests are done.
func (s *Server) Serve(ctx context.Context) error {
	defer s.lines.Flush()
	watching, stop := context.WithCancel(context.Background())
	defer stop()
	s.watch(watching)

	failed := make(chan error, len(s.servers))
	for i := range s.servers {
		go func() { failed <- s.serve(i) }()
	}
	s.log.Info("serving", "listen", s.Addr(), "admin", s.AdminAddr(), "upstream", s.cfg.Upstream)
	s.gate.serving.Store(true)

	var err error
	select {
	case err = <-failed: // a listener broke: what is under way may still finish
	case <-ctx.Done():
		s.gate.draining.Store(true)
		s.log.Info("shutting down", "delay", s.cfg.ShutdownDelay.String(), "timeout", s.cfg.ShutdownTimeout.String())
		select {
		case err = <-failed:
		case <-s.upstream.end(watching):
		case <-time.After(s.cfg.ShutdownDelay):
		}
	}
	s.drain()
	return err
}
