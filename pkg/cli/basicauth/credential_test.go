package basicauth

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// odd are names without a colon, and passwords, that shells, curl and YAML like to stumble over.
var odd = []string{
	"alice", "it's", `'"'`, `a\`, `\"`, `a\nb`, `\\`, "$HOME", "${HOME}", "$$", "$$$HOME", "$__env{HOME}", "$(id)", "`id`", "a b", "%s%n", "100%", "!!", "~", "-u", "@/etc/passwd", "a;b", "a&b|c>d",
	"é", "日本", "🔑", "#", `"`, "'", "{a}", "[a", "*", "null", "1e3", "yes", "\u00a0x", "\u2028", strings.Repeat("x", 72), strings.Repeat(`'`, 36) + strings.Repeat(`\`, 36), strings.Repeat("a ", 35) + "b",
}

// A shell that is given the line signs in as the user with the password, and shows neither to who lists processes.
func TestCurlLine(t *testing.T) {
	type login struct{ user, password string }
	seen := make(chan login, 1)
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		seen <- login{user, password}
		if r.URL.RequestURI() != "/a?b='c'&d" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(gate.Close)
	curl := testenv.Tool(t, "curl")
	for _, shell := range []string{"sh", "bash"} {
		for i, name := range odd {
			secret := odd[(i+1)%len(odd)] + ":" + odd[i]
			line := curlLine(gate.URL+"/a?b='c'&d", name, secret)
			if strings.Count(line, "\n") != 1 {
				t.Errorf("not one line: %q", line)
			}
			cmd := exec.CommandContext(t.Context(), shell, "-c", strings.Replace(line, "| curl ", "| "+curl+" -sSfq ", 1))
			cmd.Stdin = strings.NewReader("")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %s: %v\n%s", shell, line, err, out)
			}
			if got, want := <-seen, (login{name, secret}); got != want {
				t.Errorf("%s: %s: %q; want %q", shell, line, got, want)
			}
			if _, arguments, _ := strings.Cut(line, "| curl"); len(name) > 2 && strings.Contains(arguments, name) {
				t.Errorf("curl's arguments hold the user: %s", line)
			}
		}
	}
}

// interpolated does to a value what Grafana does when it reads one (pkg/services/provisioning/values, interpolateValue).
func interpolated(value string) string {
	parts := strings.Split(value, "$$")
	for i, part := range parts {
		parts[i] = os.Expand(part, func(string) string { return "EXPANDED" })
	}
	return strings.Join(parts, "$")
}

func TestDataSource(t *testing.T) {
	for i, name := range odd {
		secret := odd[(i+1)%len(odd)] + ":" + odd[i]
		text, err := dataSource(destination{"http://prom.monitoring.svc:8181/$a", "prom"}, name, secret)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := yaml.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		source := got["datasources"].([]any)[0].(map[string]any)
		for _, m := range []map[string]any{source, source["secureJsonData"].(map[string]any)} {
			for key, value := range m {
				if value, ok := value.(string); ok {
					m[key] = interpolated(value)
				}
			}
		}
		want := map[string]any{"apiVersion": 1, "datasources": []any{map[string]any{
			"name": "prom", "type": "prometheus", "access": "proxy", "url": "http://prom.monitoring.svc:8181/$a",
			"basicAuth": true, "basicAuthUser": name, "secureJsonData": map[string]any{"basicAuthPassword": secret},
		}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAddress(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://prom.example.com": true, "http://127.0.0.1:8181/prometheus/": true, "https://[::1]": true,
		"prom.example.com": false, "ftp://x": false, "https://": false, "https://alice@x": false, "https://a b": false, "\x00": false, "https://x\ny": false,
	} {
		if err := (&address{url}).check("curl"); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
	if err := (&address{"https://x"}).check("json"); err == nil {
		t.Error("an address that nobody prints")
	}
	if _, err := (destination{}).credential("json", "a", "b"); err == nil {
		t.Error("no format for programs")
	}
	if hours(userstore.MaxOverlap) != "87600h" {
		t.Error(hours(userstore.MaxOverlap))
	}
}
