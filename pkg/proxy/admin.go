package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// admin serves what operators and kubelets ask, on a port of its own.
type admin struct {
	version  string
	upstream string
	users    *users
	gate     *gate
	metrics  *metrics
}

// Status is the body of /status, JSON.
type Status struct {
	Version  string      `json:"version"`
	Upstream string      `json:"upstream"`
	Serving  bool        `json:"serving"`
	Users    UsersStatus `json:"users"`
}

// UsersStatus says which users are in force.
type UsersStatus struct {
	Loaded      int        `json:"loaded"`                // users in force; 0: everybody is refused
	Fingerprint string     `json:"fingerprint,omitempty"` // SHA-256 of the file in force, in hex; only to who may know it
	LastGood    *time.Time `json:"lastGood,omitempty"`    // when the file was last found good
	Reloads     uint64     `json:"reloads"`               // files put in force since the start
	Failures    uint64     `json:"failures"`              // files that could not be
	Error       string     `json:"error,omitempty"`       // why the file as it is now is not in force
}

func (a *admin) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.handler())
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(a.status(mayCompare(r)))
	})
	return mux
}

// readyz says whether the gate can answer. A gate without users can: it says so with 503 and a page, and a pod that
// was never ready would hide that page.
func (a *admin) readyz(w http.ResponseWriter, _ *http.Request) {
	switch n := a.users.snapshot().count; {
	case a.gate.draining.Load():
		plain(w, http.StatusServiceUnavailable, "shutting down\n")
	case !a.gate.serving.Load():
		plain(w, http.StatusServiceUnavailable, "starting\n")
	case a.gate.open:
		plain(w, http.StatusOK, "ok\n")
	case n == 0:
		plain(w, http.StatusOK, "ok\nno users: everybody is refused\n")
	default:
		plain(w, http.StatusOK, fmt.Sprintf("ok\nusers: %d\n", n))
	}
}

// mayCompare says whether somebody is told the fingerprint of the users. Where no line of the file has a salt, as with {SHA}
// alone, whoever knows the fingerprint can try passwords on it at home. So it is told on the pod's loopback only, where
// kubectl port-forward ends, and whoever may do that is past the gate anyway. The header keeps out who can make the
// application fetch addresses, which can be that of its own pod.
func mayCompare(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback() && r.Header.Get(gateconf.AskHeader) == gateconf.AskFingerprint
}

func (a *admin) status(compare bool) Status {
	s, now := a.users.watcher.State(), a.users.snapshot() // the watcher knows a file before it is in force
	status := Status{
		Version: a.version, Upstream: a.upstream, Serving: a.gate.serving.Load() && !a.gate.draining.Load(),
		Users: UsersStatus{
			Loaded: now.count, Reloads: s.Reloads, Failures: s.Failures,
		},
	}
	if compare {
		status.Users.Fingerprint = now.fingerprint
	}
	if !s.LastGood.IsZero() {
		t := s.LastGood.UTC()
		status.Users.LastGood = &t
	}
	if s.Err != nil {
		status.Users.Error = oneLine(s.Err)
	}
	return status
}

func plain(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
