//go:build linux

package stories

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A Prometheus resource with Service and Ingress, installed with --post-renderer kauth: the operator makes a StatefulSet
// whose pod is Ready with the sidecar; through Traefik there is a 401 with its page, a 200 with a password, and the true
// health; the old port still serves scrapers; the operator's reconcile and a restart keep it so.
func TestPrometheusOfTheOperator(t *testing.T) {
	withEachHelm(t, 1, "a Prometheus resource behind Traefik", func(s *story, h *helm) {
		alice := login{"alice", "correct horse"}
		s.addUser(alice.user, alice.password)

		start := time.Now()
		h.run("install", "prom", chart("prometheus"), "--set", "host="+s.host(), "--post-renderer", "kauth")
		s.until("pod Ready", func() error { return s.podsReady("prometheus=prom", 1) })
		s.figure("pod Ready", time.Since(start))
		containers, err := s.field("pod/prometheus-prom-0", "{.spec.containers[*].name}")
		if err != nil || !strings.Contains(containers, "kauth-proxy") {
			s.Fatalf("containers %q, %v; want kauth-proxy among them", containers, err)
		}

		page := "http://" + s.host() + "/api/v1/query?query=up"
		s.until("a gate at "+page, answers(page, nobody, 401))
		s.figure("401 through Traefik", time.Since(start))
		gated := func() {
			s.Helper()
			s.must(
				s.refusedWithPage(page, nobody),
				s.refusedWithPage(page, login{alice.user, "wrong"}),
				answers(page, alice, 200),
				answers("http://"+s.host()+"/health", nobody, 200),
			)
			// For scrapers; kube-proxy takes a moment to see a new pod.
			s.until("the old port", answers("http://prom."+s.ns+".svc.cluster.local:9090/metrics", nobody, 200))
		}
		gated()
		s.guard(page) // while pods come and go

		// Somebody takes the sidecar out of what the operator made: the operator puts it back.
		s.kubectl("", "patch", "statefulset", "prometheus-prom", "--type=strategic",
			"-p", `{"spec":{"template":{"spec":{"containers":[{"name":"kauth-proxy","$patch":"delete"}]}}}}`)
		s.figure("reconciled", s.until("the operator's reconcile", func() error {
			names, err := s.field("statefulset/prometheus-prom", "{.spec.template.spec.containers[*].name}")
			if err == nil && !strings.Contains(names, "kauth-proxy") {
				err = fmt.Errorf("containers %q, want kauth-proxy among them", names)
			}
			return err
		}))
		s.until("pod Ready again", func() error {
			return errors.Join(s.rolledOut("statefulset/prometheus-prom"), s.podsReady("prometheus=prom", 1))
		})
		s.until("gate again", answers(page, alice, 200))
		gated()

		before, err := s.field("pod/prometheus-prom-0", "{.metadata.uid}")
		if err != nil {
			s.Fatal(err)
		}
		s.kubectl("", "delete", "pod", "prometheus-prom-0", "--wait=false")
		s.figure("restart", s.until("a new pod", func() error {
			after, err := s.field("pod/prometheus-prom-0", "{.metadata.uid}")
			if err == nil && after == before {
				err = fmt.Errorf("still the old one")
			}
			if err == nil {
				err = s.podsReady("prometheus=prom", 1)
			}
			return err
		}))
		s.until("gate again", answers(page, alice, 200))
		gated()
	})
}
