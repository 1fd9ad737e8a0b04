package helm

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// detach runs cmd without a controlling terminal, even where the tests have one.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Helm 4 throws away what a post-renderer writes to standard error, even when it fails. A person at a terminal sees
// it all the same, and a person with Helm 3, which does show it, does not see it twice.
func TestErrorsReachTheTerminal(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		screen, err := onTerminal(t, h.command(t.Context(), append([]string{"template", "mon", chart, "--set", badGate}, h.render...)...))
		if err == nil {
			t.Error("helm succeeded; a bad annotation value must fail the render")
		}
		if n := strings.Count(screen, badGateError); n != 1 {
			t.Errorf("%d times on the terminal, want once: %s\nthe terminal:\n%s", n, badGateError, screen)
		}
	})
}

// Without a terminal, as in CI, the command fails all the same and nothing hangs.
func TestErrorsWithoutTerminal(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		out, errs, err := h.rendered(t, "template", "mon", chart, "--set", badGate)
		if err == nil || strings.Contains(out, "kind:") {
			t.Errorf("helm: %v, output %q; want a failure without output", err, out)
		}
		if h.render[1] != "kauth" && !strings.Contains(errs, badGateError) { // Helm 3 shows it
			t.Errorf("standard error has no %q:\n%s", badGateError, errs)
		}
	})
}

// onTerminal runs cmd on a terminal of its own and returns all that was shown there.
func onTerminal(t *testing.T, cmd *exec.Cmd) (string, error) {
	t.Helper()
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	var screen bytes.Buffer
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(&screen, terminal) // ends with EIO when the last writer has gone
	}()
	err = cmd.Wait()
	<-shown
	return screen.String(), err
}
