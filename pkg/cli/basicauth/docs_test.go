package basicauth

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// The page about the program is made of what its commands say of themselves, after an introduction. make golden writes it.
func TestDocs(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(root, "docs", "kubectl-basicauth.md")
	want := reference(t)
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the commands say; run make golden:\n%s", page, diff)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	role, _, _ := strings.Cut(text(t, "roles.yaml"), "\n---")
	if _, role, _ = strings.Cut(role, "\n"); !bytes.Contains(readme, []byte(role)) {
		t.Errorf("README.md has another Role than the first of roles.yaml:\n%s", role)
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func reference(t *testing.T) []byte {
	t.Helper()
	var page bytes.Buffer
	page.WriteString("<!-- Made of the commands' own help by make golden; the part before \"Commands\" is pkg/cli/basicauth/testdata/docs/intro.md. -->\n\n")
	page.WriteString(strings.Replace(text(t, "intro.md"), "ROLES\n", text(t, "roles.yaml"), 1))
	root := newRoot(newCluster(genericiooptions.IOStreams{}))
	page.WriteString("\n## Commands\n\n| command | |\n|---|---|\n")
	commands := leaves(root)
	first := []string{"user", "undo", "verify", "header", "session-key"} // what people come for
	slices.SortStableFunc(commands, func(a, b *cobra.Command) int { return rank(first, a) - rank(first, b) })
	for _, cmd := range commands {
		fmt.Fprintf(&page, "| [`%s`](#%s) | %s |\n", strings.TrimPrefix(cmd.CommandPath(), "kubectl basicauth "), anchor(cmd), cmd.Short)
	}
	page.WriteString("\nEvery command takes these options beside its own:\n\n")
	options(&page, root.PersistentFlags())
	for _, cmd := range commands {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n```sh\n%s [options]\n```\n", cmd.CommandPath(), prose(cmd.Long), cmd.UseLine())
		if len(cmd.Aliases) > 0 {
			fmt.Fprintf(&page, "\nAlso called `%s`.\n", strings.Join(cmd.Aliases, "`, `"))
		}
		if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
			page.WriteString("\n")
			options(&page, cmd.LocalNonPersistentFlags())
		}
		examples := strings.ReplaceAll(strings.TrimPrefix(cmd.Example, "  "), "\n  ", "\n")
		fmt.Fprintf(&page, "\nExamples:\n\n```sh\n%s\n```\n", examples)
	}
	return page.Bytes()
}

// leaves returns the commands that do something, in the order of the help.
func leaves(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, cmd := range root.Commands() {
		if !cmd.IsAvailableCommand() {
			continue
		}
		if !cmd.HasAvailableSubCommands() || strings.Contains(cmd.Use, " ") {
			all = append(all, cmd)
		}
		all = append(all, leaves(cmd)...)
	}
	return all
}

// rank is the place of the group that a command belongs to.
func rank(first []string, cmd *cobra.Command) int {
	if i := slices.Index(first, strings.Fields(cmd.CommandPath())[2]); i >= 0 {
		return i
	}
	return len(first)
}

// anchor is how GitHub calls the heading of a command.
func anchor(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// prose makes Markdown of a help text: what is indented there is shown as it stands, and nothing is taken for markup.
func prose(help string) string {
	var text strings.Builder
	for line := range strings.Lines(help) {
		if indented, ok := strings.CutPrefix(line, "  "); ok {
			text.WriteString("    " + indented)
			continue
		}
		text.WriteString(strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "|", `\|`).Replace(line))
	}
	return strings.TrimSpace(text.String())
}

func options(page *bytes.Buffer, flags *pflag.FlagSet) {
	page.WriteString("| option | meaning | default |\n|---|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + placeholder(value))
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		standard := ""
		switch f.DefValue {
		case "", "false", "[]", "0":
		default:
			standard = "`" + strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(f.DefValue) + "`"
		}
		fmt.Fprintf(page, "| `%s` | %s | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`), standard)
	})
}

// placeholder is what stands for an option's value.
func placeholder(kind string) string {
	switch kind {
	case "string", "stringArray":
		return "VALUE"
	case "int":
		return "NUMBER"
	}
	return strings.ToUpper(kind)
}

// The Roles of the page are enough for what it says that they are for, and for nothing else.
func TestRoles(t *testing.T) {
	t.Parallel()
	config := ownConfig(t, "roles")
	run := func(stdin, program string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"--kubeconfig", config}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		if program != "kubectl-basicauth" {
			cmd.Args[0] = "kubectl"
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	kubectl := func(stdin string, args ...string) {
		t.Helper()
		if out, err := run(stdin, testenv.Tool(t, "kube"), args...); err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, out)
		}
	}
	kubectl(strings.ReplaceAll(text(t, "roles.yaml"), "namespace: monitoring", "namespace: roles"), "apply", "-f", "-")
	for user, roles := range map[string][]string{"manager": {"kauth-users"}, "rotator": {"kauth-rotation"}, "first": {"kauth-users", "kauth-rotation", "kauth-first-time"}, "waiter": {"kauth-users", "kauth-wait"}} {
		for _, role := range roles {
			kubectl("", "create", "rolebinding", user+"-"+role, "--role", role, "--user", user)
		}
	}
	may := func(user string, allowed bool, args ...string) {
		t.Helper()
		args = append(args, "--as", user)
		for end := time.Now().Add(20 * time.Second); ; { // RBAC is read from caches
			out, err := run("", "kubectl-basicauth", args...)
			forbidden := strings.Contains(out, "you may not")
			for _, fine := range []string{
				"warning: no gate that runs in namespace roles mounts Secret roles/kauth-users, so there was none to wait for\n",
				"warning: Secret roles/kauth-users-web: user \"alice\": has several passwords, and Prometheus takes one; the first that is bcrypt counts there\n",
			} {
				out = strings.ReplaceAll(out, fine, "")
			}
			if err == nil && allowed && !strings.Contains(out, "warning") || forbidden && !allowed {
				return
			}
			if time.Now().After(end) {
				t.Errorf("%v: %v\n%s", args, err, out)
				return
			}
			<-time.After(50 * time.Millisecond)
		}
	}
	may("manager", false, "user", "add", "alice", "--generate")
	may("rotator", false, "header", "rotate", "origin")
	may("rotator", false, "session-key", "rotate")
	may("first", true, "user", "add", "alice", "--generate")
	may("first", true, "header", "rotate", "origin")
	may("manager", false, "project", "add", "prometheus-web")
	may("first", true, "project", "add", "prometheus-web")
	may("manager", true, "project", "list")
	may("manager", true, "project", "sync")
	may("manager", false, "user", "passwd", "alice", "--generate", "--wait")
	may("waiter", true, "user", "passwd", "alice", "--generate", "--wait")
	for _, user := range []string{"rotator", "manager"} {
		users, rotates := user == "manager", user == "rotator"
		may(user, users, "user", "add", user, "--generate")
		may(user, users, "user", "passwd", "alice", "--generate", "--dry-run", "server")
		may(user, users, "user", "export") // before there is an old password, of which it warns
		may(user, users, "user", "rotate", "alice", "--generate", "--overlap", "1ns")
		may(user, users, "user", "expire")
		may(user, users, "user", "list")
		may(user, users, "user", "remove", user)
		may(user, users, "undo", "--list")
		may(user, users, "undo", "--dry-run", "server")
		may(user, true, "session-key", "list")
		may(user, rotates, "session-key", "rotate")
		may(user, rotates, "session-key", "expire", "--now")
		may("rotator", true, "session-key", "rotate") // so that there is something to expire again
		may(user, rotates, "header", "rotate", "origin")
		may(user, rotates, "header", "expire", "origin", "--now")
		may(user, rotates, "header", "list", "origin")
		may(user, false, "user", "list", "--secret", "others")
	}
	may("first", true, "project", "remove", "prometheus-web")
	may("first", true, "project", "add", "prometheus-web")
	may("manager", false, "project", "remove", "prometheus-web")
}
