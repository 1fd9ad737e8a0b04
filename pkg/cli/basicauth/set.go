package basicauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// setOptions are what user add, user passwd and user rotate know.
type setOptions struct {
	*cluster
	write
	waiting
	address
	output output
	name   string
	add    bool // the user must not exist; otherwise must

	rotate  bool // the old passwords still count for the overlap; otherwise they go
	overlap time.Duration
	tried   map[htpasswd.Hash]bool // hashes that the new password was compared with

	stdin, generate bool
	hash            string
	cost            int
	algorithm       string
}

const passwordHelp = `
The password is asked for twice without echo, or read with --password-stdin, or made by --generate,
which prints it to standard output, once. Only its bcrypt hash is stored. Passwords have at most 72
bytes, since bcrypt looks at no more. Names and passwords are stored in Unicode form NFC, which
browsers send.

With --generate, --algorithm sha1 stores a {SHA} hash instead, for Envoy, which reads no other. It has
no salt and is quick to compute: the 131 random bits of --generate bear that, and no password that
a person would choose.`

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

# Make one for a program, and print what it sends as Authorization instead, or Grafana's data source
kubectl basicauth user add cloudfront --generate -o header
kubectl basicauth user add grafana --generate -o grafana

# Take a hash that htpasswd -nB made elsewhere
kubectl basicauth user add alice --hash 'alice:$2y$10$...'`)
}

func newPasswd(c *cluster) *cobra.Command {
	o := &setOptions{cluster: c}
	return o.command("passwd NAME", "Change the password of a user", `
Change the password of a user in the Secret. The new one replaces all that the user has: with user
rotate, the old one still counts for a while.
`+passwordHelp+waitHelp, `
# Ask for the new one; or make one, and return when every gate goes by it
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
		if err := o.checkAlgorithm(cmd); err != nil {
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
	cmd.Flags().StringVar(&o.algorithm, "algorithm", string(htpasswd.Bcrypt), "How the password is hashed: bcrypt, or sha1 with --generate")
	complete(cmd, "algorithm", string(htpasswd.Bcrypt), string(htpasswd.SHA1))
	o.output.addFlag(cmd, "table", "json", "yaml", "name", "header", "curl", "grafana")
	o.address.addFlag(cmd)
	o.write.addFlags(cmd)
	o.waiting.addFlags(cmd)
	return cmd
}

// Run sets the password.
func (o *setOptions) Run(ctx context.Context) error {
	clean := userstore.CleanUser
	if o.add {
		clean = userstore.NewUser
	}
	name, err := clean(o.name)
	if err != nil {
		return usagef("NAME: %w", err)
	}
	if o.cost < htpasswd.MinCost || o.cost > htpasswd.MaxCost {
		return usagef("--cost: %d; use %d to %d", o.cost, htpasswd.MinCost, htpasswd.MaxCost)
	}
	if o.generate && o.output == "name" {
		return usagef("--generate and -o name cannot be used together; both print to standard output")
	}
	if o.hash != "" && o.output.forPrograms() {
		return usagef("--hash and -o %s cannot be used together; it holds the password, which a hash does not tell", o.output)
	}
	if err := o.address.check(o.output); err != nil {
		return err
	}
	if o.rotate && (o.overlap < 0 || o.overlap > userstore.MaxOverlap) {
		return usagef("--overlap: %s; use 0 to %s, which is ten years", o.overlap, hours(userstore.MaxOverlap))
	}
	store, err := o.store(&o.write)
	if err != nil {
		return err
	}
	hash, password, err := o.newHash(ctx, store, name)
	if err != nil {
		return err
	}
	if weak := hash.Weak(); weak != "" && (!o.generate || hash.Algorithm() != htpasswd.SHA1) { // nobody guesses what --generate made
		warn(o.ErrOut, "user %q: %s", name, weak)
	}
	to := o.find(ctx, store, o.output) // a password that is in force must not wait for it
	result, err := o.set(ctx, store, name, hash, password)
	if err != nil {
		return err
	}
	behind := o.stored(ctx, store, result)
	if err := o.print(store, result, to, name, password); err != nil {
		return errors.Join(storedThough(err, store, name), behind)
	}
	if o.add {
		o.ensureSessionKey(ctx, store)
	}
	return errors.Join(behind, o.await(ctx, &o.waiting, store, result))
}

// set stores the hash.
func (o *setOptions) set(ctx context.Context, store *userstore.Store, name string, hash htpasswd.Hash, password string) (userstore.Result, error) {
	if o.rotate {
		return store.Rotate(ctx, func(f *htpasswd.File) (string, error) {
			user, err := o.check(store, f, name)
			if err == nil && o.isNow(f, user, hash, password) {
				err = fmt.Errorf("%s: user %q has this password already, so there is nothing to rotate; give a new one, or take old ones away with kubectl basicauth user expire", store.Ref(), user)
			}
			return user, err
		}, hash, o.overlap)
	}
	edit := store.Edit
	if o.add {
		edit = store.EditOrCreate
	}
	return edit(ctx, func(f *htpasswd.File) error {
		user, err := o.check(store, f, name)
		if err != nil {
			return err
		}
		f.Set(user, hash)
		return nil
	})
}

// isNow says whether a password is the one that a user has now, by the first line. Going back to an older one is a rotation.
func (o *setOptions) isNow(f *htpasswd.File, user string, hash htpasswd.Hash, password string) bool {
	hashes := f.Lookup(user)
	switch {
	case len(hashes) == 0 || o.generate:
		return false
	case o.hash != "":
		return hashes[0] == hash
	}
	if _, seen := o.tried[hashes[0]]; !seen { // it takes its time, and edits may be tried again
		o.tried[hashes[0]] = hashes[0].Match(password)
	}
	return o.tried[hashes[0]]
}

// check returns the spelling of the user in the file, or why the command does not fit.
func (o *setOptions) check(store *userstore.Store, f *htpasswd.File, name string) (string, error) {
	user, exists := userstore.Find(f, name)
	switch {
	case o.add && exists:
		return "", fmt.Errorf("%s: user %q exists; change the password with kubectl basicauth user passwd %s", store.Ref(), user, visible.Argument(user))
	case !o.add && !exists:
		return "", fmt.Errorf("%s: no user %q; add one with kubectl basicauth user add %s", store.Ref(), name, visible.Argument(name))
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
	if o.algorithm == string(htpasswd.SHA1) {
		hash, err = htpasswd.GenerateSHA1(password)
	} else {
		hash, err = htpasswd.Generate(password, o.cost)
	}
	return hash, password, err
}

// checkAlgorithm refuses what --algorithm is not for.
func (o *setOptions) checkAlgorithm(cmd *cobra.Command) error {
	switch {
	case o.algorithm == string(htpasswd.Bcrypt):
		return exclusive(cmd, "algorithm", "hash")
	case o.algorithm != string(htpasswd.SHA1):
		return usagef("--algorithm: %q; use %s, or %s with --generate", o.algorithm, htpasswd.Bcrypt, htpasswd.SHA1)
	case !o.generate:
		return usagef("--algorithm sha1 goes with --generate alone; such a hash has no salt and is quick to compute, so that whoever reads it guesses a password that a person chose")
	}
	return exclusive(cmd, "algorithm", "cost")
}

// lookFirst tells a person what will fail before they type a password twice.
func (o *setOptions) lookFirst(ctx context.Context, store *userstore.Store, name string) error {
	f, _, err := store.Read(ctx)
	if o.add && apierrors.IsNotFound(err) {
		return store.CanCreate(ctx)
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
