//go:build linux

package stories

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Two workloads in one release and one Secret of users: a sidecar asks before the one, and Traefik before the other, on
// every kind of route that Traefik knows; before both it asks first, and one password is enough. Without a password
// nobody gets in; the application that Traefik guards never sees one. A password that is changed, and a user who is removed,
// are so for both. Without the Secret Traefik lets nobody in. Without kauth all is as it was.
func TestIngressMode(t *testing.T) {
	withEachHelm(t, 16, "Traefik mode and sidecar mode with one users Secret", func(s *story, h *helm) {
		alice, bob, rotated := login{"alice", "correct horse"}, login{"bob", "battery"}, login{"bob", "staple"}
		s.addUser(alice.user, alice.password)
		s.addUser(bob.user, bob.password)
		h.env = append(h.env, "KAUTH_CONFIG="+s.modes())
		chart := []string{"web", chart("modes"), "--set", "host=" + s.host()}
		h.run(append([]string{"install"}, chart...)...)
		s.until("everybody in, which is to be mended", s.doors(nobody, 200))
		manifest := h.run("get", "manifest", "web")

		h.run(append([]string{"upgrade", "--post-renderer", "kauth"}, chart...)...)
		s.figure("refused on all ways", s.until("nobody in", s.doors(nobody, 401)))
		var shut []*beside
		for _, page := range s.pages() {
			shut = append(shut, s.guard(page))
		}
		s.until("alice in", s.doors(alice, 200))
		s.must(s.doors(bob, 200), s.doors(login{alice.user, "wrong"}, 401), s.doors(login{"nobody", "battery"}, 401))
		s.must(s.passedOn("edge", alice, false), s.passedOn("route", alice, false), s.passedOn("detour", alice, false), s.passedOn("gateway", alice, false),
			s.passedOn("side", alice, false), s.passedOn("both-side", alice, false), // the gate takes it
			s.passedOn("both-edge", alice, true)) // which Traefik cannot know from the other
		s.until("verified", s.verified("ingress -> ", "knock", "ways"))

		s.kubectl(rotated.password+"\n", "basicauth", "user", "passwd", bob.user, "--password-stdin")
		s.figure("old password refused by Traefik", s.until("old password refused by Traefik", s.refused("edge", bob)))
		s.figure("by both", s.until("old password refused", s.doors(bob, 401)))
		s.until("new password accepted", s.doors(rotated, 200))
		s.must(s.doors(alice, 200))

		s.kubectl("", "basicauth", "user", "remove", bob.user)
		s.figure("removed user refused", s.until("removed user refused", s.doors(rotated, 401)))
		s.must(s.doors(alice, 200))

		s.kindsOfHashes()
		users := s.usersOf("kauth-users")
		s.setUsers("# a line that is no user\n" + users)
		s.until("Traefik takes no line that is no user", func() error {
			return errors.Join(s.shutAt(alice, s.page("edge"))(), answers(s.page("side"), alice, 200)())
		})
		s.setUsers(users)
		s.until("alice in as before", s.doors(alice, 200))
		saved := s.kubectl("", "get", "secret", "kauth-users", "-o", "yaml")
		s.kubectl("", "delete", "secret", "kauth-users")
		s.until("nobody in without the Secret", s.shutAt(alice, s.pages()...))
		s.kubectl(saved, "apply", "-f", "-")
		s.until("alice in again", s.doors(alice, 200))

		h.run(append([]string{"upgrade", "--post-renderer", "kauth", "--set", "image=lab.local/web:1"}, chart...)...)
		s.must(s.doors(alice, 200), s.doors(nobody, 401))
		ejected, _, err := command{stdin: h.run("get", "manifest", "web"), args: []string{"kauth", "eject"}}.run()
		if diff := cmp.Diff(s.contents(manifest), s.contents(ejected)); err != nil || diff != "" {
			s.Errorf("what kauth eject makes of the release is not what it was before, -want +got: %v\n%s", err, diff)
		}
		for _, b := range shut {
			b.end()
		}

		h.run(append([]string{"upgrade"}, chart...)...)
		s.until("everybody in again, as asked for", s.doors(nobody, 200))
		h.run("uninstall", "web")
		s.figure("gone", s.until("all gone", s.onlyUsersLeft))
	})
}

