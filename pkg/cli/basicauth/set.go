package basicauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// setOptions are what user add and user passwd know.
type setOptions struct {
	*cluster
	write
	waiting
	output output
	name   string
	add    bool // the user must not exist; otherwise must

	stdin, generate bool
	hash            string
	cost            int
}

const passwordHelp = `
The password is asked for twice without echo, or read with --password-stdin, or made by --generate,
which prints it to standard output, once. Only its bcrypt hash is stored. Passwords have at most 72
bytes, since bcrypt looks at no more. Names and passwords are stored in Unicode form NFC, which
browsers send.`

func newAdd(c *cluster) *cobra.Command {
	o := &setOptions{cluster: c, add: true}
	return o.command("add NAME", "Add a user", `
Add a user to the Secret, and create the Secret when it is missing. A user who exists already is an
error: user passwd changes the password.

Beside it, a Secret whose name ends in -session-key is made when it is missing: gates with a sign-in
page sign their cookies with what is in it.
`+passwordHelp+waitHelp, `
# Ask for the password
kubectl basicauth user add alice

# Make one, and keep it
kubectl basicauth user add alice --generate > alice.txt

# Take one from a password manager
pass show prometheus/alice | kubectl basicauth user add alice --password-stdin

# Make one for a program, and print what it sends as Authorization instead
kubectl basicauth user add cloudfront --generate -o header

# Take a hash that htpasswd -nB made elsewhere
kubectl basicauth user add alice --hash 'alice:$2y$10$...'`)
}

func newPasswd(c *cluster) *cobra.Command {
	o := &setOptions{cluster: c}
	return o.command("passwd NAME", "Change the password of a user", `
Change the password of a user in the Secret. Where the user has several hashes, the new one replaces
them all.
`+passwordHelp+waitHelp, `
kubectl basicauth user passwd alice
kubectl basicauth user passwd alice --generate --wait`)
}

func (o *setOptions) command(use, short, long, example string) *cobra.Command {
	cmd := command(use, short, long, example, func(cmd *cobra.Command, args []string) error {
		if err := arguments(cmd, args, "NAME"); err != nil {
			return err
		}
		o.name = args[0]
		if err := exclusive(cmd, "password-stdin", "generate", "hash"); err != nil {
			return err
		}
		if err := exclusive(cmd, "cost", "hash"); err != nil {
			return err
		}
		if cmd.Flags().Changed("hash") && o.hash == "" {
			return usagef("--hash is empty")
		}
		return o.Run(cmd.Context())
	})
	cmd.Flags().BoolVar(&o.stdin, "password-stdin", false, "Read the password from standard input, less one newline at its end")
	cmd.Flags().BoolVar(&o.generate, "generate", false, "Make a random password of 24 characters and print it")
	cmd.Flags().StringVar(&o.hash, "hash", "", "Take this htpasswd hash or user:hash `line` instead of a password")
	cmd.Flags().IntVar(&o.cost, "cost", htpasswd.DefaultCost, fmt.Sprintf("bcrypt cost, %d to %d; each step doubles the work of who guesses", htpasswd.MinCost, htpasswd.MaxCost))
	o.output.addFlag(cmd, "table", "json", "yaml", "name", "header")
	o.write.addFlags(cmd)
	o.waiting.addFlags(cmd)
	return cmd
}

// Run sets the password.
func (o *setOptions) Run(ctx context.Context) error {
	name, err := userstore.CleanUser(o.name)
	if err != nil {
		return usagef("NAME: %w", err)
	}
	if o.cost < htpasswd.MinCost || o.cost > htpasswd.MaxCost {
		return usagef("--cost: %d; use %d to %d", o.cost, htpasswd.MinCost, htpasswd.MaxCost)
	}
	if o.generate && o.output == "name" {
		return usagef("--generate and -o name cannot be used together; both print to standard output")
	}
	if o.hash != "" && o.output == "header" {
		return usagef("--hash and -o header cannot be used together; the header holds the password, which a hash does not tell")
	}
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	hash, password, err := o.newHash(ctx, store, name)
	if err != nil {
		return err
	}
	if weak := hash.Weak(); weak != "" {
		warn(o.ErrOut, "user %q: %s", name, weak)
	}
	edit := store.Edit
	if o.add {
		edit = store.EditOrCreate
	}
	result, err := edit(ctx, func(f *htpasswd.File) error {
		user, err := o.check(store, f, name)
		if err != nil {
			return err
		}
		f.Set(user, hash)
		return nil
	})
	if err != nil {
		return err
	}
	behind := o.project(ctx, store, result.Meta)
	o.warnAll(result.Warnings())
	if err := o.print(store, result, name, password); err != nil {
		return errors.Join(storedThough(err, store, name), behind)
	}
	if o.add {
		o.ensureSessionKey(ctx, store)
	}
	return errors.Join(behind, o.await(ctx, &o.waiting, store, result))
}

