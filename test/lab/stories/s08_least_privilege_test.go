//go:build linux

package stories

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// `kubectl basicauth` under RBAC that only allows that one Secret; two hundred writers at once on the real API server.
func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	s := tell(t, 8, "one Secret and no more")
	h := s.helm("helm4")
	h.run("install", "web", chart("web"), "--set", "host="+s.host(), "--post-renderer", "kauth")

	const mayNotGet, mayNotRead = "you may not get it; ask for a Role with the verbs get and update on this Secret", "you may not get it; ask for a Role with the verb get on this Secret"
	ref := "Secret " + s.ns + "/kauth-users: "
	olga := s.operator("olga")
	addAlice, addZoe, all := basicauth("pw", "user", "add", "alice", "--password-stdin"), basicauth("pw", "user", "add", "zoe", "--password-stdin"), allCommands()

	// With no rights at all, every command says which are missing, and does nothing.
	refusal := func(c task) string {
		if slices.Contains(c.args, "verify") {
			return "you may not list the workloads of namespace " + s.ns + ", nor get Secret " + s.ns + "/kauth-users; docs/verify.md has a role for that"
		}
		if c.reads {
			return ref + mayNotRead
		}
		return ref + mayNotGet
	}
	for _, c := range append(all, addAlice) {
		s.must(olga.isRefused(c, refusal(c)))
	}

	// With README.md's Role and no Secret, the first user needs a right that RBAC cannot give for one name alone.
	olga.may("kauth-users", readmeRole(s))
	s.until("the Role in force", olga.isRefused(addAlice, ref+"missing, and you may not create it; ask for the verb create on secrets, or for the Secret to be created"))
	olga.may("create-secrets", role("create-secrets", "verbs: [create]"))
	s.until("alice added, and the Secret created", olga.does(addAlice))
	s.kubectl("", "delete", "role,rolebinding", "create-secrets")
	s.until("no right to create", olga.isRefused(task{args: []string{"kubectl", "auth", "can-i", "create", "secrets"}}, "no"))
	s.must(olga.does(addZoe))

	// Either verb alone is too little. Whoever may only look can, and changes nothing.
	before := s.kubectl("", "get", "secret", "kauth-users", "-o", "yaml")
	olga.may("kauth-users", role("kauth-users", "resourceNames: [kauth-users], verbs: [update]"))
	for _, c := range all {
		s.until("no right to get", olga.isRefused(c, refusal(c)))
	}
	olga.may("kauth-users", role("kauth-users", "resourceNames: [kauth-users], verbs: [get]"))
	for _, c := range all {
		if c.reads {
			s.until("a right to get", olga.does(c))
		} else {
			s.until("no right to update", olga.isRefused(c, ref+"you may not update it; ask for a Role with the verbs get and update on this Secret"))
		}
	}
	if now := s.kubectl("", "get", "secret", "kauth-users", "-o", "yaml"); now != before {
		s.Fatalf("the Secret was\n%s\nand is\n%s", before, now)
	}

	// Both are enough for everything, and for nothing beside that Secret.
	olga.may("kauth-users", readmeRole(s))
	s.until("a right to update", olga.does(all[0].with("--dry-run=server")))
	for _, c := range all {
		s.must(olga.does(c))
	}
	s.kubectl("", "create", "secret", "generic", "other", "--from-literal=auth=")
	for where, args := range map[string][]string{
		s.ns + "/other": {"--secret", "other"}, s.ns + "/missing": {"--secret", "missing"}, "default/kauth-users": {"-n", "default"}, "nowhere/kauth-users": {"-n", "nowhere"},
	} {
		s.must(olga.isRefused(addZoe.with(args...), "Secret "+where+": "+mayNotGet), olga.isRefused(basicauth("", "user", "list").with(args...), "Secret "+where+": "+mayNotRead))
	}
	for _, line := range []string{"get secrets", "get secret other", "delete secret kauth-users", "get secrets -A", "get secret kauth-users -n default"} {
		s.must(olga.isRefused(task{args: append([]string{"kubectl"}, strings.Fields(line)...)}, `is forbidden: User "olga" cannot`))
	}

	page := "http://" + s.host() + "/version"
	s.until("a gate at "+page, answers(page, nobody, 401))
	olga.twoHundredWriters(page)
}

