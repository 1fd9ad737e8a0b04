package inject

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// asked are the options of mode ingress.
var asked = Options{Options: planner.Options{Version: "v1", Settings: config.Settings{Mode: config.ModeIngress}}}

// loginStories returns the streams of the command line's stories about mode ingress, by script and file.
func loginStories(t *testing.T) map[string][]byte {
	t.Helper()
	scripts, err := filepath.Glob("../cli/kauth/testdata/script/mode-ingress-*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	streams := map[string][]byte{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(text).Files {
			if strings.HasPrefix(f.Name, "in") && strings.HasSuffix(f.Name, ".yaml") {
				streams[strings.TrimSuffix(filepath.Base(script), ".txtar")+"/"+f.Name] = f.Data
			}
		}
	}
	return streams
}

// TestProofSeesEachLogin leaves out one edit of those that make an ingress controller ask, and wants the proof to see
// that nobody does.
func TestProofSeesEachLogin(t *testing.T) {
	left := 0
	for name, in := range loginStories(t) {
		for i := 0; ; i++ {
			s, _, p, err := prepare(slices.Clone(in), asked)
			if err != nil || len(finding.Errors(p.Findings)) > 0 {
				break
			}
			what := ""
			switch annotations, fronts := len(p.Annotations), len(p.Fronts); {
			case i < annotations:
				a := p.Annotations[i]
				what = a.Object.Short() + " " + a.Key
				p.Annotations = slices.Delete(p.Annotations, i, i+1)
			case i < annotations+fronts:
				f := p.Fronts[i-annotations]
				what = f.Object.Short() + " " + f.Field.String()
				p.Fronts = slices.Delete(p.Fronts, i-annotations, i-annotations+1)
			case i < annotations+fronts+len(p.Additions):
				at := i - annotations - fronts
				what = "Middleware " + manifest.String(p.Additions[at].Node, "metadata", "name")
				p.Additions = slices.Delete(p.Additions, at, at+1)
			}
			if what == "" {
				break
			}
			left++
			report := newReport("v1", p)
			if err := apply(s, p, "v1"); err != nil {
				t.Fatal(err)
			}
			if len(prove(s, "", report)) == 0 {
				t.Errorf("%s: nothing is said of the way that stays open without the edit of %s", name, what)
			}
		}
	}
	if left < 20 {
		t.Errorf("only %d edits were left out", left)
	}
}

// TestProofSeesSpoiltLogins spoils what kauth wrote, and wants the proof to see it.
func TestProofSeesSpoiltLogins(t *testing.T) {
	streams := loginStories(t)
	for _, c := range []struct{ name, stream, old, with string }{
		{"another type", "mode-ingress-nginx/in.yaml", "auth-type: basic", "auth-type: digest"},
		{"another Secret", "mode-ingress-nginx/in.yaml", "auth-secret: kauth-users", "auth-secret: others"},
		{"another namespace's Secret", "mode-ingress-nginx/in.yaml", "auth-secret: kauth-users", "auth-secret: other/kauth-users"},
		{"another form of Secret", "mode-ingress-nginx/in.yaml", "auth-secret-type: auth-file", "auth-secret-type: auth-map"},
		{"a realm that asks nobody", "mode-ingress-nginx/in.yaml", "auth-realm: Restricted", "auth-realm: off"},
		{"whoever satisfies another rule", "mode-ingress-nginx/in.yaml", "satisfy: all", "satisfy: any"},
		{"a canary", "mode-ingress-nginx/in.yaml", "satisfy: all", "canary: \"true\""},
		{"a piece of configuration", "mode-ingress-nginx/in.yaml", "client_max_body_size 10m;", "auth_basic off;"},
		{"another class", "mode-ingress-nginx/in.yaml", "ingressClassName: nginx", "ingressClassName: haproxy"},
		{"another controller", "mode-ingress-nginx/in-class.yaml", "controller: k8s.io/ingress-nginx", "controller: nginx.org/ingress-controller"},
		{"another Secret in the Middleware", "mode-ingress-traefik/in.yaml", "secret: kauth-users", "secret: others"},
		{"another Middleware", "mode-ingress-traefik/in.yaml", "  basicAuth:\n    secret: kauth-users\n    realm: Restricted\n    removeHeader: true\n", "  compress: {}\n"},
		{"two in one Middleware", "mode-ingress-traefik/in.yaml", "spec:\n  basicAuth:", "spec:\n  compress: {}\n  basicAuth:"},
		{"a Middleware elsewhere", "mode-ingress-traefik/in.yaml", "name: prom-kauth\n  namespace: mon", "name: prom-kauth\n  namespace: other"},
		{"a Middleware of the same id", "mode-ingress-traefik/in.yaml", "metadata: {name: sso, namespace: mon}", "metadata: {name: kauth, namespace: mon-prom}"},
		{"another kind", "mode-ingress-traefik/in.yaml", "kind: Middleware\nmetadata:\n  name: prom-kauth", "kind: MiddlewareTCP\nmetadata:\n  name: prom-kauth"},
		{"not the first of an Ingress", "mode-ingress-traefik/in.yaml", "mon-prom-kauth@kubernetescrd,mon-strip@kubernetescrd", "mon-strip@kubernetescrd,mon-prom-kauth@kubernetescrd"},
		{"another class of the Ingress", "mode-ingress-traefik/in.yaml", "ingressClassName: traefik", "ingressClassName: contour"},
		{"not the first of a route", "mode-ingress-traefik/in.yaml", "      - name: prom-kauth\n      # of the chart\n", ""},
		{"of another namespace", "mode-ingress-traefik/in.yaml", "{name: prom-kauth}", "{name: prom-kauth, namespace: other}"},
		{"another's Gateway", "mode-ingress-gateway/in.yaml", "controllerName: traefik.io/", "controllerName: example.com/"},
		{"not the first of a rule", "mode-ingress-gateway/in.yaml", "    - type: ExtensionRef\n", "    - {type: URLRewrite, urlRewrite: {}}\n    - type: ExtensionRef\n"},
		{"a filter of another kind", "mode-ingress-gateway/in.yaml", "kind: Middleware\n", "kind: Other\n"},
		{"a TraefikService without a route", "mode-ingress-traefik/in.yaml", "services: [{name: shares, kind: TraefikService}]", "services: [{name: other, port: http}]"},
		{"open to the outside", "mode-ingress-traefik/in.yaml", "selector: {app: prom}", "type: NodePort\n  selector: {app: prom}"},
		{"gone", "mode-ingress-traefik/in.yaml", "kind: Deployment", "kind: ReplicaSet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, report, err := Run(slices.Clone(streams[c.stream]), asked)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if _, err := out.WriteTo(&text); err != nil {
				t.Fatal(err)
			}
			spoilt := strings.Replace(text.String(), c.old, c.with, 1)
			if spoilt == text.String() {
				t.Fatalf("no %q in\n%s", c.old, text.String())
			}
			s, err := manifest.Read([]byte(spoilt))
			if err != nil {
				t.Fatal(err)
			}
			if len(prove(s, "", report)) == 0 {
				t.Errorf("nothing is said of it")
			}
		})
	}
}

