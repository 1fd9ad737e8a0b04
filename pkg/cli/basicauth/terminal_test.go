//go:build linux

package basicauth

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A dialog is the program on a pseudo-terminal.
type dialog struct {
	*testing.T
	cmd *exec.Cmd
	pty *os.File
	tty *os.File // the program's end, kept open so that its state can be read after the program has ended

	mu     sync.Mutex
	screen bytes.Buffer
}

// talk starts the program; its kubeconfig has a namespace of its own.
func talk(t *testing.T, config string, args ...string) *dialog {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kubectl-basicauth", args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+config)
	return onTerminal(t, cmd)
}

func onTerminal(t *testing.T, cmd *exec.Cmd) *dialog {
	t.Helper()
	return onTerminalOf(t, 80, cmd)
}

// onTerminalOf is onTerminal on one that is so many columns wide.
func onTerminalOf(t *testing.T, columns uint16, cmd *exec.Cmd) *dialog {
	t.Helper()
	d := &dialog{T: t, cmd: cmd}
	var err error
	if d.pty, d.tty, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.pty.Close(); d.tty.Close() })
	if err := pty.Setsize(d.pty, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = d.tty, d.tty, d.tty
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 1024)
		for {
			n, err := d.pty.Read(buf)
			d.mu.Lock()
			d.screen.Write(buf[:n])
			d.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return d
}

func (d *dialog) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.screen.String()
}