// twoHundredWriters lets as many processes add a user each, at the same moment, and looks for all of them in the Secret
// and for some at the gate.
func (o operator) twoHundredWriters(page string) {
	o.Helper()
	const writers = 200
	before := o.users()
	read := o.readsOfSecrets()
	users, want := make([]*writer, writers), before
	for i := range users {
		name := fmt.Sprintf("user%03d", i)
		want = append(want, name)
		users[i] = o.startAdding(name)
	}
	for _, w := range users {
		o.until("all writers up", w.readsPassword)
	}
	start := time.Now()
	for _, w := range users {
		w.finishPassword()
	}
	for _, w := range users {
		if err := w.wait(); err != nil {
			o.Error(err)
		}
	}
	done := time.Now()
	o.figure(fmt.Sprintf("%d writers", writers), done.Sub(start))
	// A writer that meets nobody reads the users, their history and the session key. Who loses a race reads again, and is mostly told so
	// by the history, before it has written anything.
	if n := o.readsOfSecrets() - read; n < 6*writers {
		o.Errorf("they read %d Secrets; they were not at once", n)
	} else {
		o.count("they read %d Secrets, for who lost a race began again", n)
	}
	got := o.users()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		o.Fatalf("%d users, want %d: %s", len(got), len(want), got)
	}
	for _, i := range []int{0, 99, writers - 1} {
		o.until("in", answers(page, login{users[i].name, users[i].password()}, 200))
	}
	o.figure("in after", time.Since(done))
	o.must(answers(page, nobody, 401))
	o.until("a wrong password refused", answers(page, login{users[1].name, users[2].password()}, 401)) // 429 while the gate rests
}

// users lists who is in the Secret.
func (o operator) users() []string {
	o.Helper()
	out, err := o.try(basicauth("", "user", "list", "-o", "name"))
	if err != nil {
		o.Fatal(err)
	}
	return strings.Fields(out)
}

// A writer is a running `kubectl-basicauth user add` whose password is being typed.
type writer struct {
	name   string
	typing *os.File
	cmd    *exec.Cmd
	output strings.Builder
}

func (w *writer) password() string { return "p of " + w.name }

// startAdding starts a writer and types the first letter.
func (o operator) startAdding(name string) *writer {
	o.Helper()
	stdin, typing, err := os.Pipe()
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = stdin.Close() }() // the writer has it
	w := &writer{name: name, typing: typing}
	w.cmd = exec.CommandContext(o.Context(), "kubectl-basicauth", "user", "add", name, "-n", o.ns, "--password-stdin", "--cost=4") // hashes are not what this is about
	w.cmd.Env = append(os.Environ(), "KUBECONFIG="+o.kubeconfig)
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = stdin, &w.output, &w.output
	if err := errors.Join(w.cmd.Start(), w.typeText(w.password()[:1])); err != nil {
		o.Fatal(err)
	}
	return w
}

func (w *writer) typeText(text string) error {
	_, err := io.WriteString(w.typing, text)
	return err
}

// readsPassword returns nil when the writer took the first letter: it is up, and waits for the others.
func (w *writer) readsPassword() error {
	n, err := unix.IoctlGetInt(int(w.typing.Fd()), unix.TIOCINQ)
	if err == nil && n > 0 {
		err = fmt.Errorf("%s: not yet", w.name)
	}
	return err
}

func (w *writer) finishPassword() {
	_ = w.typeText(w.password()[1:]) // one that ended early says so in wait
	_ = w.typing.Close()
}

func (w *writer) wait() error {
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", w.name, err, w.output.String())
	}
	return nil
}

