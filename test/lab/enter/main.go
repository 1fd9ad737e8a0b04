//go:build linux

// Command enter boots the lab to be used by hand: it runs a command inside, a shell when none is given, and the lab ends
// with it. See docs/testing.md.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/kauth-dev/kauth/test/lab"
)

func main() { os.Exit(lab.Run(os.Stderr, enter)) }

func enter(l *lab.Lab) int {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"bash", "--norc", "-i"}
		_ = os.Setenv("PS1", `lab \w # `)
		fmt.Fprintf(os.Stderr, "lab: kubectl, helm3, helm4, kauth and ctr are in PATH; logs and process ids in %s/run; exit ends the lab\n", l.Dir)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // from the keyboard, for the command alone
	err := cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.Exited() {
		return ended.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab: error:", err)
		return 1
	}
	return 0
}
