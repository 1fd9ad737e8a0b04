//go:build linux

// Package sandbox owns the walls around the lab: a world of namespaces for processes, mounts and the network that ends
// with the program that made it, even when that is killed, and leaves nothing on the machine.
//
// The program starts itself anew for each of three roles, told by an environment variable: the janitor, who waits
// outside until the program has ended and sweeps up what namespaces do not take along (control groups and files); the
// init process of the new world; and, as its child, the program inside.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotRoot is what Run returns to somebody who may not make such a world.
var ErrNotRoot = errors.New("the lab makes namespaces, mounts and control groups, which only root may do; run it as root, or with sudo")

// A World is where the program runs.
type World struct {
	Dir    string // of this world alone, empty at first; it goes with the world
	Cgroup string // "/NAME": the control group, in every hierarchy, that all pods belong below
}

const (
	roleKey   = "KAUTH_LAB_ROLE"
	dirKey    = "KAUTH_LAB_DIR"
	cgroupKey = "KAUTH_LAB_CGROUP"
)

// Run runs prepare in the machine as it is and then inside in a new world, and returns what inside returned. It starts
// the running program anew with the same arguments, so it must be the first thing that a main or TestMain does: what
// comes before it happens four times. An error means that inside did not run, or that something is left behind.
func Run(prepare func(World) error, inside func(World) int) (int, error) {
	world := World{Dir: os.Getenv(dirKey), Cgroup: os.Getenv(cgroupKey)}
	switch role := os.Getenv(roleKey); role {
	case "":
		return outside(prepare)
	case "janitor":
		return 0, world.sweepAfter(os.Stdin)
	case "init":
		return beInit(world)
	case "inside":
		if err := os.Unsetenv(roleKey); err != nil { // for what inside starts
			return 1, err
		}
		return inside(world), nil
	default:
		return 1, fmt.Errorf("%s: %q is no role; it is not for people to set", roleKey, role)
	}
}

// outside makes the world and waits for its end.
func outside(prepare func(World) error) (code int, err error) {
	if os.Geteuid() != 0 {
		return 2, ErrNotRoot
	}
	dir, err := os.MkdirTemp("", "kauth-lab-")
	if err != nil {
		return 1, err
	}
	world := World{Dir: dir, Cgroup: "/" + filepath.Base(dir)}
	stop, err := world.startJanitor()
	if err != nil {
		return 1, errors.Join(err, os.RemoveAll(dir))
	}
	defer func() {
		if swept := stop(); swept != nil {
			code, err = max(code, 1), errors.Join(err, fmt.Errorf("what the lab left behind: %w", swept))
		}
	}()
	// Whoever ends the program with a signal wants the world to end with it, and in order.
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	// An interrupt from the keyboard reaches the program inside as well, which decides what it means.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	if err := prepare(world); err != nil {
		return 1, err
	}
	cmd, err := world.command(ctx, "init")
	if err != nil {
		return 1, err
	}
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	// Pdeathsig means the thread that starts the process, not the program: https://go.dev/issue/27505.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return exitCode(cmd.Run())
}

// command is this program again, in another role.
func (w World) command(ctx context.Context, role string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), roleKey+"="+role, dirKey+"="+w.Dir, cgroupKey+"="+w.Cgroup)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// startJanitor starts the process that outlives this one, however this one ends. What it returns tells the janitor that
// the end has come and waits until all is swept.
func (w World) startJanitor() (stop func() error, err error) {
	cmd, err := w.command(context.Background(), "janitor")
	if err != nil {
		return nil, err
	}
	// Nobody ever writes: the end of this process, whatever its cause, is what the janitor reads.
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a signal to the terminal's processes is not for the janitor
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error { return errors.Join(life.Close(), cmd.Wait()) }, nil
}

// exitCode turns how a child ended into what this process exits with.
func exitCode(err error) (int, error) {
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &ended):
		return 1, err
	case ended.Exited():
		return ended.ExitCode(), nil
	default:
		return 1, fmt.Errorf("the lab: %w", ended)
	}
}
