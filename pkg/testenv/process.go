package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// errPortTaken marks a process that ended because its port was not free.
var errPortTaken = errors.New("port taken")

// A process is a program that a test started. It writes its output to log, whose name is the program's in errors.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the process has ended
	kill func()        // ends the process at once and waits until it is gone; may be called again
}

// startProcess starts a program that dies with this process.
func startProcess(log, program string, args ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(program, args...), log: log, done: make(chan struct{})}
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

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// failure says why a process ended that should not have.
func (p *process) failure() error {
	name, last := strings.TrimSuffix(filepath.Base(p.log), ".log"), tail(p.log, 10)
	err := fmt.Errorf("%s: %s:\n%s", name, p.cmd.ProcessState, last)
	if bytes.Contains([]byte(last), []byte("address already in use")) {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}
