//go:build linux

package stories

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/test/lab/cluster"
)

// Services that are open to the outside without any Ingress: a NodePort, a LoadBalancer, and one with externalIPs. Without
// kauth they let everybody in. With it the same ports of the same addresses lead to the gate, and nothing else is
// published; clients inside the cluster have a Service that still reaches the application. Without it all is as it was.
func TestPublishedServices(t *testing.T) {
	withEachHelm(t, 14, "Services open to the outside", func(s *story, h *helm) {
		alice := login{"alice", "correct horse"}
		s.addUser(alice.user, alice.password)
		address, balancer := s.outsideAddresses(h)
		chart := []string{"web", chart("published"), "--set", "externalIP=" + address}
		h.run(append([]string{"install"}, chart...)...)
		s.balance("web-balancer", balancer)

		ways := []string{s.nodePage("web-node"), s.nodePage("web-balancer"), "http://" + balancer + "/version", "http://" + address + "/version"}
		inside := "http://web-inside." + s.ns + ".svc.cluster.local/version"
		s.until("everybody in, which is to be mended", s.each(ways, func(page string) func() error { return answers(page, nobody, 200) }))
		published, specs, manifest := s.published(), s.services(), h.run("get", "manifest", "web")

		h.run(append([]string{"upgrade", "--post-renderer", "kauth", "--post-renderer-args", "--keep-internal=web-node=web-inside"}, chart...)...)
		s.figure("gate at all ways", s.until("a gate at all ways", s.each(ways, func(page string) func() error { return s.refusedWithPage(page, nobody) })))
		s.until("the old pod's end", s.replaced("web", 1))
		var shut []*beside
		for _, page := range ways {
			shut = append(shut, s.guard(page))
		}
		gated := func() {
			s.Helper()
			for _, page := range ways {
				s.until("a password is good at "+page, answers(page, alice, 200))
				s.must(s.refusedWithPage(page, login{alice.user, "wrong"}), answers(strings.Replace(page, "/version", "/health", 1), nobody, 200))
			}
			s.until("the application, from inside", answers(inside, nobody, 200))
		}
		gated()
		s.must(s.same("published", strings.Replace(published, "web-node ", "web-inside ClusterIP   80:\nweb-node ", 1), s.published),
			answers("http://web-node."+s.ns+".svc.cluster.local/version", nobody, 401))
		s.kubectl("", "rollout", "restart", "deployment/web")
		s.figure("pods replaced", s.until("pods replaced", s.replaced("web", 1)))
		gated()
		for _, b := range shut {
			b.end()
		}

		ejected, _, err := command{stdin: h.run("get", "manifest", "web"), args: []string{"kauth", "eject"}}.run()
		if diff := cmp.Diff(s.contents(manifest), s.contents(ejected)); err != nil || diff != "" {
			s.Errorf("what kauth eject makes of the release is not what it was before, -want +got: %v\n%s", err, diff)
		}
		h.run(append([]string{"upgrade"}, chart...)...)
		s.until("everybody in again, as asked for", s.each(ways, func(page string) func() error { return answers(page, nobody, 200) }))
		s.must(s.same("Services", specs, s.services))
		h.run("uninstall", "web")
		s.figure("gone", s.until("all gone", s.onlyUsersLeft))
	})
}

// outsideAddresses are two addresses that lead to the node and belong to nobody: where a router outside would send their
// packets, kube-proxy's rules take them.
func (s *story) outsideAddresses(h *helm) (one, other string) {
	s.Helper()
	if out, err := s.try("ip", "route", "replace", "203.0.113.0/24", "dev", "labbr0"); err != nil {
		s.Fatal(out, err)
	}
	n := map[string]int{"helm3": 30, "helm4": 40}[h.major]
	return fmt.Sprint("203.0.113.", n), fmt.Sprint("203.0.113.", n+1)
}

// balance says of a Service what a cloud's controller does when its load balancer is there.
func (s *story) balance(service, address string) {
	s.Helper()
	s.kubectl("", "patch", "service", service, "--subresource=status", "--type=merge", "-p", `{"status":{"loadBalancer":{"ingress":[{"ip":"`+address+`"}]}}}`)
}

// nodePage is a page of a Service's first port by the node's address.
func (s *story) nodePage(service string) string {
	s.Helper()
	port, err := s.field("service/"+service, "{.spec.ports[0].nodePort}")
	if err != nil || port == "" {
		s.Fatalf("Service %s: node port %q: %v", service, port, err)
	}
	return "http://" + cluster.NodeIP + ":" + port + "/version"
}

// each returns nil when a question is for all pages.
func (s *story) each(pages []string, question func(page string) func() error) func() error {
	return func() (err error) {
		for _, page := range pages {
			err = errors.Join(err, question(page)())
		}
		return err
	}
}

// published is what of the Services is open to the outside, and under which ports.
func (s *story) published() string {
	s.Helper()
	return s.kubectl("", "get", "services", "-o",
		`jsonpath={range .items[*]}{.metadata.name} {.spec.type} {.spec.externalIPs} {.status.loadBalancer.ingress[*].ip} {range .spec.ports[*]}{.port}:{.nodePort}{end}{"\n"}{end}`)
}

// services is all that the Services ask for.
func (s *story) services() string {
	s.Helper()
	return s.kubectl("", "get", "services", "-o", `jsonpath={range .items[*]}{.metadata.name} {.metadata.annotations} {.spec}{"\n"}{end}`)
}

// same returns nil when something is what it was.
func (s *story) same(what, before string, now func() string) func() error {
	return func() error {
		if diff := cmp.Diff(before, now()); diff != "" {
			return fmt.Errorf("%s, -want +got:\n%s", what, diff)
		}
		return nil
	}
}

// contents are the objects of a stream. Helm 4 writes anew what it gives to a post-renderer, and leaves annotations without
// any where it took out its own.
func (s *story) contents(stream string) map[string]any {
	s.Helper()
	all := map[string]any{}
	for _, o := range s.objects(stream) {
		if len(o.GetAnnotations()) == 0 {
			o.SetAnnotations(nil)
		}
		all[o.title()] = o.Object
	}
	return all
}
