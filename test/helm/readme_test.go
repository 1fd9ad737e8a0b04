package helm

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

var (
	shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")
	comment    = regexp.MustCompile(`\s+# .*$`)
)

// TestReadmeCommands checks every command of the README: that our own programs know its command and its flags, that make
// has its target, and that the file that it names is there. A command that none of this fits fails the test, so that
// whoever adds one says how it is checked.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := testenv.Build(t.Context(), bin, "./cmd/..."); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(comment.ReplaceAllString(strings.TrimRight(line, "\n"), ""))
			for part := range strings.SplitSeq(line, "|") {
				if part = strings.TrimSpace(part); part != "" {
					checkCommand(t, bin, strings.Fields(part))
					checked++
				}
			}
		}
	}
	if checked < 15 {
		t.Errorf("found only %d commands in the README", checked)
	}
}

func checkCommand(t *testing.T, bin string, words []string) {
	t.Helper()
	known := func(name string, args ...string) {
		t.Helper()
		// Help is asked for last, so the command and the flags before it are parsed, and nothing runs.
		cmd := exec.CommandContext(t.Context(), name, append(args, "--help")...)
		cmd.Dir = root()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("README: %s: %v\n%s", strings.Join(words, " "), err, out)
		}
	}
	switch {
	case words[0] == "kauth":
		known(filepath.Join(bin, "kauth"), words[1:]...)
	case words[0] == "kubectl" && words[1] == "basicauth":
		known(filepath.Join(bin, "kubectl-basicauth"), words[2:]...)
	case words[0] == "make":
		cmd := exec.CommandContext(t.Context(), "make", "-n", words[1])
		cmd.Dir = root()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("README: make %s: %v\n%s", words[1], err, out)
		}
	case words[0] == "helm" && words[1] == "plugin":
		if _, err := os.Stat(filepath.Join(root(), words[3], "plugin.yaml")); err != nil {
			t.Errorf("README: %s: %v", strings.Join(words, " "), err)
		}
	case words[0] == "helm" && words[1] != "repo":
		folder, err := plugins()
		if err != nil {
			t.Fatal(err)
		}
		eachHelm(t, func(t *testing.T, h helm) {
			cmd := h.command(t.Context(), append(words[1:], "--help")...)
			// Helm 3 looks for the post-renderer in PATH, Helm 4 among its plugins.
			cmd.Env = append(cmd.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HELM_PLUGINS="+folder)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("README: %s: %v\n%s", strings.Join(words, " "), err, out)
			}
		})
	case words[0] == "dot":
		cmd := exec.CommandContext(t.Context(), testenv.Tool(t, "dot"), words[1])
		cmd.Stdin = strings.NewReader("digraph {}")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("README: %s: %v\n%s", strings.Join(words, " "), err, out)
		}
	case words[0] == "helm", words[0] == "curl", words[0] == "install":
		// Other people's programs, on other people's machines: the demo runs what they stand for.
	default:
		t.Errorf("README: %s: no check for this command", strings.Join(words, " "))
	}
}
