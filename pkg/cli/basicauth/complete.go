package basicauth

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completer is the name of the program that kubectl asks how a command line of kubectl basicauth may go on. It is this one.
const completer = "kubectl_complete-basicauth"

// Args returns what Main is to run of a program's argv: called by the name of the completer, it completes.
func Args(argv []string) []string {
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(argv[0])), ".exe")
	if name == completer {
		return append([]string{cobra.ShellCompRequestCmd}, argv[1:]...)
	}
	return argv[1:]
}

// patience is how long a shell waits for values of the cluster. Nothing comes instead of what takes longer.
const patience = time.Second

// completions is what may stand for a word of a command line: that word's beginning, after what came before it. A tab parts a value
// from what it is.
type completions func(l *live, args []string) []string

// What flags and arguments may be, by their names: the same everywhere. Flags that are not named here may be anything, and
// those that name files, files.
var (
	flagCompletions = map[string]completions{
		"namespace": (*live).namespaces,
		"context":   (*live).contexts,
		"cluster":   (*live).clusters,
		"secret":    (*live).secrets,
		"key":       (*live).headerKeys,
		"release":   (*live).releases,
		"to":        (*live).changes,
	}
	argumentCompletions = map[string]completions{
		"NAME":      (*live).users,
		"SECRET":    (*live).headerSecrets,
		"TYPE/NAME": (*live).workloads,
	}
	fileFlags = []string{"filename", "kubeconfig", "certificate-authority", "client-certificate", "client-key", "dir"}
)

// completeAll gives every command below root the completions of its flags and of the arguments that its usage line names.
func (c *cluster) completeAll(root *cobra.Command) {
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { c.completeFlag(root, f, flagCompletions[f.Name]) })
	if f := root.PersistentFlags().Lookup("user"); f != nil {
		c.completeFlag(root, f, (*live).kubeconfigUsers)
	}
	for _, cmd := range below(root) {
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			values := flagCompletions[f.Name]
			if f.Name == "user" { // of the gate
				values = (*live).users
			}
			c.completeFlag(cmd, f, values)
		})
		_, usage, _ := strings.Cut(cmd.Use, " ")
		many := strings.Contains(usage, "...")
		for _, name := range slices.Sorted(maps.Keys(argumentCompletions)) {
			if slices.Contains(strings.Fields(strings.Trim(usage, "[]")), name) && cmd.Name() != "add" { // whoever is there is not added
				cmd.ValidArgsFunction = c.argument(argumentCompletions[name], many)
			}
		}
	}
}

// below returns all commands below root.
func below(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, cmd := range root.Commands() {
		all = append(append(all, cmd), below(cmd)...)
	}
	return all
}

func (c *cluster) completeFlag(cmd *cobra.Command, f *pflag.Flag, values completions) {
	if _, done := cmd.GetFlagCompletionFunc(f.Name); done || slices.Contains(fileFlags, f.Name) {
		return
	}
	complete := cobra.NoFileCompletions
	if values != nil {
		complete = c.complete(values)
	}
	_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // it fails for flags that do not exist only
}

func (c *cluster) argument(values completions, many bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.complete(values)(cmd, args, word)
	}
}

// complete asks for values in the time that a shell can wait. Whatever goes wrong, nothing is offered and nothing said.
func (c *cluster) complete(values completions) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), patience)
		defer cancel()
		found := make(chan []string, 1)
		go func() { found <- values(&live{cluster: c, ctx: ctx}, args) }() // a login program that hangs is left behind
		var offer []string
		select {
		case <-ctx.Done():
		case list := <-found:
			for _, value := range list {
				value, about, _ := strings.Cut(value, "\t") // what shells show beside it
				if strings.HasPrefix(value, word) && harmless(value) && !slices.Contains(args, value) {
					if about != "" && harmless(about) {
						value += "\t" + about
					}
					offer = append(offer, value)
				}
			}
		}
		slices.Sort(offer)
		return slices.Compact(offer), cobra.ShellCompDirectiveNoFileComp
	}
}

// harmless says whether a value may be put on a command line. bash writes what several values begin with as it stands, so
// that whoever may name a user could have others run $(commands); and what begins with - would be an option.
func harmless(value string) bool {
	return !strings.HasPrefix(value, "-") && !strings.ContainsFunc(value, func(r rune) bool {
		if r > unicode.MaxASCII {
			return !unicode.IsPrint(r)
		}
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -_.@+/:,=%", r)
	})
}
