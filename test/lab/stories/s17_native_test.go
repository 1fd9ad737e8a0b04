//go:build linux

package stories

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Mode native on a plain Prometheus and a plain Alertmanager that were open: no pod starts before the users are there, and then all are
// Ready and stay so, by probes that need no password; nobody gets in without one. A user who is added gets in, and one who
// is removed does not, without a restart, the last of them too. What kauth says to paste makes Prometheus scrape itself,
// send its alerts, and be reloaded. After uninstall only the Secrets of kubectl basicauth are left.
func TestNative(t *testing.T) {
	withEachHelm(t, 17, "mode native", func(s *story, h *helm) {
		n := native{s}
		install := func(args ...string) {
			s.Helper()
			h.run(append([]string{"upgrade", "--install", "mon", chart("native"), "--set", "host=" + s.host()}, args...)...)
		}
		mode := []string{"--post-renderer", "kauth", "--post-renderer-args", "--mode=native"}
		install() // open, as charts come
		s.until("both open", n.both(nobody, 200))

		install(mode...)
		s.until("both wait for the users", n.waitsFor("kauth-users-web"))
		s.until("nobody answers", n.unrouted)

		start := time.Now()
		s.kubectl("", "basicauth", "project", "add", "prometheus-web")
		s.until("pods Ready", n.ready)
		s.figure("pods Ready", time.Since(start))
		alice := login{"alice", "correct horse"}
		s.until("both refuse", n.both(nobody, 401))
		s.must(n.both(alice, 401), n.both(login{"kauth", "nobody"}, 401))
		containers := n.containers()

		s.addUser(alice.user, alice.password)
		s.figure("added user in", s.until("alice in", n.both(alice, 200)))
		s.must(n.both(nobody, 401), n.both(login{alice.user, "wrong"}, 401))
		s.until("its own scrape is refused", n.sees(alice, `up{job="self"}`, "0"))
		s.kubectl("", "basicauth", "user", "remove", alice.user)
		s.figure("removed user refused", s.until("alice out", n.both(alice, 401)))
		s.must(n.both(nobody, 401))
		s.addUser(alice.user, "battery staple")
		alice.password = "battery staple"
		s.figure("back with another password", s.until("alice in", n.both(alice, 200)))
		if now := n.containers(); now != containers {
			s.Fatalf("containers before:\n%s\nand now:\n%s", containers, now)
		}

		s.until("verified", s.verified("native -> 9090", "native -> 9093", "knock"))

		// The snippets.
		password := strings.TrimSpace(s.kubectl("", "basicauth", "user", "add", "scraper", "--generate"))
		s.kubectl("", "create", "secret", "generic", "scraper", "--from-literal=username=scraper", "--from-literal=password="+password)
		install(append(mode, "--set", "pasted=true")...)
		s.until("pods Ready", n.ready)
		s.until("alice in", n.both(alice, 200))
		s.until("it scrapes itself", n.sees(alice, `up{job="self"}`, "1"))
		s.until("an alert with the Alertmanager", n.alerted(alice))
		containers = n.containers()
		install(append(mode, "--set", "pasted=true", "--set", "marker=second")...)
		s.figure("reloaded", s.until("the changed configuration", n.configured(alice, "marker: second")))

		s.kubectl("", "basicauth", "user", "remove", "scraper")
		s.kubectl("", "basicauth", "user", "remove", alice.user)
		s.until("the last user out", n.both(alice, 401))
		s.until("the scraper too", n.both(login{"scraper", password}, 401))
		s.always("nobody in", 3*time.Second, n.both(nobody, 401))
		s.must(n.ready)
		if now := n.containers(); now != containers {
			s.Fatalf("containers before:\n%s\nand now:\n%s", containers, now)
		}

		h.run("uninstall", "mon")
		s.kubectl("", "delete", "secret", "scraper")
		s.figure("gone", s.until("all gone", func() error {
			return s.onlySecretsLeft("kauth-users", "kauth-users-history", "kauth-users-session-key", "kauth-users-web")
		}))
		s.kubectl("", "basicauth", "project", "remove", "prometheus-web")
		s.must(s.onlyUsersLeft)
	})
}

// native is a story about what chart "native" installs as release "mon".
type native struct{ *story }

// apps are the two applications, by a page that needs no work.
func (n native) apps() []string {
	return []string{"http://" + n.host() + "/-/ready", "http://alertmanager." + n.host() + "/-/ready"}
}

// both returns nil when both answer with this status.
func (n native) both(as login, status int) func() error {
	return func() error {
		for _, page := range n.apps() {
			if err := answers(page, as, status)(); err != nil {
				return err
			}
		}
		return nil
	}
}

// unrouted returns nil when Traefik knows no pod of either.
func (n native) unrouted() error {
	for _, page := range n.apps() {
		r, err := get(page, nobody)
		if err == nil && !r.unrouted() {
			err = fmt.Errorf("%s: %d %.200s", page, r.status, r.body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ready returns nil when both pods are Ready, and no container of them was restarted.
func (n native) ready() error {
	if err := n.podsReady("release=mon", 2); err != nil {
		return err
	}
	restarts, err := n.field("pods", "{.items[*].status.containerStatuses[*].restartCount}")
	if err == nil && strings.Trim(restarts, "0 ") != "" {
		err = fmt.Errorf("restarts: %s", restarts)
	}
	return err
}

// waitsFor returns nil when the kubelet says of both pods that a Secret is missing, and starts neither.
func (n native) waitsFor(secret string) func() error {
	return func() error {
		events, err := n.field("events", `{range .items[?(@.reason=="FailedMount")]}{.involvedObject.name} {.message}{"\n"}{end}`)
		if err != nil {
			return err
		}
		for _, pod := range []string{"mon-prometheus-", "mon-alertmanager-0 "} {
			if !strings.Contains(events, pod) || !strings.Contains(events, `secret "`+secret+`" not found`) {
				return fmt.Errorf("no word about %s of pod %s in\n%s", secret, pod, events)
			}
		}
		return nil
	}
}

// containers says of every container which it is and since when it runs.
func (n native) containers() string {
	n.Helper()
	return alerting(n).containers()
}

// sees returns nil when Prometheus has this value for a query.
func (n native) sees(as login, query, value string) func() error {
	return n.prometheusSees("http://"+n.host()+"/api/v1/query?", as, url.QueryEscape(query), value)
}

// alerted returns nil when the alert that always fires has come to Alertmanager.
func (n native) alerted(as login) func() error {
	return func() error {
		r, err := get("http://alertmanager."+n.host()+"/api/v2/alerts", as)
		if err == nil && !strings.Contains(r.body, `"Watchdog"`) {
			err = fmt.Errorf("no Watchdog, which always fires, in %.200s", r.body)
		}
		return err
	}
}

// configured returns nil when the configuration that Prometheus goes by holds a text.
func (n native) configured(as login, text string) func() error {
	return func() error {
		r, err := get("http://"+n.host()+"/api/v1/status/config", as)
		if err == nil && !strings.Contains(r.body, text) {
			err = fmt.Errorf("no %q in %.300s", text, r.body)
		}
		return err
	}
}