// modes writes the settings file of the story: who asks before which workload.
func (s *story) modes() string {
	s.Helper()
	file := filepath.Join(s.TempDir(), "kauth.yaml")
	err := os.WriteFile(file, fmt.Appendf(nil, `apiVersion: kauth.dev/v1alpha1
kind: Gates
namespace: %s
gates:
- target: {kind: Deployment, name: web-side}
- target: {kind: Deployment, name: web-edge}
  mode: ingress
`, s.ns), 0o600)
	if err != nil {
		s.Fatal(err)
	}
	return file
}

// page is what one of the story's ways in is asked for.
func (s *story) page(way string) string { return "http://" + way + "." + s.host() + "/version" }

// pages are the ways in: to the workload with the sidecar, to the other, and by the Ingress before both.
func (s *story) pages() []string {
	var list []string
	for _, way := range []string{"side", "edge", "route", "detour", "gateway", "both-side", "both-edge"} {
		list = append(list, s.page(way))
	}
	return list
}

// doors returns nil when all ways in are answered with this status, and, where it is 200, by the right application.
func (s *story) doors(as login, status int) func() error {
	return func() error {
		var errs []error
		for _, page := range s.pages() {
			r, err := get(page, as)
			want := "edge\n"
			if strings.Contains(page, "side.") {
				want = "side\n"
			}
			switch {
			case err != nil:
			case r.unrouted():
				err = fmt.Errorf("%w: %s: %d", errUnrouted, page, r.status)
			case r.status != status, status == http.StatusOK && r.body != want,
				status == http.StatusUnauthorized && r.header.Get("WWW-Authenticate") == "":
				err = fmt.Errorf("%s as %q: %d %.80q, want %d", page, as.user, r.status, r.body, status)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// refused returns nil when one way in is answered with 401.
func (s *story) refused(way string, as login) func() error { return answers(s.page(way), as, 401) }

// shutAt returns nil when nobody gets in at these pages, whatever else the answer is: Traefik has no such route where
// it cannot ask.
func (s *story) shutAt(as login, pages ...string) func() error {
	return func() error {
		for _, page := range pages {
			if r, err := get(page, as); err == nil && r.status < 400 {
				return fmt.Errorf("%s as %q: %d %.80q, want nobody in", page, as.user, r.status, r.body)
			}
		}
		return nil
	}
}

// kindsOfHashes adds a user with each kind of hash that the gate knows, all with one password, and tries which of them
// Traefik knows too.
func (s *story) kindsOfHashes() {
	s.Helper()
	const password = "open sesame"
	kinds := []struct {
		user, hash string
		traefik    int
	}{
		{"apr1", "$apr1$KtUkBFOE$/bNx9d7M/E6LAuWgZbF4l1", 200},
		{"sha", "{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=", 200},
		{"ssha", "{SSHA}3h9xs3NvbTo4NpTUJ1lZlpDlHmdzYWx0MTIzNA==", 401},
		{"sha256", "$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC", 401},
		{"sha512", "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1", 401},
	}
	for _, kind := range kinds {
		s.kubectl("", "basicauth", "user", "add", kind.user, "--hash", kind.hash)
	}
	for _, kind := range kinds {
		as := login{kind.user, password}
		s.until("the gate knows "+kind.user, answers(s.page("side"), as, 200))
		s.must(answers(s.page("edge"), as, kind.traefik), answers(s.page("edge"), login{kind.user, "open"}, 401))
		s.kubectl("", "basicauth", "user", "remove", kind.user)
	}
}

// passedOn returns nil when the application behind a way sees the password, or does not, as wanted.
func (s *story) passedOn(way string, as login, want bool) func() error {
	return func() error {
		r, err := get("http://"+way+"."+s.host()+"/seen", as)
		if err != nil {
			return err
		}
		var saw struct{ Header http.Header }
		if err := json.Unmarshal([]byte(r.body), &saw); err != nil {
			return fmt.Errorf("%s: %d %.80q: %w", way, r.status, r.body, err)
		}
		if got := saw.Header.Get("Authorization") != ""; got != want {
			return fmt.Errorf("%s: the application sees the password: %t, want %t", way, got, want)
		}
		return nil
	}
}
