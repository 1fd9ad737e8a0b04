//go:build linux

package stories

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Faults: the sidecar killed (kill -9), the application killed, the node's kubelet restarted, the API server gone for a
// minute, a users file with a bad line, a users Secret of a megabyte. Nothing opens, nothing is lost, and the time to
// recover is measured.
func TestFaults(t *testing.T) {
	s := tell(t, 6, "faults")
	h := s.helm("helm4")
	alice, page := login{"alice", "correct horse"}, "http://"+s.host()+"/"
	s.addUser(alice.user, alice.password)
	h.run("install", "web", chart("web"), "--set", "host="+s.host()+",linger=0s", "--post-renderer", "kauth")
	s.until("let in", answers(page, alice, 200))
	s.guard(page)

	s.crash("kauth-proxy", page, alice)
	s.crash("web", page, alice)
	s.settle(page, alice)
	s.restartKubelet(page, alice)
	s.settle(page, alice)
	s.loseAPIServer(page, alice)
	s.badLine(page, alice)
	s.megabyte(page, alice)
}

// crash kills one container's process and measures until the gate serves again. The other container does not notice.
func (s *story) crash(name, page string, as login) {
	s.Helper()
	other := map[string]string{"web": "kauth-proxy", "kauth-proxy": "web"}[name]
	killed, bystander := s.container("app=web", name), s.container("app=web", other)
	if err := syscall.Kill(killed.pid, syscall.SIGKILL); err != nil {
		s.Fatal(err)
	}
	s.until(name+" is missed", func() error {
		if s.container("app=web", name).id == killed.id {
			return fmt.Errorf("%s: still the container that was killed", name)
		}
		return nil
	})
	s.figure(name+" killed: served again after", s.until("served again", answers(page, as, 200)))
	if now := s.container("app=web", other); now != bystander {
		s.Errorf("%s killed: %s was restarted too", name, other)
	}
}

// settle waits until the pod is Ready and routes have led to it for some seconds. What the kubelet says of a pod whose container
// was restarted reaches Traefik in steps, the last of which may be long after the pod served again: somebody who is ended
// meanwhile leaves the routes as they are then.
func (s *story) settle(page string, as login) {
	s.Helper()
	const steps = 5 * time.Second
	since := time.Now()
	s.until("routes to a Ready pod", func() error {
		if err := errors.Join(s.podsReady("app=web", 1), answers(page, as, 200)()); err != nil {
			since = time.Now()
			return err
		}
		if calm := time.Since(since); calm < steps {
			return fmt.Errorf("for %s only", calm)
		}
		return nil
	})
}

// restartKubelet kills the node's kubelet and starts it anew: the gate goes on, and no container is restarted. Whether
// routes go on too is not for the gate to say: a new kubelet calls no pod Ready before it has asked it itself.
func (s *story) restartKubelet(page string, as login) {
	s.Helper()
	before := []container{s.container("app=web", "web"), s.container("app=web", "kauth-proxy")}
	served := s.beside("served without a kubelet", answers("http://"+s.podIP("app=web")+":8181/", as, 200))
	theLab.Kill("kubelet")
	s.always("routes without a kubelet", 3*time.Second, answers(page, as, 200))
	probes := s.probes("app=web")
	start := time.Now()
	if err := theLab.Restart("kubelet"); err != nil {
		s.Fatal(err)
	}
	// A pod's Secret changes only with a kubelet at work, so this sees more than its word that it is.
	bob := login{"bob", "battery staple"}
	s.addUser(bob.user, bob.password)
	s.until("the new kubelet's first delivery", answers(page, bob, 200))
	s.figure("kubelet back: users delivered after", time.Since(start))
	s.until("node Ready", func() error { return theLab.NodeReady(context.Background()) })
	s.until("the new kubelet's second probe", func() error {
		if n := s.probes("app=web"); n < probes+2 {
			return fmt.Errorf("%d probes of the gate, %d before", n, probes)
		}
		return errors.Join(s.podsReady("app=web", 1), answers(page, as, 200)())
	})
	served.end()
	if after := []container{s.container("app=web", "web"), s.container("app=web", "kauth-proxy")}; after[0] != before[0] || after[1] != before[1] {
		s.Errorf("kubelet restarted: containers %v, before %v", after, before)
	}
}