// expect waits until text is on the screen for the nth time, and the echo is off if it is a prompt.
func (d *dialog) expect(text string, n int) {
	d.Helper()
	for end := time.Now().Add(20 * time.Second); strings.Count(d.text(), text) < n || strings.HasSuffix(text, ": ") && d.echo(); {
		if time.Now().After(end) {
			d.Fatalf("no %q (%d) on the screen:\n%s", text, n, d.text())
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (d *dialog) echo() bool {
	d.Helper()
	state, err := unix.IoctlGetTermios(int(d.tty.Fd()), unix.TCGETS)
	if err != nil {
		d.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func (d *dialog) send(keys string) {
	d.Helper()
	if _, err := d.pty.WriteString(keys); err != nil {
		d.Fatal(err)
	}
}

// end waits for the program and checks that it left the terminal as it was.
func (d *dialog) end(code int) {
	d.Helper()
	err := d.cmd.Wait()
	if errors.As(err, new(*exec.ExitError)) {
		err = nil
	}
	if err != nil || d.cmd.ProcessState.ExitCode() != code {
		d.Errorf("%v, exit code %d, want %d; the screen:\n%s", err, d.cmd.ProcessState.ExitCode(), code, d.text())
	}
	if !d.echo() {
		d.Error("the echo is off")
	}
	for _, secret := range []string{"geheim", "anders"} {
		if strings.Contains(d.text(), secret) {
			d.Errorf("a password is on the screen:\n%s", d.text())
		}
	}
}

const (
	newPrompt   = `New password for user "alice": `
	againPrompt = "The same password again: "
)

func TestPrompt(t *testing.T) {
	config := ownConfig(t, "prompt")
	d := talk(t, config, "user", "add", "alice")
	d.expect(newPrompt, 1)
	d.send("geheim\n")
	d.expect(againPrompt, 1)
	d.send("anders\n")
	d.expect("the two passwords differ; try again", 1)
	d.expect(newPrompt, 2)
	d.send("geheim\n")
	d.expect(againPrompt, 2)
	d.send("geheim\n")
	d.expect(`user "alice" added to Secret prompt/kauth-users`, 1)
	d.end(exitDone)

	// Who exists is told so before they type.
	d = talk(t, config, "user", "add", "alice")
	d.expect(`error: Secret prompt/kauth-users: user "alice" exists`, 1)
	d.end(exitFailed)

	for password, code := range map[string]int{"geheim": exitDone, "anders": exitFailed} {
		d = talk(t, config, "verify", "--user", "alice")
		d.expect(`Password of user "alice": `, 1)
		d.send(password + "\n")
		d.end(code)
	}
}

func TestPromptGivesUp(t *testing.T) {
	d := talk(t, ownConfig(t, "gives-up"), "user", "add", "alice")
	for n := 1; n <= tries; n++ {
		d.expect(newPrompt, n)
		d.send("\n")
	}
	d.expect("error: the password is empty; nothing was changed", 1)
	d.end(exitFailed)
}

func TestPromptInterrupted(t *testing.T) {
	config := ownConfig(t, "interrupted")
	for name, interrupt := range map[string]func(*dialog){
		"key":     func(d *dialog) { d.send("gehe\x03") },
		"SIGTERM": func(d *dialog) { _ = d.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, prompt := range []string{newPrompt, againPrompt} {
				d := talk(t, config, "user", "add", "alice")
				d.expect(newPrompt, 1)
				if prompt == againPrompt {
					d.send("geheim\n")
					d.expect(againPrompt, 1)
				}
				interrupt(d)
				d.expect("error: interrupted; nothing was changed", 1)
				d.end(exitFailed)
			}
		})
	}
	list := exec.CommandContext(t.Context(), "kubectl-basicauth", "user", "list", "--kubeconfig", config)
	out, err := list.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "not found") {
		t.Errorf("%v: %s", err, out)
	}
}

// The end of the input, which is Ctrl-D, is no password.
func TestPromptEnds(t *testing.T) {
	config := ownConfig(t, "ends")
	for _, prompt := range []string{newPrompt, againPrompt} {
		d := talk(t, config, "user", "add", "alice")
		d.expect(newPrompt, 1)
		if prompt == againPrompt {
			d.send("geheim\n")
			d.expect(againPrompt, 1)
		}
		d.send("\x04")
		d.expect("error: no password given; nothing was changed", 1)
		d.end(exitFailed)
	}
}

// What people type and paste: both lines at once, with the marks of bracketed paste; a letter of two bytes taken back; a line
// taken back; and a line that Ctrl-D ends.
func TestPromptTyped(t *testing.T) {
	config := ownConfig(t, "typed")
	for name, keys := range map[string]string{
		"pasted":     "geheimä\ngeheimä\n",
		"bracketed":  "\x1b[200~geheimä\r\x1b[201~\x1b[200~geheimä\x1b[201~\r",
		"taken-back": "geheimöX\x7f\x7fä\nanders\x15geheimä\n",
		"ended":      "geheimä\x04\x04geheimä\x04\x04",
	} {
		t.Run(name, func(t *testing.T) {
			d := talk(t, config, "user", "add", name)
			d.expect(fmt.Sprintf("New password for user %q: ", name), 1)
			d.send(keys)
			d.expect("added to Secret typed/kauth-users", 1)
			d.end(exitDone)
			verify := exec.CommandContext(t.Context(), program, "verify", "--user", name, "--password-stdin", "--kubeconfig", config)
			verify.Stdin = strings.NewReader("geheimä")
			if out, err := verify.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// Who is not told that the terminal is gone (nohup) sees the end of its input, and does not read on for ever.
func TestPromptHungUp(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `trap "" HUP; exec kubectl-basicauth user add alice`)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+ownConfig(t, "hung-up"))
	master, tty, err := pty.Open() // no onTerminal, whose reader would keep it open
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := dialog{T: t, tty: tty}
	for end := time.Now().Add(20 * time.Second); d.echo(); {
		if time.Now().After(end) {
			t.Fatal("the echo is on")
		}
		<-time.After(5 * time.Millisecond)
	}
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if code := cmd.ProcessState.ExitCode(); code != exitFailed {
			t.Errorf("%v, exit code %d", err, code)
		}
	case <-time.After(20 * time.Second):
		t.Error("it still runs")
		_ = cmd.Process.Kill()
	}
}

// Where there is no namespace, nobody is asked for a password.
func TestPromptNowhere(t *testing.T) {
	config := ownConfig(t, "somewhere")
	for _, mode := range []string{"none", "server"} {
		d := talk(t, config, "user", "add", "alice", "-n", "nowhere", "--dry-run", mode)
		d.expect("error: Namespace nowhere: not found; create it with kubectl create namespace nowhere", 1)
		d.end(exitFailed)
		if strings.Contains(d.text(), newPrompt) {
			t.Errorf("asked all the same:\n%s", d.text())
		}
	}
}

// A reader that goes away, or a full disk, is a failure: the password that was made would be lost without a word.
func TestGeneratedPasswordCannotBePrinted(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) && runtime.GOOS != "linux" {
		t.Skip("no /dev/full on this system, which stands for a full disk (Linux has it)")
	} else if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "kubectl-basicauth", "user", "add", "alice", "--generate", "--kubeconfig", ownConfig(t, "full"))
	cmd.Stdout, cmd.Stderr = full, &stderr
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "error: standard output: ") ||
		!strings.Contains(stderr.String(), `; user "alice" is stored all the same, another password comes with kubectl basicauth user passwd alice`) {
		t.Errorf("%v: %s", err, stderr.String())
	}
}

// What a command has changed is so though its outcome could not be printed, and it says so; a command that only looks is quiet where
// its reader has had enough.
func TestOutcomeCannotBePrinted(t *testing.T) {
	config := ownConfig(t, "pipes")
	const done = "what was asked for is done all the same"
	for _, c := range []struct {
		args []string
		want string // of standard error; empty: nothing
	}{
		{[]string{"user", "add", "alice", "--generate"}, `; user "alice" is stored all the same, another password comes with kubectl basicauth user passwd alice`},
		{[]string{"user", "export"}, ""},
		{[]string{"user", "rotate", "alice", "--generate", "-o", "curl", "--url", "https://a"}, `; user "alice" is stored all the same`},
		{[]string{"header", "rotate", "origin"}, "; the new value counts all the same, rotate again for another one"},
		{[]string{"session-key", "rotate"}, done},
		{[]string{"project", "add", "haproxy"}, done},
		{[]string{"user", "remove", "alice"}, done},
		{[]string{"undo"}, done},
		{[]string{"undo", "--list"}, ""},
		{[]string{"undo", "--dry-run=server", "-o", "json"}, ""},
		{[]string{"user", "list"}, ""},
		{[]string{"user", "remove", "--help"}, ""},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, append(c.args, "--kubeconfig", config)...)
		cmd.Stdout, cmd.Stderr = w, &stderr
		_ = cmd.Run()
		_ = w.Close()
		if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(stderr.String(), c.want) || c.want == "" && stderr.Len() > 0 {
			t.Errorf("%q: exit code %d: %s", c.args, code, stderr.String())
		}
	}
}