// readsOfSecrets is how often the API server has been asked for a Secret so far, by whomever.
func (o operator) readsOfSecrets() (n int) {
	o.Helper()
	metrics := o.kubectl("", "get", "--raw", "/metrics")
	for _, m := range regexp.MustCompile(`(?m)^apiserver_request_total\{code="200",.*resource="secrets",.*verb="GET".*\} (\d+)$`).FindAllStringSubmatch(metrics, -1) {
		count, err := strconv.Atoi(m[1])
		if err != nil {
			o.Fatal(err)
		}
		n += count
	}
	return n
}

// An operator is a user of Kubernetes' with no rights but those that the story gives.
type operator struct {
	*story
	name, kubeconfig string
}

func (s *story) operator(name string) operator {
	s.Helper()
	o := operator{s, name, filepath.Join(s.TempDir(), "kubeconfig")}
	if err := theLab.WriteKubeconfig(o.kubeconfig, name); err != nil {
		s.Fatal(err)
	}
	return o
}

// may gives the operator a Role, or another one of the same name, which takes a moment to be in force.
func (o operator) may(name, role string) {
	o.Helper()
	o.kubectl(role, "apply", "-f", "-")
	if _, err := o.field("rolebinding/"+name, "{.metadata.name}"); err != nil {
		o.kubectl("", "create", "rolebinding", name, "--role="+name, "--user="+o.name)
	}
}

func role(name, rule string) string {
	return fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: %s}\nrules: [{apiGroups: [\"\"], resources: [secrets], %s}]\n", name, rule)
}

// readmeRole is the Role that README.md says is all that a person needs.
func readmeRole(s *story) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		s.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "```")[1:] {
		if manifest, ok := strings.CutPrefix(block, "yaml\n"); ok && strings.Contains(manifest, "\nkind: Role\n") {
			return strings.ReplaceAll(manifest, "namespace: monitoring", "namespace: "+s.ns)
		}
	}
	s.Fatal("README.md: no Role in it")
	return ""
}

// A task is something that an operator does.
type task struct {
	stdin string
	args  []string
	reads bool // and does not write
}

func basicauth(stdin string, args ...string) task {
	return task{stdin: stdin, args: append([]string{"kubectl", "basicauth"}, args...)}
}

func (c task) with(args ...string) task {
	c.args = slices.Concat(c.args, args)
	return c
}

// allCommands are all that there are about users, where alice and zoe are the users.
func allCommands() []task {
	all := []task{
		basicauth("pw", "user", "add", "bob", "--password-stdin"),
		basicauth("pw", "user", "passwd", "alice", "--password-stdin"),
		basicauth("carol:$apr1$2cmdo4bM$yUIiDF1R0VfcNlcA3oxlf.\n", "user", "import", "-f", "-"),
		basicauth("", "user", "remove", "zoe"),
	}
	for _, c := range []task{
		basicauth("", "user", "list"),
		basicauth("", "user", "export"),
		basicauth("", "verify"),
		basicauth("pw", "verify", "--user", "alice", "--password-stdin"),
	} {
		c.reads = true
		all = append(all, c)
	}
	return all
}

// try does a task as this user, in the story's namespace unless the task names another.
func (o operator) try(c task) (string, error) {
	if !slices.Contains(c.args, "-n") && !slices.Contains(c.args, "-A") {
		c = c.with("-n", o.ns)
	}
	out, _, err := command{env: []string{"KUBECONFIG=" + o.kubeconfig}, stdin: c.stdin, args: c.args}.run()
	return out, err
}

// does does a task.
func (o operator) does(c task) func() error {
	return func() error { _, err := o.try(c); return err }
}

// isRefused returns nil when a task does not work, and says so in these words.
func (o operator) isRefused(c task, words string) func() error {
	return func() error {
		out, err := o.try(c)
		if err == nil {
			return fmt.Errorf("%s as %s: done, with %q; want %q", strings.Join(c.args, " "), o.name, out, words)
		}
		if !strings.Contains(err.Error(), words) {
			return fmt.Errorf("%w; want %q", err, words)
		}
		return nil
	}
}
