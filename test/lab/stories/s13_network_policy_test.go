//go:build linux

package stories

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/test/lab/enforce"
)

const (
	client13 = `apiVersion: v1
kind: Pod
metadata: {name: %[1]s, namespace: %[2]s, labels: {role: %[3]s}}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: web, image: lab.local/web:1, args: [-linger=0s]}]}
---
`
	allowed13 = `apiVersion: kauth.dev/v1alpha1
kind: Gates
defaults:
  networkPolicy: same-namespace
  allowFrom:
  - podSelector: {matchLabels: {role: scraper}}
  - namespaceSelector: {matchLabels: {team: ops}}
`
)

// With NetworkPolicies enforced: none is added unasked, and every pod of the cluster reaches the application past its gate. With
// same-namespace only pods of its namespace do, with gate-only only its own, and those of allowFrom; all others reach the
// gate, which asks for a password. Traefik leads in all the while, the pods stay Ready, and none is started anew.
func TestNetworkPolicy(t *testing.T) {
	t.Parallel()
	enforcer, err := enforce.Start(context.Background(), theLab.Client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := enforcer.Stop(); err != nil {
			t.Error(err)
		}
	})
	eachHelm(t, func(t *testing.T, major, name string) {
		t.Parallel()
		s := tell(t, 13, "network policies ("+name+")")
		newFence(s, enforcer).tell(s.helm(major))
	})
	t.Run("mesh", func(t *testing.T) {
		t.Parallel()
		s := tell(t, 13, "network policies, Alertmanager's mesh")
		s.meshUnderPolicy(enforcer)
	})
}

// A fence is a release with two replicas, and pods around it.
type fence struct {
	*story
	enforcer *enforce.Enforcer
	alice    login
	around   map[string]inside // near and scraper in its namespace; far and stranger in another; ops in one that is allowed
	gate     []string          // where the gate is: at a pod, and at the Service
	app      []string          // and the application
	own      inside            // the other pod of the release
}

