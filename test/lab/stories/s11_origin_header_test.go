//go:build linux

package stories

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const originHeader = "X-Origin-Verify"

// The header that a CDN sends, through Traefik: without it everything is refused but the health; beside it a password is
// asked for, or nothing; the application never sees it; a new value is good beside the old one, and the old one is
// refused when it is taken out, by hand or by kubectl basicauth, all without a restart.
func TestOriginHeader(t *testing.T) {
	withEachHelm(t, 11, "the origin header", func(s *story, h *helm) {
		alice := login{"alice", "correct horse"}
		s.addUser(alice.user, alice.password)
		both, alone := "http://"+s.host()+"/", "http://alone."+s.host()+"/"
		flags := []string{"--post-renderer", "kauth", "--post-renderer-args", "--require-header=" + originHeader, "--post-renderer-args", "--header-secret=origin"}
		h.run(append([]string{"install", "web", chart("web"), "--set", "host=" + s.host()}, flags...)...)
		h.run(append([]string{"install", "alone", chart("web"), "--set", "host=alone." + s.host(), "--post-renderer-args", "--auth=none"}, flags...)...)
		for _, page := range []string{both, alone} {
			s.until("a gate at "+page, s.sent(page, alice, "", 403))
			s.must(s.sent(page, alice, "first", 403), answers(page+"health", nobody, 200)) // no Secret yet
		}

		s.setValues("first")
		s.figure("first value in force", s.until("the first value", s.sent(both, alice, "first", 200)))
		s.until("the first value", s.sent(alone, nobody, "first", 200))
		for _, page := range []string{both, alone} {
			s.must(s.sent(page, alice, "", 403), s.sent(page, alice, "second", 403), answers(page+"health", nobody, 200))
		}
		s.must(s.sent(both, nobody, "first", 401))

		s.setValues("first", "second")
		s.figure("second value in force", s.until("the second value", s.sent(both, alice, "second", 200)))
		s.must(s.sent(both, alice, "first", 200))
		s.setValues("second")
		s.figure("first value refused", s.until("the first value refused", s.sent(both, alice, "first", 403)))
		s.must(s.sent(both, alice, "second", 200))
		s.rotatesHeader(alice, both, alone)
	})
}

// rotatesHeader replaces the value "second" by kubectl basicauth: the old value counts beside the new one until it is taken away.
func (s *story) rotatesHeader(as login, both, alone string) {
	s.Helper()
	containers := alerting{s}.containers()
	everywhere := func(value string, status int) func() error {
		return func() error {
			return errors.Join(s.sent(both, as, value, status)(), s.sent(alone, nobody, value, status)())
		}
	}
	third := strings.TrimSpace(s.kubectl("", "basicauth", "header", "rotate", "origin", "--key", "second"))
	s.figure("rotated value in force", s.until("the rotated value", everywhere(third, 200)))
	s.must(everywhere("second", 200), everywhere("first", 403), everywhere("", 403))
	s.kubectl("", "basicauth", "header", "expire", "origin") // its overlap is not over
	s.always("both values", 3*time.Second, func() error { return errors.Join(everywhere("second", 200)(), everywhere(third, 200)()) })
	s.kubectl("", "basicauth", "header", "expire", "origin", "--now")
	s.figure("replaced value refused", s.until("the replaced value refused", everywhere("second", 403)))
	s.must(everywhere(third, 200), s.verified("403 without header "+originHeader+", 401 with it"))
	if now := (alerting{s}).containers(); now != containers {
		s.Fatalf("containers before:\n%s\nand now:\n%s", containers, now)
	}
}

// setValues makes these the values that are accepted, as kubectl create secret does.
func (s *story) setValues(values ...string) {
	s.Helper()
	args := []string{"create", "secret", "generic", "origin", "--dry-run=client", "-o", "yaml"}
	for _, v := range values {
		args = append(args, "--from-literal="+v+"="+v)
	}
	s.kubectl(s.kubectl("", args...), "apply", "-f", "-")
}

// sent returns nil when a page asked for with this value of the header is answered with this status, and the
// application, where it was reached, did not see the header.
func (s *story) sent(page string, as login, value string, status int) func() error {
	return func() error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, page, http.NoBody)
		if err != nil {
			return err
		}
		if value != "" {
			req.Header.Set(originHeader, value)
		}
		if as != nobody {
			req.SetBasicAuth(as.user, as.password)
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		if resp.StatusCode != status {
			return reply{resp.StatusCode, resp.Header, string(body)}.wrong("%s as %q with %q: %s, want %d: %.200s", page, as.user, value, resp.Status, status, body)
		}
		var seen struct{ Header http.Header }
		if status == http.StatusOK {
			if err := json.Unmarshal(body, &seen); err != nil || seen.Header == nil || strings.Contains(string(body), originHeader) {
				return fmt.Errorf("%s: the application saw %s (%w)", page, body, err)
			}
		}
		return nil
	}
}