// TestLoginsTwiceAndBack gives each stream of the stories and each chart behind ingress-nginx its logins, twice, and takes
// them out again.
func TestLoginsTwiceAndBack(t *testing.T) {
	streams := loginStories(t)
	charts, err := filepath.Glob(filepath.Join(testenv.Shared(t), "manifests/*/*nginx*.yaml"))
	charts = slices.DeleteFunc(charts, func(name string) bool { return strings.HasSuffix(name, ".values.yaml") })
	if err != nil {
		t.Fatal(err)
	}
	for _, chart := range charts {
		if streams[chart], err = os.ReadFile(chart); err != nil {
			t.Fatal(err)
		}
	}
	o, done := asked, 0
	o.Namespace = "mon"
	for name, in := range streams {
		for _, ending := range []string{"\n", "\r\n"} {
			text := strings.ReplaceAll(string(in), "\n", ending)
			out, err := run(t, text, o)
			if _, refused := errors.AsType[*RefusedError](err); refused {
				continue
			}
			done++
			if again, err2 := run(t, out, o); err != nil || err2 != nil || again != out {
				t.Errorf("%s: twice differs from once: %v, %v", name, err, err2)
			}
			if ejected(t, out) != text {
				t.Errorf("%s: eject does not give the input back", name)
			}
		}
	}
	if done < 12 {
		t.Errorf("only %d streams got logins", done)
	}
}

// FuzzLogins states of mode ingress what FuzzInjectTwice and FuzzEjectAfterInject do of gates.
func FuzzLogins(f *testing.F) {
	const app = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "labels": {"a": "b"}, "annotations": {"kauth.dev/gate": "enabled"}}, "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]}}
---
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}
---
`
	f.Add([]byte(app + "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: i\n  namespace: n\n  annotations:\n    nginx.ingress.kubernetes.io/auth-type: digest # x\nspec:\n  ingressClassName: nginx\n  defaultBackend: {service: {name: s, port: {number: 80}}}\n"))
	f.Add([]byte(app + "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: n}\nspec:\n  ingressClassName: traefik\n  defaultBackend: {service: {name: s, port: {number: 80}}}\n"))
	f.Add([]byte(app + "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata:\n  name: i\n  namespace: n\nspec:\n  routes:\n  - services:\n    - {name: s, port: 80}\n    middlewares:\n      # x\n      - name: m\n  - {services: [{name: t, kind: TraefikService}], middlewares: [{name: m}]}\n---\napiVersion: traefik.io/v1alpha1\nkind: TraefikService\nmetadata: {name: t, namespace: n}\nspec: {weighted: {services: [{name: s, port: 80}]}}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		first, err := run(t, string(in), asked)
		if err != nil || bytes.Contains(in, []byte("kauth.dev/undo")) {
			return
		}
		if again, err := run(t, first, asked); err != nil || again != first {
			t.Fatalf("twice differs from once: %v\ninput:\n%s\nonce:\n%s\ntwice:\n%s", err, in, first, again)
		}
		back := ejected(t, first)
		if back == string(in) {
			return
		}
		if again, err := run(t, back, asked); err != nil || ejected(t, again) != back {
			t.Fatalf("eject gives something else: %v\ninput:\n%s\nback:\n%s", err, in, back)
		}
	})
}
