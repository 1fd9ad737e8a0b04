package kustomize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// fnRun runs kustomize fn run on dir with the function in another folder, and returns the results that it wrote.
func fnRun(t *testing.T, dir, config string) (results, stderr string, err error) {
	t.Helper()
	out := t.TempDir()
	_, stderr, err = command(t, dir, "", testenv.Tool(t, "kustomize"), "fn", "run", "--enable-exec", "--results-dir", out,
		"--fn-path", write(t, "function.yaml", config), ".")
	files, globErr := filepath.Glob(filepath.Join(out, "*"))
	if globErr != nil {
		t.Fatal(globErr)
	}
	for _, name := range files {
		results += read(t, name)
	}
	return results, stderr, err
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// folder is all that the YAML files of a folder say, each by its name.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		all[filepath.Base(name)] = read(t, name)
	}
	return all
}

// gke is a Gateway that makes kauth add an object.
const gke = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec: {gatewayClassName: gke-l7-rilb, listeners: []}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: prom}
spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: prom, port: 80}]}]}
`

// TestFnRun: kustomize fn run writes what inject makes back into the files that it read, and an added object beside them; a
// second run changes no byte.
func TestFnRun(t *testing.T) {
	dir := write(t, "app.yaml", small, "gateway.yaml", gke)
	results, errs, err := fnRun(t, dir, gates(t, "defaults: {realm: Staff}\n"))
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	once := folder(t, dir)
	var all []string
	for _, text := range once {
		all = append(all, text)
	}
	got := withoutRecord(t, strings.Join(all, "---\n"))
	want := withoutRecord(t, must(t, dir, small+"---\n"+gke, program(t), "--realm", "Staff"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-inject +kustomize fn run:\n%s", diff)
	}
	if !strings.Contains(once["app.yaml"], "--realm=Staff") || strings.Contains(once["gateway.yaml"], "kauth-proxy") {
		t.Errorf("not in the files that it came from:\n%v", once)
	}
	for _, want := range []string{"gated: 8181 -> http://127.0.0.1:9090", "gets a HealthCheckPolicy", "path: app.yaml", "severity: info"} {
		if !strings.Contains(results, want) {
			t.Errorf("no %q in the results:\n%s", want, results)
		}
	}
	if _, errs, err = fnRun(t, dir, gates(t, "defaults: {realm: Staff}\n")); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if diff := cmp.Diff(once, folder(t, dir)); diff != "" {
		t.Errorf("a second run changed files:\n%s", diff)
	}
}

// TestFnRunRefuses: what kauth refuses leaves every file as it is, and is told in the results.
func TestFnRunRefuses(t *testing.T) {
	for _, c := range []struct{ name, config, text, want string }{
		{"open way", gates(t, ""), strings.ReplaceAll(small, "service: {name: prom", "service: {name: nobody"), `no Service "nobody"`},
		{"unknown field", gates(t, "defaults: {relm: Staff}\n"), small, `functionConfig: defaults.relm: unknown field`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, "app.yaml", c.text)
			results, errs, err := fnRun(t, dir, c.config)
			if err == nil || !strings.Contains(errs, c.want) {
				t.Errorf("error %v, stderr %q; want %q", err, errs, c.want)
			}
			results = strings.ReplaceAll(results, `\"`, `"`)
			if !strings.Contains(results, c.want) || !strings.Contains(results, "severity: error") {
				t.Errorf("no %q in the results:\n%s", c.want, results)
			}
			if diff := cmp.Diff(map[string]string{"app.yaml": c.text}, folder(t, dir)); diff != "" {
				t.Errorf("files changed:\n%s", diff)
			}
		})
	}
}