// Help that could not be printed is a failure too, as is what a shell is to complete by.
func TestHelpCannotBePrinted(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range [][]string{{"--help"}, {}, {"user", "add", "--help"}, {"user"}, {"help"}, {"completion", "bash"}, {"version"}} {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Stdout, cmd.Stderr = full, &stderr
		if _ = cmd.Run(); cmd.ProcessState.ExitCode() != exitFailed || strings.Count(stderr.String(), "error: ") != 1 || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%q: exit code %d: %s", args, cmd.ProcessState.ExitCode(), stderr.String())
		}
	}
}

// Programs killed at any moment leave the Secret as it was or with all of their change.
func TestKilledHalfWay(t *testing.T) {
	config := ownConfig(t, "killed")
	for i := range 20 {
		cmd := exec.CommandContext(t.Context(), "kubectl-basicauth", "user", "add", "user"+string(rune('a'+i)), "--hash", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "--kubeconfig", config)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(i) * 8 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if out, err := exec.CommandContext(t.Context(), "kubectl-basicauth", "user", "add", "last", "--generate", "--kubeconfig", config).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "kubectl-basicauth", "verify", "--kubeconfig", config).CombinedOutput()
	if err != nil || strings.Contains(string(out), "fail ") {
		t.Errorf("%v: %s", err, out)
	}
}

// A terminal shows the statuses of verify in colours, unless somebody asks for none; a pipe has none.
func TestVerifyInColours(t *testing.T) {
	config := ownConfig(t, "colours")
	users := exec.CommandContext(t.Context(), program, "user", "import", "-f", "-", "--kubeconfig", config)
	users.Stdin = strings.NewReader("alice:$2y$10$mfrC/YDuakywYXZfxqzP4uCpVOfQ6m9KhMCfeDpWT08UuvB6COZbq\nbob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
	if out, err := users.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	verify := func(env ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, "verify", "--kubeconfig", config)
		cmd.Env = append(os.Environ(), env...)
		return cmd
	}
	plain, err := verify("TERM=xterm", "NO_COLOR=").Output()
	if err != nil || strings.Contains(string(plain), "\x1b") {
		t.Errorf("%v, %q", err, plain)
	}
	for _, env := range [][]string{{"TERM=xterm", "NO_COLOR="}, {"TERM=xterm", "NO_COLOR=1"}, {"TERM=dumb", "NO_COLOR="}} {
		d := onTerminal(t, verify(env...))
		d.expect("-A looks at all\r\n", 1)
		d.end(exitDone)
		want := strings.ReplaceAll(string(plain), "\n", "\r\n")
		if env[0] == "TERM=xterm" && env[1] == "NO_COLOR=" {
			want = strings.NewReplacer("\npass ", "\n\x1b[32mpass\x1b[0m ", "\nwarn ", "\n\x1b[33mwarn\x1b[0m ").Replace(want)
		}
		if diff := cmp.Diff(want, d.text()); diff != "" {
			t.Error(env, diff)
		}
	}
}
