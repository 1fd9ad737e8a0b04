//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the parts of a cluster write to, whatever they are told. Inside, each is empty and in memory.
var private = []string{"/run", "/var/log"}

// And here they make folders of their own. Inside, what is written stays in memory; the machine's files are there as
// well, since Debian's programs read some of them.
var shared = []string{"/var/lib", "/etc"}

// The kubelet sets these for the whole machine unless they have the values that it wants. Inside, they seem to have.
var settings = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// beInit is the first process of the new world: it furnishes it, starts the program inside, and reaps whatever loses
// its parent, as containers do all the time. When it ends, the kernel ends everything.
func beInit(w World) (int, error) {
	if err := w.furnish(); err != nil {
		return 1, fmt.Errorf("lab: %w", err)
	}
	cmd, err := w.command(context.Background(), "inside")
	if err != nil {
		return 1, err
	}
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // meant for the program inside
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 1, fmt.Errorf("wait: %w", err)
		case pid != cmd.Process.Pid:
		case status.Signaled():
			w.thaw()
			return 1, fmt.Errorf("the program inside the lab: %s", status.Signal())
		default:
			w.thaw()
			return status.ExitStatus(), nil
		}
	}
}

// furnish mounts what the new world has of its own and hides what is the machine's.
func (w World) furnish() error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts made private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	for _, dir := range private {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	for _, dir := range shared {
		if err := w.overlay(dir); err != nil {
			return err
		}
	}
	for name, value := range settings {
		file := filepath.Join(w.Dir, "sysctl."+filepath.Base(name))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
			return err
		}
		err := unix.Mount(file, filepath.Join("/proc/sys", name), "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("/proc/sys/%s: %w", name, err)
		}
	}
	return errors.Join(unix.Sethostname([]byte("lab")), loopbackUp())
}

// overlay lets the world write to dir without the machine's own folder changing.
func (w World) overlay(dir string) error {
	memory := filepath.Join(w.Dir, "written"+strings.ReplaceAll(dir, "/", "-")) // not on a disk, which may itself be an overlay, and those do not nest
	if err := os.Mkdir(memory, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", memory, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("%s: %w", memory, err)
	}
	upper, work := filepath.Join(memory, "upper"), filepath.Join(memory, "work")
	if err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755)); err != nil {
		return err
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work)
	if err := unix.Mount("overlay", dir, "overlay", 0, options); err != nil {
		return fmt.Errorf("%s: overlay: %w", dir, err)
	}
	return nil
}

// loopbackUp switches on the one network device that a new network namespace has.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	return nil
}
