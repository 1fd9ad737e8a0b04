package proxy

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kauth-dev/kauth/pkg/auth/session"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/reload"
)

// sessions follows the file of the keys that sign session cookies. Without a key the gate does as with --sign-in=dialog:
// nobody is let in by a cookie, and nobody is sent to a page that could not let them in.
type sessions struct {
	check   *session.Check
	watcher *reload.Watcher[*session.Keys]
	log     *slog.Logger
	file    string
	secret  string
	keys    prometheus.Gauge
	reloads [2]prometheus.Counter       // failure, success
	seen    reload.State[*session.Keys] // the state last told; only told touches it
}

// newSessions returns nil where people sign in by the browser's dialog.
func newSessions(cfg gateconf.Config, names cookies, log *slog.Logger, m *metrics) *sessions {
	if cfg.SignIn != gateconf.SignInPage {
		return nil
	}
	s := &sessions{
		check: session.New(session.Options{Cookie: names.session, TTL: cfg.SessionTTL}),
		log:   log, file: cfg.SessionKeyFile, secret: cfg.UsersSecret,
		keys: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kauth_proxy_session_keys", Help: "Keys for session cookies in force; 0: the sign-in page is replaced by the browser's dialog.",
		}),
	}
	reloads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kauth_proxy_session_key_reloads_total", Help: "Changes of the session key file, by whether they could be put in force.",
	}, []string{"result"})
	s.reloads = [2]prometheus.Counter{reloads.WithLabelValues("failure"), reloads.WithLabelValues("success")}
	m.registry.MustRegister(s.keys, reloads)
	s.watcher = &reload.Watcher[*session.Keys]{Read: reload.File(cfg.SessionKeyFile), Build: session.ParseKeys, OnChange: s.told}
	return s
}

// told puts a change in force, says it once and counts it. The watcher never calls it twice at once.
func (s *sessions) told(now reload.State[*session.Keys]) {
	keys := now.Value // none where the file is gone
	s.check.SetKeys(keys)
	s.keys.Set(float64(keys.Len()))
	s.reloads[0].Add(float64(now.Failures - s.seen.Failures))
	s.reloads[1].Add(float64(now.Reloads - s.seen.Reloads))
	s.seen = now

	hint := "kubectl basicauth user add NAME --secret " + s.secret + " makes the Secret " + s.secret + gateconf.SessionSecret
	switch {
	case now.Absent:
		s.log.Warn("no session key: the browser's dialog asks for passwords, and the sign-in page is off", "file", s.file, "hint", hint)
	case now.Err != nil && keys.Len() > 0:
		s.log.Error("session key file cannot be used: the last good keys stay in force", "file", s.file, "keys", keys.Len(), "error", oneLine(now.Err))
	case now.Err != nil:
		s.log.Error("session key file cannot be used: the browser's dialog asks for passwords, and the sign-in page is off", "file", s.file, "error", oneLine(now.Err))
	default:
		s.log.Info("session keys loaded", "keys", keys.Len(), "signer", keys.Signer())
	}
}

// checkSessionKeys says what a gate would find in the session key file. Without a good one it still lets people in.
func checkSessionKeys(cfg gateconf.Config, say func(name, format string, args ...any)) {
	if cfg.SignIn != gateconf.SignInPage {
		return
	}
	text, err := reload.File(cfg.SessionKeyFile)()
	var keys *session.Keys
	if err == nil {
		keys, err = session.ParseKeys(text)
	}
	if err != nil {
		say("warning", "--session-key-file: %v; the browser's dialog asks for passwords until it is mended", err)
		return
	}
	say("sign-in page", "%d session keys in %s, signed by %s", keys.Len(), cfg.SessionKeyFile, keys.Signer())
}