// loseAPIServer takes the API server away for a minute: who has a password goes on working, and afterwards users can be
// changed as before. The gate serves all along. Routes do until the API server is back: whoever then still counts the
// node as lost takes the pod's address away, until the kubelet has spoken again, which is not for the gate to say.
func (s *story) loseAPIServer(page string, as login) {
	s.Helper()
	before := s.users()
	served := s.beside("served by the gate without an API server", answers("http://"+s.podIP("app=web")+":8181/", as, 200))
	routed := s.beside("routed without an API server", answers(page, as, 200))
	theLab.Kill("kube-apiserver")
	s.Cleanup(func() { _ = theLab.Restart("kube-apiserver") }) // for the stories to come, whatever becomes of this one; an error: it runs
	if _, err := s.tryKubectl("carol's\n", "basicauth", "user", "add", "carol", "--password-stdin", "--request-timeout=2s"); err == nil {
		s.Error("a user was added without an API server")
	}
	s.always("served without an API server", time.Minute, answers(page, as, 200))
	routed.end()
	start := time.Now()
	if err := theLab.Restart("kube-apiserver"); err != nil {
		s.Fatal(err)
	}
	s.until("API server", func() error {
		_, err := s.tryKubectl("", "get", "secret", "kauth-users")
		return err
	})
	s.figure("API server back: answers after", time.Since(start))
	if after := s.users(); after != before {
		s.Errorf("users after the API server's return:\n%swant\n%s", after, before)
	}
	carol := login{"carol", "staple battery"}
	s.until("a user added", func() error {
		_, err := s.tryKubectl(carol.password+"\n", "basicauth", "user", "add", carol.user, "--password-stdin")
		return err
	})
	s.until("users delivered", answers(page, carol, 200))
	s.figure("and users delivered after", time.Since(start))
	served.end()
}

// badLine spoils the users Secret: the last good users stay in force, and the gate says so. A sidecar that starts with
// such a file lets nobody in, and is healthy. Mended, it is as before.
func (s *story) badLine(page string, as login) {
	s.Helper()
	good := s.users()
	s.setUsers(good + "mallory:no-hash-at-all\n")
	s.until("the gate sees the bad line", s.gateSays("app=web", `"failures":1`))
	s.must(answers(page, as, 200), answers(page, login{"mallory", "no-hash-at-all"}, 401))

	s.kubectl("", "delete", "pod", "-l", "app=web")
	s.until("a new pod", func() error { return s.podsReady("app=web", 1) })
	s.until("nobody gets in", refusedAll(page, as)) // which Traefik's own 503, before it knows the new pod, does not say
	s.must(refusedAll(page, login{"mallory", "no-hash-at-all"}), answers(page+"health", nobody, 200))
	out, err := s.tryKubectl("", "basicauth", "verify")
	if err == nil || !strings.Contains(err.Error(), `"mallory"`) {
		s.Errorf("kubectl basicauth verify with a bad line: %s%v; want a failure that names the user", out, err)
	}

	s.setUsers(good)
	s.figure("bad line mended: let in after", s.until("let in", answers(page, as, 200)))
}

// megabyte fills the users Secret to the last byte that Kubernetes takes.
func (s *story) megabyte(page string, as login) {
	s.Helper()
	const limit = 1 << 20 // k8s.io/api/core/v1.MaxSecretSize
	good := s.users()
	_, hash, _ := strings.Cut(strings.SplitN(good, "\n", 2)[0], ":")
	var full strings.Builder
	full.WriteString(good)
	for i := 0; full.Len() < limit-4*len(hash); i++ { // room for one more, and the rest is filled with a comment
		fmt.Fprintf(&full, "crowd%05d:%s\n", i, hash)
	}
	last := login{"zoe", "the very last"}
	s.kubectl(last.password+"\n", "basicauth", "user", "add", last.user, "--password-stdin", "--secret", "zoe")
	text := full.String() + s.usersOf("zoe")
	text = "# " + strings.Repeat("-", limit-len(text)-3) + "\n" + text
	s.setUsers(text)
	s.figure(fmt.Sprintf("a megabyte, %d users: in force after", strings.Count(text, ":$")), s.until("the last of them", answers(page, last, 200)))
	s.must(answers(page, as, 200))

	_, err := s.tryKubectl("one too many\n", "basicauth", "user", "add", "straw", "--password-stdin")
	if err == nil || !strings.Contains(err.Error(), "1048576") && !strings.Contains(err.Error(), "1 MiB") {
		s.Errorf("a user too many: %v; want an error that names the limit", err)
	}
	if after := s.users(); after != text {
		s.Errorf("a user too many changed the Secret: %d bytes, want %d", len(after), len(text))
	}
	s.must(answers(page, last, 200))
	s.setUsers(good)
	s.until("the crowd is gone", answers(page, last, 401))
}
