//go:build linux

package stories

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/test/lab/kit"
)

// Upgrade (chart change, kauth version change), rollback, uninstall: users survive, nothing of kauth is left after
// uninstall but the users Secret, and the one with the key of their sessions. A failing render leaves the running release untouched.
func TestRelease(t *testing.T) {
	withEachHelm(t, 4, "upgrade, rollback, uninstall", func(s *story, h *helm) {
		alice := login{"alice", "correct horse"}
		s.addUser(alice.user, alice.password)
		users := s.kubectl("", "get", "secret", "kauth-users", "-o", "json", "--show-managed-fields")
		page := "http://" + s.host() + "/version"
		gated := func(version, sidecar, challenge string) {
			s.Helper()
			s.until("version "+version+" behind a gate", func() error { return s.served(page, alice, version) })
			s.until("pods of the new kind alone serve", func() error { return s.runs("lab.local/web:1 ghcr.io/kauth-dev/kauth-proxy:" + sidecar) })
			s.until("challenge "+challenge, func() error { return s.challenges(page, challenge) })
		}
		deploy := func(what string, args ...string) {
			s.Helper()
			h.run(append([]string{what, "web", chart("web"), "--wait", "--set", "host=" + s.host(), "--set", "linger=2s"}, args...)...)
		}
		kauth, next := theLab.Kit.Kauth.Version, theLab.Kit.NextKauth.Version

		deploy("install", "--post-renderer", "kauth")
		gated("1", kauth, "Restricted")
		shut := s.guard(page)

		s.figure("chart change", s.took(func() { deploy("upgrade", "--set-string", "version=2", "--post-renderer", "kauth") }))
		gated("2", kauth, "Restricted")

		h.kauth = theLab.Kit.NextKauth
		s.figure("kauth change", s.took(func() { deploy("upgrade", "--set-string", "version=2", "--post-renderer", "kauth") }))
		gated("2", next, "Restricted")

		// The realm moves, and the port.
		deploy("upgrade", "--set-string", "version=2", "--post-renderer", "kauth", "--post-renderer-args", "--realm=The Lab",
			"--post-renderer-args", "--port=8282")
		gated("2", next, "The Lab")
		s.until("the gate's port alone", func() error { return s.is("service/web", "{.spec.ports[*].port}", "80 8282") })

		s.failingRenders(h)
		gated("2", next, "The Lab")
		shut.end()

		// Nothing that failed is in the way of the next upgrade. Without a post-renderer there is no gate: that is what was
		// asked for.
		deploy("upgrade")
		s.until("no gate", answers(page, nobody, 200))
		s.until("the application alone", func() error { return s.runs("lab.local/web:1") })
		s.must(
			func() error { return s.is("service/web", "{.spec.ports[*].port}", "80") },
			func() error { return s.is("ingress/web", "{..service.port}", `{"name":"http"}`) },
			func() error { return s.is("deployment/web", "{.metadata.annotations.kauth\\.dev/version}", "") },
		)
		deploy("upgrade", "--set-string", "version=3", "--post-renderer", "kauth")
		gated("3", next, "Restricted")
		shut = s.guard(page)

		// Helm asks no post-renderer at a rollback: the gate is in what it wrote down at the time.
		s.figure("rollback", s.took(func() { h.run("rollback", "web", "1", "--wait") }))
		gated("1", kauth, "Restricted")

		h.run("uninstall", "web")
		s.figure("gone", s.until("all gone", s.onlyUsersLeft))

		deploy("install", "--set-string", "version=4", "--post-renderer", "kauth")
		s.until("alice is in", func() error { return s.served(page, alice, "4") })
		gated("4", next, "Restricted")
		shut.end()
		if diff := cmp.Diff(users, s.kubectl("", "get", "secret", "kauth-users", "-o", "json", "--show-managed-fields")); diff != "" {
			s.Errorf("the users are not as they were, -before +after:\n%s", diff)
		}
	})
}

// failingRenders tries upgrades in which kauth refuses or dies, and fails the story when one of them is done, or done in
// part.
func (s *story) failingRenders(h *helm) {
	s.Helper()
	s.until("the old pods' end", s.replaced("web", 1))
	before, history := s.release(), h.run("history", "web")
	rollback := map[string]string{"helm3": "--atomic", "helm4": "--rollback-on-failure"}[h.major]
	well, dying := h.kauth, s.dyingKauth(h.kauth)
	for _, c := range []struct {
		kauth kit.Product
		args  []string
	}{
		{well, []string{"--set", "gate=maybe"}},
		{well, []string{"--set", "gate=maybe", rollback}},
		{well, []string{"--set", "gate=disabled"}}, // and nothing else to gate
		{well, []string{"--post-renderer-args", "--gate=Deployment/absent"}},
		{dying, nil},
		{dying, []string{rollback}},
	} {
		h.kauth = c.kauth
		out, err := h.try(append([]string{
			"upgrade", "web", chart("web"), "--set", "host=" + s.host(), "--set-string", "version=never", "--post-renderer", "kauth",
		}, c.args...)...)
		if err == nil {
			s.Fatalf("an upgrade with %q that cannot be gated was done:\n%s", c.args, out)
		}
		if diff := cmp.Diff(before, s.release()); diff != "" {
			s.Errorf("after a failed upgrade with %q, -before +after:\n%s", c.args, diff)
		}
		if diff := cmp.Diff(history, h.run("history", "web")); diff != "" {
			s.Errorf("Helm's history after a failed upgrade with %q, -before +after:\n%s", c.args, diff)
		}
	}
	h.kauth = well
}