func newFence(s *story, enforcer *enforce.Enforcer) *fence {
	f := &fence{story: s, enforcer: enforcer, alice: login{"alice", "correct horse"}, around: map[string]inside{}}
	s.addUser(f.alice.user, f.alice.password)
	for _, suffix := range []string{"-far", "-ops"} {
		namespace := s.ns + suffix
		s.kubectl("", "create", "namespace", namespace)
		s.Cleanup(func() { s.kubectl("", "delete", "namespace", namespace, "--wait=false") })
	}
	s.kubectl("", "label", "namespace", s.ns+"-ops", "team=ops")
	var pods strings.Builder
	clients := [][3]string{{"near", s.ns, "none"}, {"scraper", s.ns, "scraper"}, {"far", s.ns + "-far", "none"}, {"stranger", s.ns + "-far", "scraper"}, {"ops", s.ns + "-ops", "none"}}
	for _, c := range clients {
		fmt.Fprintf(&pods, client13, c[0], c[1], c[2])
	}
	if _, _, err := (command{stdin: pods.String(), args: []string{"kubectl", "apply", "-f", "-"}}).run(); err != nil { // to several namespaces
		s.Fatal(err)
	}
	for _, c := range clients {
		s.until("pod "+c[0], func() error {
			ready, err := s.tryKubectl("", "get", "pod", c[0], "-n", c[1], "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
			if err == nil && ready != "True" {
				err = fmt.Errorf("pod %s: Ready: %q", c[0], ready)
			}
			return err
		})
		f.around[c[0]] = s.inside(c[1], "role="+c[2], "web")
	}
	return f
}

func (f *fence) tell(h *helm) {
	install := []string{"web", chart("web"), "--set", "host=" + f.host(), "--set", "replicas=2", "--post-renderer", "kauth"}
	h.run(append([]string{"install"}, install...)...)
	f.until("two pods", func() error { return f.podsReady("app=web", 2) })
	pods := strings.Fields(f.kubectl("", "get", "pods", "-l", "app=web", "-o", "jsonpath={range .items[*]}{.metadata.name}={.status.podIP} {end}"))
	other, _, _ := strings.Cut(pods[1], "=")
	_, ip, _ := strings.Cut(pods[0], "=")
	service, err := f.field("service/web", "{.spec.clusterIP}")
	if err != nil {
		f.Fatal(err)
	}
	f.kubectl("", "label", "pod", other, "role=own")
	f.own = f.inside(f.ns, "role=own", "web")
	f.gate, f.app = []string{"http://" + ip + ":8181/", "http://" + service + ":8181/"}, []string{"http://" + ip + ":8080/", "http://" + service + "/"}

	f.reached("near", "scraper", "far", "stranger", "ops")

	file := filepath.Join(f.TempDir(), "kauth.yaml")
	if err := os.WriteFile(file, []byte(allowed13), 0o600); err != nil {
		f.Fatal(err)
	}
	upgrade := append([]string{"upgrade"}, install...)
	upgrade = append(upgrade, "--post-renderer-args", "--config="+file)
	h.run(upgrade...)
	f.figure("same-namespace in force", f.until("far is kept out", f.around["far"].getsNothing(f.app[0])))
	f.reached("near", "scraper", "ops")

	h.run(append(upgrade, "--post-renderer-args", "--network-policy=gate-only")...)
	f.figure("gate-only in force", f.until("near is kept out", f.around["near"].getsNothing(f.app[0])))
	f.reached("scraper", "ops")

	h.run(append([]string{"upgrade"}, install...)...)
	f.figure("none again", f.until("far is let in", f.around["far"].gets(f.app[0], nobody, 200)))
	f.reached("near", "scraper", "far", "stranger", "ops")
}

// reached checks that these reach the application past the gate and nobody else does; that everybody reaches the gate, and
// with the password the application behind it; and that Traefik and the probes do.
func (f *fence) reached(past ...string) {
	f.Helper()
	for name, from := range f.around {
		for i := range f.gate {
			f.must(from.gets(f.gate[i], nobody, 401), from.gets(f.gate[i], login{f.alice.user, "wrong"}, 401), from.gets(f.gate[i], f.alice, 200))
			if strings.Contains(" "+strings.Join(past, " ")+" ", " "+name+" ") {
				f.must(from.gets(f.app[i], nobody, 200))
			} else {
				f.must(from.getsNothing(f.app[i]))
			}
		}
	}
	f.must(f.own.gets(f.app[0], nobody, 200), f.enforcer.Err)
	page, before := "http://"+f.host()+"/", f.probes("role=own")
	f.until("a gate at "+page, answers(page, nobody, 401))
	f.always("the pods, through Traefik and Ready", 3*time.Second, func() error {
		f.must(answers(page, nobody, 401), answers(page, f.alice, 200))
		return f.podsReady("app=web", 2)
	})
	f.until("more probes", func() error {
		if f.probes("role=own") == before {
			return fmt.Errorf("the kubelet has asked for the health %d times, as before", before)
		}
		return nil
	})
	if restarts, err := f.tryKubectl("", "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}"); err != nil || strings.Trim(restarts, "0 ") != "" {
		f.Fatalf("restarts %q, %v", restarts, err)
	}
}

const mesh13 = `apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata: {name: mesh}
spec:
  image: lab.local/alertmanager:v0.25.0
  version: v0.25.0
  replicas: 2
  securityContext: {fsGroup: 2000, runAsNonRoot: true, runAsUser: 1000}
`

// meshUnderPolicy: the pods that the operator makes are those that the policy closes, and their replicas find each other
// all the same, by TCP and UDP.
func (s *story) meshUnderPolicy(enforcer *enforce.Enforcer) {
	alice := login{"alice", "correct horse"}
	s.addUser(alice.user, alice.password)
	out, _, err := command{stdin: mesh13, args: []string{"kauth", "--network-policy", "gate-only"}}.run()
	if err != nil {
		s.Fatal(err)
	}
	s.kubectl(out+fmt.Sprintf("---\n"+client13, "near", s.ns, "none"), "apply", "-f", "-")
	s.figure("two replicas Ready", s.until("two replicas", func() error { return s.podsReady("alertmanager=mesh", 2) }))
	s.until("a pod beside them", func() error { return s.podsReady("role=none", 1) })
	ip, near := s.podIP("alertmanager=mesh"), s.inside(s.ns, "role=none", "web")
	s.must(near.getsNothing("http://"+ip+":9093/"), near.getsNothing("http://"+ip+":8080/"), near.gets("http://"+ip+":8181/", nobody, 401), near.gets("http://"+ip+":8181/api/v2/status", alice, 200))
	s.figure("both in one mesh", s.until("one mesh", func() error {
		r, err := get("http://"+ip+":9093/metrics", nobody) // from the node, which no policy holds back
		if err == nil && !strings.Contains(r.body, "\nalertmanager_cluster_members 2\n") {
			err = fmt.Errorf("no metric says that the mesh has 2 members: %d %.100s", r.status, r.body)
		}
		return err
	}))
	s.must(enforcer.Err)
}
