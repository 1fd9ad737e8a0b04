//go:build linux

package basicauth

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// evil is how a user may be called whom somebody adds that may write the Secret. bash puts what is common to two of them on the
// command line as it stands.
const evil = "x$(touch evil)`touch evil`;touch evil"

// shellEnv is the environment of a shell that finds kubectl and the plugin, and a kubeconfig whose namespace has three users.
func shellEnv(t *testing.T, namespace string) []string {
	t.Helper()
	home, config := t.TempDir(), ownConfig(t, namespace)
	if err := os.Symlink(testenv.Tool(t, "kube"), filepath.Join(home, "kubectl")); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "HOME="+home, "PATH="+home+string(filepath.ListSeparator)+os.Getenv("PATH"), "KUBECONFIG="+config, "TERM=xterm", "LC_ALL=C.UTF-8")
	cmd := exec.CommandContext(t.Context(), program, "user", "import", "-f", "-")
	cmd.Env, cmd.Stdin = env, strings.NewReader("alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nandré:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob hope:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"+evil+":{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"+evil+"2:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return env
}

// Somebody types in bash and in zsh, and presses the tab key.
func TestCompleteAtThePrompt(t *testing.T) {
	env := shellEnv(t, "tab")
	for name, shell := range map[string]struct {
		argv []string
		load string
	}{
		"bash": {[]string{"bash", "--norc", "--noprofile", "-i"}, ". " + testenv.Tool(t, "bash_completion") + "; . <(kubectl completion bash)"},
		"zsh":  {[]string{testenv.Tool(t, "zsh"), "-f", "-i"}, "autoload -U compinit; compinit -u -D; . <(kubectl completion zsh)"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), shell.argv[0], shell.argv[1:]...)
			cmd.Env = env
			d := onTerminal(t, cmd)
			d.send(shell.load + "; PS1='%%'; echo lo'ad'ed\n")
			d.expect("loaded", 1)
			d.send("kubectl basicauth user passwd al\t")
			d.expect("user passwd alice", 1)
			d.send("\x15kubectl basicauth user remove and\t")
			d.expect("user remove andré", 1)
			d.send("\x15kubectl basicauth user remove bob\t")
			d.expect(`user remove bob\ hope`, 1)
			d.send("\x15kubectl basicauth user remove x\t\t\t")
			d.send("\x15kubectl basicauth session-key rot\t")
			d.expect("session-key rotate", 1)
			d.send("\x15kubectl basicauth user list --output=js\t")
			d.expect("--output=json", 1)
			d.send("\x15exit\n")
			d.end(0)
			if strings.Contains(d.text(), "rror") || strings.Contains(d.text(), "directive") || strings.Contains(d.text(), "touch") {
				t.Errorf("the screen:\n%s", d.text())
			}
		})
	}
}

// fish says what it would offer.
func TestCompleteFish(t *testing.T) {
	env := shellEnv(t, "fish")
	ask := func(line string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), testenv.Tool(t, "fish"), "--no-config", "-c", "kubectl completion fish | source; complete -C "+`'`+line+`'`)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	if diff := cmp.Diff([]string{"alice", "andré", "bob hope"}, ask("kubectl basicauth user passwd ")); diff != "" {
		t.Error(diff)
	}
	if got := ask("kubectl basicauth verify --user al"); !slices.Equal(got, []string{"alice"}) {
		t.Error(got)
	}
	if got := ask("kubectl basicauth session-key rot"); len(got) != 1 || !strings.HasPrefix(got[0], "rotate\t") {
		t.Error(got)
	}
}

