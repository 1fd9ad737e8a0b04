package basicauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/visible"
)

type importOptions struct {
	*cluster
	write
	waiting
	output  output
	file    string
	replace bool
}

func newImport(c *cluster) *cobra.Command {
	o := &importOptions{cluster: c}
	cmd := command("import -f FILE", "Add the users of an htpasswd file", `
Add the users of an htpasswd file to the Secret, and create the Secret when it is missing. All or
nothing: a line that a gate could not use, or a user who exists with another hash (unless --replace),
is an error, and nothing is changed. Plain text passwords are refused.

An empty Secret takes the file byte for byte, comments included; so export and import copy users
from one cluster to another. Otherwise new users go to the end. A file does not tell until when old
passwords of user rotate count: those that it brings count until they are taken away, and are named. As
with user add, the Secret with the session key is made when it is missing.`+waitHelp, `
# From nginx or Apache; what would be done?
kubectl basicauth user import -f .htpasswd --dry-run=client
kubectl basicauth user import -f .htpasswd

# From one cluster to another
kubectl basicauth user export --context old | kubectl basicauth user import --context new -f -`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		if o.file == "" {
			return usagef("-f FILE is missing; - stands for standard input")
		}
		return o.Run(cmd.Context())
	})
	cmd.ValidArgsFunction = nil
	cmd.Flags().StringVarP(&o.file, "filename", "f", "", "htpasswd `FILE`, or - for standard input")
	cmd.Flags().BoolVar(&o.replace, "replace", false, "Give users who exist the hashes of the file")
	o.output.addFlag(cmd, "table", "json", "yaml", "name")
	o.write.addFlags(cmd)
	o.waiting.addFlags(cmd)
	return cmd
}

// Run imports the file.
func (o *importOptions) Run(ctx context.Context) error {
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	text, err := o.read()
	if err != nil {
		return err
	}
	name := o.named()
	src := htpasswd.Parse(text)
	if problems := src.Problems(); len(problems) > 0 {
		return badLines(name, problems)
	}
	if len(src.Users()) == 0 {
		return fmt.Errorf("%s: no users in it; nothing was imported", name)
	}
	var merged userstore.Merged
	result, err := store.EditOrCreate(ctx, func(f *htpasswd.File) error {
		if merged, err = userstore.Merge(f, src, o.replace); err != nil {
			return fmt.Errorf("%s: %w; nothing was imported", store.Ref(), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	behind := o.stored(ctx, store, result)
	for _, e := range src.Entries() {
		if weak := e.Hash.Weak(); weak != "" {
			warn(o.ErrOut, "%s: line %d: user %q: %s", name, e.Line, e.User, weak)
		}
	}
	o.warnLasting(store, result, merged)
	if err := o.print(store, merged); err != nil {
		return errors.Join(err, behind)
	}
	o.ensureSessionKey(ctx, store)
	return errors.Join(behind, o.await(ctx, &o.waiting, store, result))
}

// warnLasting names users who come with several passwords of which nothing says until when they count, such as one that user rotate has
// replaced: an htpasswd file does not tell.
func (o *importOptions) warnLasting(store *userstore.Store, result userstore.Result, m userstore.Merged) {
	count := map[string]int{}
	for _, l := range result.Lines() {
		if l.Until.IsZero() {
			count[l.User]++
		}
	}
	lines := []string{}
	for _, user := range slices.Concat(m.Added, m.Replaced) {
		if n := count[user]; n > 1 {
			lines = append(lines, fmt.Sprintf("%s: user %q: %d passwords count, and nothing says until when; kubectl basicauth user passwd %s leaves one", store.Ref(), user, n, visible.Argument(user)))
		}
	}
	const most = 10
	o.warnAll(lines[:min(most, len(lines))])
	if more := len(lines) - most; more > 0 {
		warn(o.ErrOut, "%s: and %d more; kubectl basicauth verify lists them", store.Ref(), more)
	}
}

// read returns the file's bytes; more than a Secret can hold is an error.
func (o *importOptions) read() ([]byte, error) {
	in := o.In
	if o.file != "-" {
		file, err := os.Open(o.file)
		if err != nil {
			if path, ok := errors.AsType[*os.PathError](err); ok {
				return nil, fmt.Errorf("%s: %w", o.file, path.Err)
			}
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, corev1.MaxSecretSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.named(), err)
	}
	if len(text) > corev1.MaxSecretSize {
		return nil, fmt.Errorf("%s: over %d bytes, which is all that one Secret holds", o.named(), corev1.MaxSecretSize)
	}
	return text, nil
}

// named is the file as lines for people have it.
func (o *importOptions) named() string {
	if o.file == "-" {
		return "standard input"
	}
	return o.file
}

// badLines is one error for the first lines that cannot be imported.
func badLines(name string, problems []htpasswd.Problem) error {
	const most = 10
	lines := make([]string, 0, most)
	for _, p := range problems[:min(most, len(problems))] {
		lines = append(lines, name+": "+p.String())
	}
	if more := len(problems) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more lines", name, more))
	}
	return errors.New(strings.Join(lines, "\n") + "\nnothing was imported; mend or remove these lines")
}

func (o *importOptions) print(store *userstore.Store, m userstore.Merged) error {
	var users []done
	var names strings.Builder
	for _, part := range []struct {
		action string
		users  []string
	}{{"added", m.Added}, {"replaced", m.Replaced}, {"unchanged", m.Unchanged}} {
		for _, user := range part.users {
			users = append(users, done{User: user, Action: part.action})
			names.WriteString(user + "\n")
		}
	}
	if ok, err := o.output.structured(o.Out, newChange(store, o.write, users...)); ok {
		return err
	}
	if o.output == "name" {
		return emit(o.Out, names.String())
	}
	return emit(o.Out, fmt.Sprintf("users imported to %s: %d added, %d replaced, %d unchanged%s\n",
		store.Ref(), len(m.Added), len(m.Replaced), len(m.Unchanged), dryRunNote(store)))
}

func newExport(c *cluster) *cobra.Command {
	return command("export", "Print the htpasswd text of the Secret", `
Print the htpasswd text of the Secret to standard output, byte for byte. It contains the hashes of
all users: keep it as secret as passwords. It does not tell until when old passwords of
user rotate count.`, `
# A backup, to be kept as secret as passwords
kubectl basicauth user export -n monitoring > backup.htpasswd`, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args); err != nil {
			return err
		}
		store, err := c.store(nil)
		if err != nil {
			return err
		}
		f, meta, err := store.Read(cmd.Context())
		if err != nil {
			return err
		}
		if !meta.HasKey {
			return fmt.Errorf("%s: data: no key %q, so there is nothing to export", store.Ref(), store.DataKey())
		}
		old := 0
		for _, l := range meta.Lines(f) {
			if !l.Until.IsZero() {
				old++
			}
		}
		if old > 0 {
			warn(c.ErrOut, "%s: old passwords of user rotate: %d, and an htpasswd file does not tell until when they count; where it is imported, they count until they are taken away", store.Ref(), old)
		}
		return emit(c.Out, string(f.Bytes()))
	})
}
