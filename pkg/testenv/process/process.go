// Package process owns the programs that a test starts: their logs, their end, and what they said last when they fail.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// ErrPortTaken marks a process that ended because its port was not free.
var ErrPortTaken = errors.New("port taken")

// A Process is a program that a test started.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	kill func()
}

// Start starts a program that dies with this process, even when this one is killed, where the kernel can do that. It
// writes its output to the file log, whose name is the program's in errors.
func Start(log, program string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(program, args...), log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	dieWithParent(p.cmd)
	started := make(chan error, 1)
	go func() {
		// The kernel sends the signal of dieWithParent when the thread ends that started the process, so that thread
		// must stay: https://go.dev/issue/27505.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = out.Close() }()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is read from ProcessState
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	p.kill = sync.OnceFunc(func() {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		<-p.done
	})
	return p, nil
}

// Kill ends the process at once and waits until it is gone. It may be called again.
func (p *Process) Kill() { p.kill() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exited says whether the process has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// PID returns the process id, also after the end.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns what the process has written so far.
func (p *Process) Log() ([]byte, error) { return os.ReadFile(p.log) }

// Tail returns the last lines of the log, for an error.
func (p *Process) Tail(lines int) string {
	data, err := p.Log()
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Failure says why a process ended that should not have; ErrPortTaken where that was the reason.
func (p *Process) Failure() error {
	name, last := strings.TrimSuffix(filepath.Base(p.log), ".log"), p.Tail(10)
	err := fmt.Errorf("%s: %s:\n%s", name, p.cmd.ProcessState, last)
	if strings.Contains(last, "address already in use") {
		return fmt.Errorf("%w: %w", ErrPortTaken, err)
	}
	return err
}
