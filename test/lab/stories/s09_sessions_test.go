//go:build linux

package stories

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A session made on one replica is good on the other, also after both were started anew; it ends with the password by which it
// began, not with a rotation, and nobody else's does. Programs go on sending their password.
func TestSessions(t *testing.T) {
	withEachHelm(t, 9, "sessions on two replicas", func(s *story, h *helm) {
		alice, bob := login{"alice", "correct horse"}, login{"bob", "battery staple"}
		s.addUser(alice.user, alice.password)
		s.addUser(bob.user, bob.password)
		install := []string{"web", chart("web"), "--set", "host=" + s.host(), "--set", "replicas=2", "--post-renderer", "kauth", "--post-renderer-args", "--sign-in=page"}
		h.run(append([]string{"install"}, install...)...)
		s.until("two pods", func() error { return s.podsReady("app=web", 2) })
		gates := s.gatesOf("app=web")
		s.must(s.sendsToSignIn(gates[0], ""), answers(gates[0]+"/version", alice, 200))

		a, b := s.signIn(gates[0], alice), s.signIn(gates[1], bob)
		page := "http://" + s.host()
		s.until("through Traefik", s.staysSignedIn(page, a))
		for _, gate := range gates {
			s.must(s.staysSignedIn(gate, a), s.staysSignedIn(gate, b), s.sendsToSignIn(gate, forged(a)))
		}
		s.must(func() error {
			if _, err := s.trySignIn(gates[0], login{alice.user, "wrong"}); err == nil {
				return errors.New("signed in with a wrong password")
			}
			return nil
		})

		h.run(append([]string{"upgrade", "--set", "version=2"}, install...)...)
		s.until("two new pods", s.replaced("web", 2))
		gates = s.gatesOf("app=web")
		for _, gate := range gates {
			s.must(s.staysSignedIn(gate, a), s.staysSignedIn(gate, b))
		}

		s.kubectl("rotated\n", "basicauth", "user", "rotate", alice.user, "--password-stdin", "--wait")
		r := s.signIn(gates[0], login{alice.user, "rotated"})
		for _, gate := range gates {
			s.must(s.staysSignedIn(gate, a), s.staysSignedIn(gate, r))
		}
		s.kubectl("", "basicauth", "user", "expire", alice.user, "--now", "--wait")
		for _, gate := range gates {
			s.must(s.sendsToSignIn(gate, a), s.staysSignedIn(gate, r), s.staysSignedIn(gate, b))
		}

		a = r
		s.kubectl("another\n", "basicauth", "user", "passwd", alice.user, "--password-stdin")
		s.figure("session over after a new password", s.until("the end of the session", func() error {
			for _, gate := range gates {
				if err := s.sendsToSignIn(gate, a)(); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, gate := range gates {
			s.must(s.staysSignedIn(gate, b))
		}
		s.staysSignedInNot(page, a)
	})
}

// forged is a cookie with one character changed.
func forged(cookie string) string {
	at, other := len(cookie)-10, "A"
	if cookie[at] == 'A' {
		other = "B"
	}
	return cookie[:at] + other + cookie[at+1:]
}

// gatesOf are the addresses of the gates of all pods with the label.
func (s *story) gatesOf(label string) []string {
	s.Helper()
	var all []string
	for ip := range strings.FieldsSeq(s.kubectl("", "get", "pods", "-l", label, "-o", "jsonpath={.items[*].status.podIP}")) {
		all = append(all, "http://"+ip+":8181")
	}
	if len(all) != 2 {
		s.Fatalf("pods with %s: %q, want two", label, all)
	}
	return all
}

// browse asks for a page as a browser does, with a cookie where it has one.
func browse(method, page, cookie string, form url.Values) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, page, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", "text/html")
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// sendsToSignIn returns nil when a page is answered with the way to the sign-in page.
func (s *story) sendsToSignIn(gate, cookie string) func() error {
	return func() error {
		resp, body, err := browse(http.MethodGet, gate+"/version", cookie, nil)
		if err == nil && (resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/_kauth/sign-in?return=%2Fversion") {
			err = fmt.Errorf("%s: %s to %q, %.100q; want the sign-in page", gate, resp.Status, resp.Header.Get("Location"), body)
		}
		return err
	}
}

// staysSignedIn returns nil when a page is shown to whoever has the cookie, and the application does not see it.
func (s *story) staysSignedIn(gate, cookie string) func() error {
	return func() error {
		resp, body, err := browse(http.MethodGet, gate+"/", cookie+"; theme=dark", nil)
		if err == nil && (resp.StatusCode != http.StatusOK || strings.Contains(body, "kauth=") || !strings.Contains(body, "theme=dark")) {
			err = fmt.Errorf("%s: %s %.500q; want the application, which sees no cookie of the gate", gate, resp.Status, body)
		}
		return err
	}
}

func (s *story) staysSignedInNot(gate, cookie string) {
	s.Helper()
	if err := s.staysSignedIn(gate, cookie)(); err == nil {
		s.Fatalf("%s: still signed in", gate)
	}
}

// signIn fills in the form of the sign-in page and returns the cookie that stands for the session.
func (s *story) signIn(gate string, as login) string {
	s.Helper()
	cookie, err := s.trySignIn(gate, as)
	if err != nil {
		s.Fatal(err)
	}
	return cookie
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

func (s *story) trySignIn(gate string, as login) (string, error) {
	resp, body, err := browse(http.MethodGet, gate+"/_kauth/sign-in?return=/version", "", nil)
	if err != nil {
		return "", err
	}
	form := url.Values{"username": {as.user}, "password": {as.password}}
	for _, field := range hiddenField.FindAllStringSubmatch(body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	resp, body, err = browse(http.MethodPost, gate+"/_kauth/sign-in", cookiesOf(resp), form)
	if err != nil {
		return "", err
	}
	for _, c := range resp.Cookies() {
		if c.Name == "__Host-kauth" && c.Value != "" && c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", fmt.Errorf("%s as %q: %s, %q, %.200q; want a session", gate, as.user, resp.Status, resp.Header["Set-Cookie"], body)
}

// cookiesOf are the cookies of an answer as the next request sends them.
func cookiesOf(resp *http.Response) string {
	var all []string
	for _, c := range resp.Cookies() {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}
