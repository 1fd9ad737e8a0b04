package basicauth

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// typed finds the command lines of a script: what stands after the program's name, up to what ends a command of a shell.
var typed = regexp.MustCompile(`kubectl-basicauth +((?:\$\([^)]*\)|[^;&|<>)\n])*)`)

// The scripts see each command, each of its options, each format that it prints, and each dry run. The options that all commands
// take are seen with some command.
func TestScriptsSeeEverything(t *testing.T) {
	seen := seenByScripts(t)
	root := newRoot(newCluster(genericiooptions.IOStreams{}))
	missing := map[string]bool{}
	want := func(what string) {
		if !seen[what] {
			missing[what] = true
		}
	}
	for _, cmd := range leaves(root) {
		name := strings.TrimPrefix(cmd.CommandPath(), "kubectl basicauth ")
		want(name)
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			switch f.Name {
			case "output":
				_, formats, _ := strings.Cut(f.Usage, ": ")
				for format := range strings.SplitSeq(formats, ", ") {
					if format != f.DefValue {
						want(name + " --output " + format)
					}
				}
			case "dry-run":
				want(name + " --dry-run client")
				want(name + " --dry-run server")
			default:
				want(name + " --" + f.Name)
			}
		})
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { want("--" + f.Name) })
	if len(missing) > 0 {
		t.Errorf("no script in testdata/script has:\n  %s", strings.Join(slices.Sorted(maps.Keys(missing)), "\n  "))
	}
}

// Each command helps: what it is for, how it is called, examples, and its options. It says so on standard output.
func TestHelp(t *testing.T) {
	for _, cmd := range append(below(newRoot(newCluster(genericiooptions.IOStreams{}))), newRoot(newCluster(genericiooptions.IOStreams{}))) {
		if cmd.Name() == "help" || cmd.Hidden {
			continue
		}
		var out, errOut strings.Builder
		words := append(strings.Fields(cmd.CommandPath())[2:], "--help")
		code := Main(t.Context(), words, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
		if code != exitDone || errOut.Len() > 0 {
			t.Errorf("%v: exit code %d, %s", words, code, errOut.String())
		}
		for _, want := range []string{cmd.Long + "\n\nExamples:\n  ", "\n\nUsage:\n  " + cmd.CommandPath(), " [options]\n"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: no %q in\n%s", words, want, out.String())
			}
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || !strings.Contains(out.String(), " --"+f.Name) {
				t.Errorf("%v: --%s is not told of", words, f.Name)
			}
		})
		for example := range strings.SplitSeq(cmd.Example, "\n\n") {
			if !strings.HasPrefix(example, "  # ") || strings.Count(example, "kubectl basicauth") == 0 {
				t.Errorf("%v: an example that does not say what it is for: %q", words, example)
			}
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 121 || strings.TrimRight(line, " \n")+"\n" != line {
				t.Errorf("%v: a line too long, or with blanks at its end: %q", words, line)
			}
		}
	}
}

// seenByScripts returns what stands in the scripts: "user list", "user list --output json", "user add --cost", "--as".
func seenByScripts(t *testing.T) map[string]bool {
	t.Helper()
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	seen := map[string]bool{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range typed.FindAllSubmatch(text, -1) {
			see(seen, strings.Fields(strings.ReplaceAll(string(line[1]), "'", "")))
		}
	}
	return seen
}

func see(seen map[string]bool, words []string) {
	cmd, rest, err := newRoot(newCluster(genericiooptions.IOStreams{})).Find(words)
	if err != nil || cmd.ParseFlags(rest) != nil {
		return // a wrong command line
	}
	name := strings.TrimPrefix(cmd.CommandPath(), "kubectl basicauth ")
	seen[name] = true
	cmd.Flags().Visit(func(f *pflag.Flag) {
		seen[name+" --"+f.Name] = true
		seen[name+" --"+f.Name+" "+f.Value.String()] = true
		seen["--"+f.Name] = true
	})
}