// dyingKauth makes a kauth that is killed when it has written half of its output.
func (s *story) dyingKauth(whole kit.Product) kit.Product {
	s.Helper()
	plugin := filepath.Join(s.TempDir(), "kauth")
	p := kit.Product{Version: whole.Version, Bin: filepath.Join(plugin, "bin"), Plugins: filepath.Dir(plugin)}
	description, err := os.ReadFile(filepath.Join(whole.Plugins, "kauth", "plugin.yaml"))
	if err == nil {
		err = os.MkdirAll(p.Bin, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(plugin, "plugin.yaml"), description, 0o600)
	}
	if err == nil {
		script := fmt.Sprintf("#!/bin/sh\nout=$('%s/kauth' \"$@\") && printf %%.1200s \"$out\" && kill -9 $$\n", whole.Bin)
		err = os.WriteFile(filepath.Join(p.Bin, "kauth"), []byte(script), 0o755)
	}
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// release returns what an upgrade would change: all objects of the release and what was made of them, by name, without
// what controllers say about them.
func (s *story) release() map[string]string {
	s.Helper()
	var list struct{ Items []map[string]any }
	out := s.kubectl("", "get", "deployments,replicasets,pods,services,ingresses", "-o", "json", "--show-managed-fields")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		s.Fatal(err)
	}
	objects := map[string]string{}
	for _, o := range list.Items {
		delete(o, "status")
		meta := o["metadata"].(map[string]any)
		if kind := o["kind"]; kind != "Service" && kind != "Ingress" {
			delete(meta, "resourceVersion") // of the status too
		}
		var specs []any
		for _, m := range meta["managedFields"].([]any) {
			if m.(map[string]any)["subresource"] != "status" {
				specs = append(specs, m)
			}
		}
		meta["managedFields"] = specs
		text, err := json.MarshalIndent(o, "", " ")
		if err != nil {
			s.Fatal(err)
		}
		objects[fmt.Sprint(o["kind"], "/", meta["name"])] = string(text)
	}
	if len(objects) < 5 {
		s.Fatalf("%d objects of the release, want a Deployment, ReplicaSets, a pod, a Service and an Ingress", len(objects))
	}
	return objects
}

// onlyUsersLeft returns nil when the namespace holds nothing but the two Secrets that kubectl basicauth made, what Kubernetes
// itself puts into each, and events, which tell of the past.
func (s *story) onlyUsersLeft() error {
	return s.onlySecretsLeft("kauth-users", "kauth-users-history", "kauth-users-session-key")
}

// onlySecretsLeft is onlyUsersLeft for other Secrets, sorted by their names.
func (s *story) onlySecretsLeft(names ...string) error {
	kinds, err := s.try("kubectl", "api-resources", "--namespaced", "--verbs=list", "-o", "name")
	if err != nil {
		return err
	}
	var asked []string
	for kind := range strings.FieldsSeq(kinds) {
		if !strings.HasPrefix(kind, "events") {
			asked = append(asked, kind)
		}
	}
	out, err := s.tryKubectl("", "get", strings.Join(asked, ","), "-o", "name")
	if err != nil {
		return err
	}
	if diff := cmp.Diff("configmap/kube-root-ca.crt\nsecret/"+strings.Join(names, "\nsecret/")+"\nserviceaccount/default\n", out); diff != "" {
		return fmt.Errorf("left in the namespace, -want +got:\n%s", diff)
	}
	return nil
}

// served returns nil when nobody is refused and this user gets the application's answer.
func (s *story) served(page string, as login, body string) error {
	if err := answers(page, nobody, 401)(); err != nil {
		return err
	}
	r, err := get(page, as)
	if err == nil && (r.status != 200 || r.body != body+"\n") {
		err = r.wrong("%s as %q: %d %.200q, want 200 and %q", page, as.user, r.status, r.body, body)
	}
	return err
}

// challenges returns nil when a page is refused in the name of this realm.
func (s *story) challenges(page, realm string) error {
	r, err := get(page, nobody)
	if err == nil && (r.status != 401 || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), `Basic realm="`+realm+`"`)) {
		err = fmt.Errorf("%s: %d %q, want 401 for realm %q", page, r.status, r.header.Get("WWW-Authenticate"), realm)
	}
	return err
}

// runs returns nil when all pods that are not about to end have these images.
func (s *story) runs(images string) error {
	out, err := s.tryKubectl("", "get", "pods", "-l", "app=web", "-o",
		`jsonpath={range .items[*]}{.spec.containers[*].image}|{.metadata.deletionTimestamp}{"\n"}{end}`)
	if err != nil {
		return err
	}
	staying := 0
	for line := range strings.Lines(out) {
		got, ending, _ := strings.Cut(strings.TrimSpace(line), "|")
		if ending != "" {
			continue
		}
		if staying++; got != images {
			return fmt.Errorf("a pod with %q, want %q", got, images)
		}
	}
	if staying == 0 {
		return fmt.Errorf("no pod")
	}
	return nil
}

// is returns nil when a field has this value.
func (s *story) is(object, path, want string) error {
	got, err := s.field(object, path)
	if err == nil && got != want {
		err = fmt.Errorf("%s: %s: %q, want %q", object, path, got, want)
	}
	return err
}
