package kauth

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: prom}
spec: {template: {metadata: {labels: {app.kubernetes.io/name: prometheus}}, spec: {containers: [{name: p, image: p, ports: [{containerPort: 9090}]}]}}}
`

type terminal struct{ bytes.Buffer }

func (*terminal) Close() error { return nil }

// run calls Main as the program does, with the environment env.
func run(in string, env map[string]string, tty *terminal, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(Process{
		Args: args, Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errs, Getenv: func(key string) string { return env[key] },
		Terminal: func() (io.WriteCloser, error) {
			if tty == nil {
				return nil, errors.New("no terminal")
			}
			return tty, nil
		},
	})
	return code, out.String(), errs.String()
}

// TestExitCodes holds what scripts depend on: 0 done, 1 the work failed, 2 the command line was wrong; and no output
// but for 0.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		in   string
		want int
	}{
		{"", deployment, 0},
		{"inject", deployment, 0},
		{"eject", deployment, 0},
		{"version", "", 0},
		{"--help", "", 0},
		{"inject --help", "", 0},
		{"--gate deploy/prom:9090 --port 9000 -n x --realm R --users-secret a.b --image i --mode sidecar --network-policy none", deployment, 0},
		{"", "", 1},
		{"", "kind: [", 1},
		{"", "kind: ConfigMap\n", 1},
		{"eject", "kind: [", 1},
		{"--gate deploy/x", deployment, 1},
		{"--port 9090", deployment, 1},
		{"fn", deployment, 1},
		{"patches -f x -o y", deployment, 1},
		{"--nope", deployment, 2},
		{"inject --nope", deployment, 2},
		{"nope", deployment, 2},
		{"inject nope", deployment, 2},
		{"eject nope", deployment, 2},
		{"version nope", "", 2},
		{"--gate x", deployment, 2},
		{"--gate a/b:0", deployment, 2},
		{"--gate", deployment, 2},
		{"--port x", deployment, 2},
		{"--port -1", deployment, 2},
		{"--port 65536", deployment, 2},
		{"--mode ingress --require-header X --header-secret s", deployment, 2},
		{"--mode x", deployment, 2},
		{"--network-policy x", deployment, 2},
		{"--config x", deployment, 1},
		{"--config=", deployment, 2},
		{"patches", deployment, 2},
		{"--auth none", deployment, 2},
		{"fn nope", deployment, 2},
		{"--realm=", deployment, 2},
		{"--users-secret=", deployment, 2},
		{"--users-secret -x", deployment, 2},
		{"--users-secret a..b", deployment, 2},
		{"--users-secret ü", deployment, 2},
		{"-n A", deployment, 2},
		{"-n a/b", deployment, 2},
		{"explain -o svg", deployment, 2},
		{"explain -o dot", deployment, 0},
		{"explain -o mermaid", deployment, 0},
		{"explain --nope", deployment, 2},
	} {
		code, stdout, stderr := run(c.in, nil, nil, strings.Fields(c.args)...)
		if code != c.want {
			t.Errorf("kauth %s: exit code %d, want %d; %s", c.args, code, c.want, stderr)
		}
		if code != 0 && stdout != "" {
			t.Errorf("kauth %s: failed, but printed %q", c.args, stdout)
		}
		if code != 0 {
			for line := range strings.SplitSeq(strings.TrimSpace(stderr), "\n") {
				if !strings.HasPrefix(line, "kauth: error: ") {
					t.Errorf("kauth %s: error line %q", c.args, line)
				}
			}
		}
	}
	if code, _, stderr := run(deployment, map[string]string{"KAUTH_CONFIG": "x"}, nil); code != 1 {
		t.Errorf("KAUTH_CONFIG: exit code %d; %s", code, stderr)
	}
}

// TestHelm4Terminal: Helm 4 drops a post-renderer's standard error, so errors go to the terminal too; and only then.
func TestHelm4Terminal(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"under Helm 4", map[string]string{"HELM_PLUGIN_NAME": "kauth"}, "kauth: error: the input is empty; pipe rendered manifests in, as in: helm template RELEASE CHART | kauth\r\n"},
		{"elsewhere", nil, ""},
	} {
		tty := &terminal{}
		if code, _, _ := run("", c.env, tty); code != 1 || tty.String() != c.want {
			t.Errorf("%s: exit code %d, terminal %q", c.name, code, tty.String())
		}
	}
	if code, _, stderr := run("", map[string]string{"HELM_PLUGIN_NAME": "kauth"}, nil); code != 1 || stderr == "" {
		t.Errorf("no terminal: exit code %d, %q", code, stderr)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestBrokenOutput(t *testing.T) {
	for _, args := range [][]string{{"inject"}, {"eject"}, {"explain"}, {"explain", "-o", "json"}, {"explain", "-o", "dot"}, {"explain", "-o", "mermaid"}} {
		var errs bytes.Buffer
		code := Main(Process{Args: args, Stdin: strings.NewReader(deployment), Stdout: broken{}, Stderr: &errs, Getenv: func(string) string { return "" }})
		if code != 1 || !strings.Contains(errs.String(), "kauth: error: standard output: disk full") {
			t.Errorf("kauth %v: exit code %d, %q", args, code, errs.String())
		}
	}
}
