package proxy

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/auth/basic"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/reload"
)

// users follows the users file and keeps the checks that go with it.
type users struct {
	watcher  *reload.Watcher[*htpasswd.File]
	check    *basic.Check
	sessions *sessions // nil: people sign in by the browser's dialog
	chain    auth.Chain
	current  atomic.Pointer[snapshot]
	upgraded upgraded
	log      *slog.Logger
	metrics  *metrics
	file     string
	secret   string
	seen     reload.State[*htpasswd.File] // the state last told; only told touches it
}

// maxLines is more than fit into a Secret with a hash on each. Each costs a hundred bytes, and so a file of empty lines
// would cost more memory than the container has.
const maxLines = 100_000

// snapshot is what one request goes by from its beginning to its end.
type snapshot struct {
	chain auth.Chain
	ready bool // there is a user who could be let in
	count int

	fingerprint string // of the file; see UsersStatus
}

func newUsers(cfg gateconf.Config, o basic.Options, log *slog.Logger, m *metrics) *users {
	u := &users{check: basic.New(o), log: log, metrics: m, file: cfg.UsersFile, secret: cfg.UsersSecret}
	u.chain, u.upgraded.accepts = auth.Chain{u.check}, u.check.Accepts
	if u.sessions = newSessions(cfg, newCookies(cfg.Prefix), log, m); u.sessions != nil {
		u.chain = auth.Chain{u.sessions.check, u.check} // a cookie costs a microsecond, and programs send none
	}
	u.current.Store(&snapshot{chain: u.chain})
	u.watcher = &reload.Watcher[*htpasswd.File]{
		Read: reload.File(cfg.UsersFile), Build: parseUsers, OnChange: u.told,
	}
	return u
}

// parseUsers takes a file as a whole or not at all: a line that does not say what its author meant is a reason to
// keep what was good, not to guess.
func parseUsers(text []byte) (*htpasswd.File, error) {
	if err := countLines(text); err != nil {
		return nil, err
	}
	f := htpasswd.Parse(text)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

func countLines(text []byte) error {
	if n := bytes.Count(text, []byte{'\n'}); n > maxLines {
		return fmt.Errorf("%d lines, and at most %d are read; is it the right file?", n, maxLines)
	}
	return nil
}

// load reads the files once. That one is missing or bad has been told, and keeps nobody but the users out.
func (u *users) load() {
	if u.sessions != nil {
		_ = u.sessions.watcher.Load() // told logs it
	}
	_ = u.watcher.Load() // told logs it
}

// watch follows them until ctx ends, whose error is all that Run returns.
func (u *users) watch(ctx context.Context) {
	if u.sessions != nil {
		go u.sessions.watcher.Run(ctx) //nolint:errcheck // see above
	}
	go u.watcher.Run(ctx) //nolint:errcheck // see above
}

func (u *users) snapshot() *snapshot { return u.current.Load() }

// told puts a change in force, says it once and counts it. The watcher never calls it twice at once.
func (u *users) told(s reload.State[*htpasswd.File]) {
	file := s.Value
	if !s.OK || file == nil {
		file = htpasswd.Parse(nil)
	}
	next := &snapshot{chain: u.chain, count: len(file.Users()), fingerprint: s.Fingerprint}
	next.ready = next.count > 0
	u.check.SetUsers(file)
	if u.sessions != nil {
		u.sessions.check.SetUsers(file)
	}
	u.current.Store(next)
	u.upgraded.change() // after the check, which it asks

	u.metrics.users.Set(float64(next.count))
	if !s.LastGood.IsZero() {
		u.metrics.lastGood.Set(float64(s.LastGood.UnixNano()) / 1e9)
	}
	u.metrics.reloads[0].Add(float64(s.Failures - u.seen.Failures))
	u.metrics.reloads[1].Add(float64(s.Reloads - u.seen.Reloads))
	u.seen = s
	u.say(s, next)
}

func (u *users) say(s reload.State[*htpasswd.File], next *snapshot) {
	hint := "kubectl basicauth user add NAME --secret " + u.secret
	switch {
	case s.Absent:
		u.log.Warn("no users file: everybody is refused", "file", u.file, "hint", hint)
	case s.Err != nil && next.ready:
		u.log.Error("users file cannot be used: the last good one stays in force", "file", u.file, "users", next.count, "error", oneLine(s.Err))
	case s.Err != nil:
		u.log.Error("users file cannot be used: everybody is refused", "file", u.file, "error", oneLine(s.Err), "hint", hint)
	case !next.ready:
		u.log.Warn("users file without users: everybody is refused", "file", u.file, "hint", hint)
	default:
		u.log.Info("users loaded", "users", next.count) // and no fingerprint: see status
	}
}

// oneLine shortens joined errors: a file of ten thousand bad lines must not fill the log.
func oneLine(err error) string {
	const most = 1000
	text := err.Error()
	if len(text) > most {
		return text[:most] + " ..."
	}
	return text
}