// silentServer takes connections and says nothing. It returns its address.
func silentServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// What a server that never answers has to say, a shell does not wait for.
func TestCompleteIsNotPatient(t *testing.T) {
	t.Parallel() // it waits, and works not at all
	listener := silentServer(t)
	config := filepath.Join(t.TempDir(), "kubeconfig")
	text := strings.ReplaceAll(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://SERVER"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ["30"], interactiveMode: Never}}}, {name: v, user: {}}]
contexts: [{name: hangs, context: {cluster: c, user: v}}, {name: login, context: {cluster: c, user: u}}]
`, "SERVER", listener)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{
		{"user", "passwd", "--context", "hangs", ""},
		{"user", "passwd", "--context", "login", ""},
		{"user", "list", "--context", "hangs", "--secret", ""},
		{"user", "list", "--context", "login", "-n", ""},
	} {
		start := time.Now()
		cmd := exec.CommandContext(t.Context(), completer, words...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+config)
		out, err := cmd.Output()
		if took := time.Since(start); err != nil || string(out) != ":4\n" || took > 10*time.Second {
			t.Errorf("%v: %q, %v, after %s", words, out, err, took)
		}
	}
}

// Arguments and flags are completed by the names that usage lines have for them.
func TestCompleteByName(t *testing.T) {
	s := server(t)
	namespace := s.CreateNamespace(t)
	kubectl := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), testenv.Tool(t, "kube"), append([]string{"--kubeconfig", s.Kubeconfig, "-n", namespace}, args...)...)
		cmd.Args[0] = "kubectl"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	kubectl("create", "deployment", "grafana", "--image=x")
	kubectl("create", "secret", "generic", "sh.helm.release.v1.prom.v1", "--type=helm.sh/release.v1", "--from-literal=release=x")
	kubectl("label", "secret", "sh.helm.release.v1.prom.v1", "owner=helm", "status=deployed", "name=prom")
	var out strings.Builder
	complete := func(words ...string) string {
		t.Helper()
		out.Reset()
		c := newCluster(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out})
		root := &cobra.Command{Use: "x"}
		c.addFlags(root.PersistentFlags())
		see := command("see [TYPE/NAME ...]", "", "", "", func(*cobra.Command, []string) error { return nil })
		see.Flags().String("release", "", "")
		root.AddCommand(see)
		c.completeAll(root)
		root.SetOut(&out)
		root.SetErr(&strings.Builder{})
		root.SetArgs(append([]string{"__complete", "--kubeconfig", s.Kubeconfig, "-n", namespace, "see"}, words...))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Error(err)
		}
		return out.String()
	}
	for want, words := range map[string][]string{
		"deployment/grafana\n:4\n": {""}, ":4\n": {"deployment/grafana", ""}, "prom\n:4\n": {"--release", ""},
	} {
		if got := complete(words...); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}

// kubectl on Windows, as far as it can be had here: it takes kubectl-basicauth.exe for a command "basicauth.exe", and completes the
// commands of "basicauth" once completion install was there.
func TestInstallOnWindows(t *testing.T) {
	dir := t.TempDir()
	source, found := filepath.Join(dir, program+".exe"), testenv.Tool(t, "kube")
	if err := os.WriteFile(source, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := exec.LookPath(completer)
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"kubectl": found, completer: self} { // Windows finds the latter as that name with .exe
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	completed := func() bool {
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "kubectl"), "__complete", "basicauth", "user", "pas")
		cmd.Env = append(os.Environ(), "PATH="+dir)
		out, _ := cmd.Output() // an error is no completion
		return strings.HasPrefix(string(out), "passwd\t")
	}
	if completed() {
		t.Error("kubectl has learned to leave .exe away: nameTag is for nothing")
	}
	t.Setenv("PATH", dir)
	for _, want := range []string{" made; ", " is there already\n"} {
		var out, errOut strings.Builder
		c := newCluster(genericiooptions.IOStreams{Out: &out, ErrOut: &errOut})
		if err := c.install(source, ""); err != nil || !strings.Contains(out.String(), completer+".exe"+want) || errOut.Len() > 0 {
			t.Errorf("%v, %q, %q", err, out.String(), errOut.String())
		}
		if !same(source, filepath.Join(dir, completer+".exe")) || !completed() {
			t.Error("nothing is completed")
		}
	}
}

func TestArgs(t *testing.T) {
	for name, want := range map[string][]string{
		"/usr/bin/kubectl-basicauth": {"user", ""}, "kubectl_complete-basicauth": {"__complete", "user", ""},
		"/x/Kubectl_Complete-basicauth.EXE": {"__complete", "user", ""},
	} {
		if diff := cmp.Diff(want, Args([]string{name, "user", ""})); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestHarmless(t *testing.T) {
	for value, want := range map[string]bool{
		"alice": true, "andré": true, "bob hope": true, "deployment/grafana": true, "arn:aws:eks:eu-west-1:1:cluster/x": true, "admin@prod": true, "": true,
		"-x": false, evil: false, "a$b": false, "a'b": false, `a\b`: false, "a|b": false, "a>b": false, "a*": false, "~root": false, "a\u202eb": false, "a\tb": false, "!1": false,
	} {
		if got := harmless(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
