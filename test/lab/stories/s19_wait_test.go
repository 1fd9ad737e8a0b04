//go:build linux

package stories

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// `--wait` returns when both gates go by the change, within seconds, whatever the kubelet's own pace is; the old password and
// the new one are tried once, at that moment. Gates that cannot go by it are named, as is the right that is lacking.
func TestWait(t *testing.T) {
	t.Parallel()
	s := tell(t, 19, "in force")
	h := s.helm("helm4")
	s.addUser("alice", "correct horse")
	h.run("install", "web", chart("web"), "--set", "host="+s.host(), "--set", "replicas=2", "--post-renderer", "kauth")
	s.until("pods Ready", func() error { return s.podsReady("app=web", 2) })
	gates := strings.Fields(s.kubectl("", "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.podIP}"))
	if len(gates) != 2 {
		s.Fatalf("gates at %v", gates)
	}
	each := func(as login, status int) {
		s.Helper()
		for _, ip := range gates { // once, not until
			s.must(answers("http://"+ip+":8181/", as, status))
		}
	}
	change := func(stdin string, args ...string) {
		s.Helper()
		start := time.Now()
		args = append([]string{"kubectl", "basicauth", "-n", s.ns, "user"}, args...)
		_, stderr, err := command{stdin: stdin, args: append(args, "--wait")}.run()
		if err != nil || !strings.Contains(stderr, "in force at 2 gates after ") {
			s.Fatalf("%v\n%s", err, stderr)
		}
		took := time.Since(start)
		if s.figure(args[5]+" in force", took); took > inForce {
			s.Errorf("%s took %s", args[5], took)
		}
	}
	alice, bob, rotated := login{"alice", "correct horse"}, login{"bob", "battery"}, login{"bob", "staple"}
	each(alice, 200)
	change(bob.password, "add", bob.user, "--password-stdin")
	each(bob, 200)
	change(rotated.password, "passwd", bob.user, "--password-stdin")
	each(rotated, 200)
	each(bob, 401)
	next := login{bob.user, "stapler"}
	change(next.password, "rotate", bob.user, "--password-stdin")
	each(rotated, 200) // beside the new one
	each(next, 200)
	change("", "expire", bob.user, "--now")
	each(next, 200)
	each(rotated, 401)
	change("", "remove", bob.user)
	each(next, 401)
	each(alice, 200)

	// Taken back, and once more after the whole Secret was deleted: the users of the last change are there again.
	undo := func(says ...string) {
		s.Helper()
		stdout, stderr, err := command{args: []string{"kubectl", "basicauth", "-n", s.ns, "undo", "--wait"}}.run()
		for _, want := range append(says, "in force at 2 gates after ") {
			if err != nil || !strings.Contains(stdout+stderr, want) {
				s.Fatalf("not said: %s\n%v\n%s%s", want, err, stdout, stderr)
			}
		}
	}
	undo(`user "bob" added`)
	each(next, 200)
	s.kubectl("", "delete", "secret", "kauth-users")
	s.until("everybody refused", answers("http://"+gates[0]+":8181/", next, 503))
	undo()
	each(alice, 200)
	change("", "remove", bob.user)
	each(next, 401)
	change("carol:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", "import", "-f", "-")
	each(login{"carol", "password"}, 200)

	// Two at once: the gates never go by the users of the first alone, and both return.
	var both sync.WaitGroup
	for _, user := range []string{"dave", "erin"} {
		both.Go(func() {
			_, stderr, err := command{stdin: user, args: []string{"kubectl", "basicauth", "-n", s.ns, "user", "add", user, "--password-stdin", "--wait"}}.run()
			if err != nil || !strings.Contains(stderr, "in force at 2 gates after ") {
				s.Errorf("%v\n%s", err, stderr)
			}
		})
	}
	both.Wait()
	each(login{"dave", "dave"}, 200)
	each(login{"erin", "erin"}, 200)

	// A line that no gate can use: the change is stored, and both pods are named.
	text := s.kubectl("", "basicauth", "user", "export")
	s.kubectl("", "patch", "secret", "kauth-users", "-p", fmt.Sprintf(`{"stringData":{"auth":%q}}`, text+"no colon\n"))
	_, stderr, err := command{args: []string{"kubectl", "basicauth", "-n", s.ns, "user", "remove", "carol", "--wait", "--timeout", "8s"}}.run()
	if err == nil || strings.Count(stderr, ": cannot use its users file, and goes by 4 users of before: ") != 2 || !strings.Contains(stderr, "not in force at 2 of 2 gates: waited 8s") {
		s.Fatalf("%v\n%s", err, stderr)
	}
	s.kubectl("", "patch", "secret", "kauth-users", "-p", fmt.Sprintf(`{"stringData":{"auth":%q}}`, text))

	// Who may not patch pods waits for the kubelet's own pace.
	olga := s.operator("olga")
	olga.may("kauth-users", readmeRole(s))
	olga.may("kauth-wait", "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: kauth-wait}\nrules: [{apiGroups: [''], resources: [pods], verbs: [list]}, "+
		"{apiGroups: [''], resources: [pods/portforward], verbs: [create]}]\n")
	s.until("the Roles in force", olga.does(basicauth("first", "user", "passwd", "carol", "--password-stdin", "--wait")))
	start := time.Now()
	s.must(olga.does(basicauth("second", "user", "passwd", "carol", "--password-stdin", "--wait")))
	s.figure("without the right to patch pods", time.Since(start))
	each(login{"carol", "second"}, 200)
}
