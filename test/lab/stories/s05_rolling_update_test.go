//go:build linux

package stories

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Rolling update of a two-replica Deployment behind the gate under steady load through Traefik: not one failed request.
func TestRollingUpdate(t *testing.T) {
	withEachHelmInTurn(t, 5, "rolling update under load", func(s *story, h *helm) {
		alice := s.installTwo(h)
		l := s.startLoad("http://"+s.host()+"/version", alice)
		s.until("answers of version 1", l.answered("1", 2*loadRate))

		s.upgradeTwo(h)
		s.until("answers of version 2", l.answered("2", loadRate))
		h.kauth = theLab.Kit.NextKauth
		s.upgradeTwo(h)
		s.figure("the last old pod's end", s.until("two new pods alone", func() error { return s.podsReady("app=web", 2) }))
		s.must(func() error { return s.runs("lab.local/web:1 ghcr.io/kauth-dev/kauth-proxy:" + h.kauth.Version) })

		rolled := l.mark()
		s.until("answers through the new gates", l.answered("2", rolled["2"]+loadRate))
		if old := l.mark()["1"]; old != rolled["1"] {
			s.Fatalf("%d answers of version 1 after its pods were gone", old-rolled["1"])
		}
		s.mustLoseNothing(l)
	})
}

// The same when the Deployment shrinks and grows again, and requests that take long get their answers although their
// pod has been told to end.
func TestScaling(t *testing.T) {
	s := tell(t, 5, "scaling and long requests under load")
	h := s.helm("helm4")
	alice := s.installTwo(h)
	l := s.startLoad("http://"+s.host()+"/version", alice)
	s.until("load", l.answered("1", loadRate))

	s.kubectl("", "scale", "deployment/web", "--replicas=1")
	s.until("one pod", func() error { return s.podsReady("app=web", 1) })
	s.kubectl("", "scale", "deployment/web", "--replicas=2")
	s.until("two pods", func() error { return s.podsReady("app=web", 2) })
	s.until("answers of both", l.answered("1", l.mark()["1"]+loadRate))

	const slow = 8
	answers := make(chan error, slow)
	for i := range slow {
		d := []string{"3s", "7s"}[i%2] // after 7 s the application and the gate have stopped taking connections
		go func() { answers <- s.slow(alice, d) }()
	}
	var victim string
	s.until("long requests at work", func() error {
		var all int
		var err error
		victim, all, err = s.busiest()
		if err == nil && all < slow {
			err = fmt.Errorf("%d under way, want %d", all, slow)
		}
		return err
	})
	s.kubectl("", "delete", "pod", victim, "--wait=false")
	for range slow {
		if err := <-answers; err != nil {
			s.Error(err)
		}
	}
	s.until("two pods again", func() error { return s.podsReady("app=web", 2) })
	s.mustLoseNothing(l)
}

// installTwo installs two replicas of the web chart behind the gate and returns a user who gets in.
func (s *story) installTwo(h *helm) login {
	s.Helper()
	alice := login{"alice", "correct horse"}
	s.addUser(alice.user, alice.password)
	h.run("install", "web", chart("web"), "--set", "host="+s.host(), "--set", "replicas=2", "--post-renderer", "kauth")
	s.until("two pods", func() error { return s.podsReady("app=web", 2) })
	page := "http://" + s.host() + "/version"
	s.until("gate", answers(page, nobody, 401))
	s.until("way in", answers(page, alice, 200))
	return alice
}

// upgradeTwo makes what installTwo installed version 2, by the kauth of now, and returns when Helm takes the pods for Ready.
func (s *story) upgradeTwo(h *helm) {
	s.Helper()
	h.run("upgrade", "web", chart("web"), "--set", "host="+s.host(), "--set", "replicas=2", "--set-string", "version=2",
		"--wait", "--post-renderer", "kauth")
}

// slow asks for a page that takes long and returns nil when it comes.
func (s *story) slow(as login, d string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.host()+"/slow?for="+d, http.NoBody)
	if err != nil {
		return err
	}
	req.SetBasicAuth(as.user, as.password)
	start := time.Now()
	resp, err := (&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || string(body) != "done\n") {
		err = fmt.Errorf("a request of %s, after %.1f s: %s: %.200s", d, time.Since(start).Seconds(), resp.Status, body)
	}
	return err
}

// busiest returns the pod with the most long requests, and how many there are in all pods.
func (s *story) busiest() (name string, all int, err error) {
	out, err := s.tryKubectl("", "get", "pods", "-l", "app=web", "-o", "jsonpath={range .items[*]}{.metadata.name}={.status.podIP} {end}")
	most := 0
	for pod := range strings.FieldsSeq(out) {
		var n int
		of, ip, _ := strings.Cut(pod, "=")
		r, err := get("http://"+ip+":8080/busy", nobody)
		if err != nil {
			return "", 0, err
		}
		if _, err := fmt.Sscan(r.body, &n); err != nil {
			return "", 0, err
		}
		if all += n; n > most {
			name, most = of, n
		}
	}
	return name, all, err
}
