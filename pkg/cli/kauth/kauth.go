// Package kauth owns the command line of the program kauth: flags become options, one call does the work, and what
// comes back is printed. It holds no logic of its own.
package kauth

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Process is what the program meets: its streams and its environment. Terminal opens the person's terminal, for errors
// that Helm 4 would swallow.
type Process struct {
	Args     []string // without the program's name
	Stdin    io.Reader
	Stdout   io.Writer
	Stderr   io.Writer
	Getenv   func(string) string
	Terminal func() (io.WriteCloser, error)
}

// OS returns the process that the program really runs in.
func OS() Process {
	return Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Terminal: func() (io.WriteCloser, error) { return os.OpenFile("/dev/tty", os.O_WRONLY, 0) },
	}
}

// usageError is a fault of the command line, as opposed to one of the input.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the program and returns its exit code: 0 done, 1 the work failed, 2 the command line was wrong.
func Main(p Process) int {
	root := command(&p)
	root.SetArgs(append([]string{}, p.Args...)) // never nil, which cobra takes for "ask the process"
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.Execute()
	if err == nil {
		return 0
	}
	p.printError(err)
	if _, usage := errors.AsType[usageError](err); usage {
		return 2
	}
	return 1
}

// printError prints an error for people, a line each where there are several. Under Helm 4, which drops standard
// error even when a post-renderer fails, it goes to the terminal too, where there is one.
func (p *Process) printError(err error) {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
		b.WriteString("kauth: error: " + line + "\n")
	}
	text := b.String()
	fmt.Fprint(p.Stderr, text)
	if p.Getenv("HELM_PLUGIN_NAME") == "" || p.Terminal == nil {
		return
	}
	if tty, err := p.Terminal(); err == nil {
		fmt.Fprint(tty, strings.ReplaceAll(text, "\n", "\r\n"))
		_ = tty.Close() // the text is out, or the terminal is gone
	}
}