// check returns the spelling of the user in the file, or why the command does not fit.
func (o *setOptions) check(store *userstore.Store, f *htpasswd.File, name string) (string, error) {
	user, exists := userstore.Find(f, name)
	switch {
	case o.add && exists:
		return "", fmt.Errorf("%s: user %q exists; change the password with kubectl basicauth user passwd %s", where(store), user, argument(user))
	case !o.add && !exists:
		return "", fmt.Errorf("%s: no user %q; add one with kubectl basicauth user add %s", where(store), name, argument(name))
	case !exists:
		user = name
	}
	return user, nil
}

// newHash makes the hash in the way that the flags ask for. The password is empty where it was given as a hash.
func (o *setOptions) newHash(ctx context.Context, store *userstore.Store, name string) (hash htpasswd.Hash, password string, err error) {
	switch {
	case o.hash != "":
		hash, err = parseHash(o.hash, name)
		return hash, "", err
	case o.generate:
		password = userstore.NewPassword()
	case o.stdin:
		password, err = o.stdinPassword()
	default:
		if _, ok := o.terminal(); !ok {
			return hash, "", usagef("standard input is not a terminal, so nobody can be asked for the password; use --password-stdin, --generate or --hash")
		}
		if err := o.lookFirst(ctx, store, name); err != nil {
			return hash, "", err
		}
		password, err = o.promptNew(ctx, name)
	}
	if err != nil {
		return hash, "", err
	}
	if password, err = userstore.CleanPassword(password); err != nil {
		return hash, "", err
	}
	if o.stdin && strings.TrimSpace(password) != password {
		warn(o.ErrOut, "the password begins or ends with a blank; it is kept")
	}
	hash, err = htpasswd.Generate(password, o.cost)
	return hash, password, err
}

// lookFirst tells a person what will fail before they type a password twice.
func (o *setOptions) lookFirst(ctx context.Context, store *userstore.Store, name string) error {
	f, _, err := store.Read(ctx)
	if o.add && apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		_, err = o.check(store, f, name)
	}
	return err
}

// parseHash takes a bare hash, or a line of the same user. Its errors never contain the hash.
func parseHash(text, name string) (htpasswd.Hash, error) {
	if user, rest, ok := strings.Cut(text, ":"); ok {
		clean, err := userstore.CleanUser(user)
		if err != nil || clean != name {
			return htpasswd.Hash{}, usagef("--hash: the line is not of user %q", name)
		}
		text = rest
	}
	hash, err := htpasswd.ParseHash(strings.TrimRight(text, "\r\n"))
	if err != nil {
		return hash, usagef("--hash: has %w", err)
	}
	return hash, nil
}

// change is what -o json and -o yaml print of a command that changes users.
type change struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Secret     string `json:"secret"`
	Users      []done `json:"users"`
	DryRun     string `json:"dryRun,omitempty"`
}

type done struct {
	User     string `json:"user"`
	Action   string `json:"action"`             // added, changed, removed, replaced, unchanged
	Password string `json:"password,omitempty"` // only one that was generated, and is in force
}

func newChange(store *userstore.Store, w write, users ...done) change {
	c := change{outputAPIVersion, "UserChange", store.Namespace, store.Name, users, ""}
	if store.DryRun != userstore.DryRunNone {
		c.DryRun = w.dryRun
	}
	return c
}

func (o *setOptions) print(store *userstore.Store, result userstore.Result, name, password string) error {
	inForce := store.DryRun == userstore.DryRunNone
	d := done{User: name, Action: "changed"}
	line := fmt.Sprintf("password of user %q changed in %s%s\n", name, where(store), dryRunNote(store))
	if o.add {
		d.Action = "added"
		line = fmt.Sprintf("user %q added to %s%s\n", name, where(store), dryRunNote(store))
	}
	if result.Created {
		say(o.ErrOut, "%s created%s\n", where(store), dryRunNote(store))
	}
	if o.generate && inForce {
		d.Password = password
	}
	if ok, err := o.output.structured(o.Out, newChange(store, o.write, d)); ok {
		return err
	}
	switch {
	case o.output == "name":
		return emit(o.Out, name+"\n")
	case o.output == "header" && inForce:
		say(o.ErrOut, "%s", line)
		return emit(o.Out, "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password))+"\n") // RFC 7617 section 2
	case o.output == "header":
		say(o.ErrOut, "%s", line)
		return nil
	case o.generate && inForce:
		say(o.ErrOut, "%s", line)
		return emit(o.Out, password+"\n")
	case o.generate:
		say(o.ErrOut, "%s", line) // a password that is not in force is not printed
		return nil
	}
	return emit(o.Out, line)
}

// argument writes a name as it can be typed into a shell.
func argument(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@+", r) || r > 0x7f
	}
	if strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) >= 0 {
		name = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	if strings.HasPrefix(name, "-") {
		return "-- " + name
	}
	return name
}
