//go:build linux

package stories

import (
	"errors"
	"fmt"
	"testing"
)

// An HTTPRoute of the Gateway API, which shares requests out between two Services. Without kauth it lets everybody in. With
// it Traefik, whose Gateway it hangs on, accepts it as before and finds both its backends, which are gates now: nobody gets
// in without a password, with one both applications answer, each for its share, and the health is true.
func TestHTTPRoute(t *testing.T) {
	withEachHelm(t, 15, "an HTTPRoute at Traefik's Gateway", func(s *story, h *helm) {
		alice := login{"alice", "correct horse"}
		s.addUser(alice.user, alice.password)
		page, chart := "http://"+s.host()+"/version", []string{"web", chart("routed"), "--set", "host=" + s.host()}
		h.run(append([]string{"install"}, chart...)...)
		s.until("everybody in, which is to be mended", s.shared(page, nobody))
		s.until("the route accepted", s.routeTaken("web", 1))

		h.run(append([]string{"upgrade", "--post-renderer", "kauth"}, chart...)...)
		s.figure("gate through the Gateway", s.until("a gate at "+page, s.refusedWithPage(page, nobody)))
		s.figure("route accepted", s.until("the route accepted", s.routeTaken("web", 2)))
		replaced := func() error {
			return errors.Join(s.rolledOut("deployment/web-1"), s.rolledOut("deployment/web-2"), s.podsReady("app=web", 2))
		}
		s.until("both old pods' end", replaced)
		s.guard(page)
		s.until("both gates", s.shared(page, alice))
		s.must(s.refusedWithPage(page, login{alice.user, "wrong"}), answers("http://"+s.host()+"/health", nobody, 200),
			func() error { return s.is("httproute/web", "{.spec.rules[*].backendRefs[*].port}", "8181 8181") })

		s.kubectl("", "rollout", "restart", "deployment/web-1", "deployment/web-2")
		s.figure("pods replaced", s.until("pods replaced", replaced))
		s.until("both gates again", s.shared(page, alice))
	})
}

// shared returns nil when a page is answered by both versions of the application, by the first more often.
func (s *story) shared(page string, as login) func() error {
	return func() error {
		seen := map[string]int{}
		for range 12 {
			r, err := get(page, as)
			if err != nil || r.status != 200 {
				return r.wrong("%s as %q: %d %.200q, %v", page, as.user, r.status, r.body, err)
			}
			seen[r.body]++
		}
		if len(seen) != 2 || seen["1\n"] <= seen["2\n"] {
			return fmt.Errorf("%s as %q: answers %v; want those of versions 1 and 2, of version 1 more", page, as.user, seen)
		}
		return nil
	}
}

// routeTaken returns nil when the one Gateway that an HTTPRoute hangs on says of this generation of it that it is accepted,
// and that all it leads to is there.
func (s *story) routeTaken(route string, generation int) func() error {
	return func() error {
		const conditions = `{.metadata.generation}{range .status.parents[*]} {range .conditions[*]}{.type}={.status}/{.observedGeneration} {end}{end}`
		return s.is("httproute/"+route, conditions, fmt.Sprintf("%d Accepted=True/%[1]d ResolvedRefs=True/%[1]d ", generation))
	}
}
