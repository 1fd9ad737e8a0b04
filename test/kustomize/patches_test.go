package kustomize

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

const component = "resources: [rendered.yaml]\ncomponents: [kauth]\n"

// TestPatchesGiveWhatInjectGives: the kustomization that kauth writes makes of a chart, in real kustomize, the objects
// that inject makes of it.
func TestPatchesGiveWhatInjectGives(t *testing.T) {
	charts(t, func(t *testing.T, text string, flags []string) {
		dir := write(t, "rendered.yaml", text, "kustomization.yaml", component)
		must(t, dir, "", program(t), append([]string{"patches", "-f", "rendered.yaml", "-o", "kauth"}, flags...)...)
		out, errs, err := build(t, dir)
		if err != nil {
			t.Fatalf("kustomize build: %v\n%s", err, errs)
		}
		want := must(t, dir, text, program(t), flags...)
		if !strings.Contains(want, "name: kauth-proxy") {
			t.Fatal("inject gated nothing")
		}
		if diff := cmp.Diff(objects(t, want), objects(t, out)); diff != "" {
			t.Errorf("kustomize build makes something else (-inject +kustomize):\n%s", diff)
		}
	})
}

// TestPatchesNoticeOtherObjects: patches that were made of other manifests than they meet make kustomize fail.
func TestPatchesNoticeOtherObjects(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"another port", "port: {number: 80}", "port: {number: 81}", "testing value /spec/rules/0/http/paths/0/backend/service/port/number failed"},
		{"another backend", "service: {name: prom", "service: {name: other", "testing value /spec/rules/0/http/paths/0/backend/service/name failed"},
		{"another host first", "rules: [", "rules: [{host: b.example.com}, ", "testing value /spec/rules/0/host failed"},
		{"volumes by now", "spec: {containers:", "spec: {volumes: [{name: v, emptyDir: {}}], containers:", "testing value /spec/template/spec/volumes failed"},
		{"another name", "kind: Ingress\nmetadata: {name: prom}", "kind: Ingress\nmetadata: {name: web}", "no matches for Id Ingress.v1.networking.k8s.io/prom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, "kustomization.yaml", component)
			must(t, dir, small, program(t), "patches", "-o", "kauth")
			changed := strings.Replace(small, c.old, c.new, 1)
			if changed == small {
				t.Fatal("nothing changed")
			}
			if err := os.WriteFile(filepath.Join(dir, "rendered.yaml"), []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, errs, err := build(t, dir); err == nil || !strings.Contains(errs, c.want) {
				t.Errorf("err %v, stderr %q, want one with %q; stdout:\n%s", err, errs, c.want, out)
			}
		})
	}
}

// TestPatchesOfNothing: a stream in which nothing is gated gives a component that changes nothing, and takes away what
// an earlier run wrote.
func TestPatchesOfNothing(t *testing.T) {
	const other = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	dir := write(t, "rendered.yaml", other, "kustomization.yaml", component)
	must(t, dir, small, program(t), "patches", "-o", "kauth")
	must(t, dir, other, program(t), "patches", "-o", "kauth", "--allow-none")
	if out, errs, err := build(t, dir); err != nil || out != other {
		t.Errorf("%v, %s\n%s", err, errs, out)
	}
}

// TestPatchesUnderANamespace: objects that name no namespace are patched, and gated, in one that kustomize gives them.
func TestPatchesUnderANamespace(t *testing.T) {
	dir := write(t, "rendered.yaml", small, "kustomization.yaml", component+"namespace: monitoring\nnamePrefix: eu-\n")
	must(t, dir, small, program(t), "patches", "-o", "kauth", "-n", "monitoring")
	out, errs, err := build(t, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for _, want := range []string{"name: kauth-proxy", "number: 8181", "targetPort: kauth"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if again, errs, err := command(t, dir, out, program(t)); err != nil || cmp.Diff(objects(t, out), objects(t, again)) != "" {
		t.Errorf("kauth does not find it gated: %v\n%s\n%s", err, errs, cmp.Diff(objects(t, out), objects(t, again)))
	}
}

// TestPatchesOfLogins: what makes ingress controllers ask for the password is said in patches too, and kustomize makes of it
// what inject does.
func TestPatchesOfLogins(t *testing.T) {
	for _, name := range []string{"nginx", "traefik", "shared"} {
		t.Run(name, func(t *testing.T) {
			script, err := txtar.ParseFile(filepath.Join("../../pkg/cli/kauth/testdata/script", "mode-ingress-"+name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(script.Files, func(f txtar.File) bool { return f.Name == "in.yaml" })
			text := string(script.Files[at].Data)
			dir := write(t, "rendered.yaml", text, "kustomization.yaml", component)
			must(t, dir, "", program(t), "patches", "-f", "rendered.yaml", "-o", "kauth", "--mode", "ingress")
			out, errs, err := build(t, dir)
			if err != nil {
				t.Fatalf("kustomize build: %v\n%s", err, errs)
			}
			want := must(t, dir, text, program(t), "--mode", "ingress")
			if !strings.Contains(want, "auth-secret: kauth-users") && !strings.Contains(want, "secret: kauth-users") {
				t.Fatal("inject gated nothing")
			}
			if diff := cmp.Diff(objects(t, want), objects(t, out)); diff != "" {
				t.Errorf("kustomize build makes something else (-inject +kustomize):\n%s", diff)
			}
		})
	}
}

// TestNetworkPolicy: the policy that kauth adds comes out of kustomize as inject gives it, by patches and by the function.
func TestNetworkPolicy(t *testing.T) {
	want := objects(t, must(t, t.TempDir(), small, program(t), "--network-policy", "gate-only"))
	if len(want) != 4 {
		t.Fatalf("inject adds no policy: %v", want)
	}
	dir := write(t, "rendered.yaml", small, "kustomization.yaml", component)
	must(t, dir, small, program(t), "patches", "-o", "kauth", "--network-policy", "gate-only")
	out, errs, err := build(t, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if diff := cmp.Diff(want, objects(t, out)); diff != "" {
		t.Errorf("patches (-inject +kustomize):\n%s", diff)
	}
	out, errs, err = build(t, write(t, "rendered.yaml", small, "kustomization.yaml", transformer, "function.yaml", gates(t, "defaults: {networkPolicy: gate-only}\n")))
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if diff := cmp.Diff(withoutRecord(t, must(t, dir, small, program(t), "--network-policy", "gate-only")), withoutRecord(t, out)); diff != "" {
		t.Errorf("function (-inject +kustomize):\n%s", diff)
	}
}
