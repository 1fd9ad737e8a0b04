//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	cgroupRoot   = "/sys/fs/cgroup"
	sweepTimeout = 20 * time.Second
)

// Unified says whether the machine has control groups of version 2 alone.
func Unified() bool {
	_, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers"))
	return err == nil
}

// MakeCgroup makes the world's control group in every hierarchy, so that the kubelet finds it. With version 2, all
// controllers are handed down to it: the kubelet wants each that the machine has.
func (w World) MakeCgroup() error {
	if !Unified() {
		for _, dir := range cgroupDirs("") {
			if err := os.MkdirAll(dir+w.Cgroup, 0o755); err != nil {
				return err
			}
		}
		return nil
	}
	if err := os.Mkdir(cgroupRoot+w.Cgroup, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for _, dir := range []string{cgroupRoot, cgroupRoot + w.Cgroup} {
		controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
		if err != nil {
			return err
		}
		all := "+" + strings.Join(strings.Fields(string(controllers)), " +")
		err = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(all), 0o600)
		if errors.Is(err, syscall.EBUSY) {
			return fmt.Errorf("%s: it has processes of its own, so its controllers cannot be handed down; "+
				"move them to a group below, or run the lab outside this container", dir)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cgroupDirs returns the folder of a control group in each hierarchy: one with version 2; with version 1 one a
// controller, and mostly one of version 2 without controllers beside them, where runc makes groups too.
func cgroupDirs(group string) []string {
	if Unified() {
		return []string{cgroupRoot + group}
	}
	entries, err := os.ReadDir(cgroupRoot)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() { // links such as cpu,cpuacct name a folder that is there as well
			dirs = append(dirs, filepath.Join(cgroupRoot, e.Name())+group)
		}
	}
	return dirs
}

// sweepAfter is the janitor: it waits for the end of life and then removes what is left of the world.
func (w World) sweepAfter(life io.Reader) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if _, err := io.Copy(io.Discard, life); err != nil {
		return err
	}
	var err error
	for end := time.Now().Add(sweepTimeout); time.Now().Before(end); {
		if err = w.sweep(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond) // what was killed takes a moment to go
	}
	return err
}

// thaw lets frozen processes, such as those of a paused container, go on: only then can they be killed, and the world
// does not end before its last process.
func (w World) thaw() {
	for _, root := range cgroupDirs(w.Cgroup) {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				for file, value := range map[string]string{"freezer.state": "THAWED", "cgroup.freeze": "0"} {
					if f, err := os.OpenFile(filepath.Join(path, file), os.O_WRONLY, 0); err == nil { // there, with this version
						_, _ = f.WriteString(value)
						_ = f.Close()
					}
				}
			}
			return nil
		})
	}
}

// sweep removes the control groups, with the processes that are left in them, and the folder.
func (w World) sweep() error {
	w.thaw()
	var errs []error
	for _, root := range cgroupDirs(w.Cgroup) {
		var groups []string
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, path)
			}
			return nil // one that went meanwhile is what is wanted
		})
		errs = append(errs, err)
		for _, group := range slices.Backward(groups) { // those below first
			killAll(group)
			if err := syscall.Rmdir(group); err != nil && !errors.Is(err, syscall.ENOENT) {
				errs = append(errs, fmt.Errorf("%s: %w", group, err))
			}
		}
	}
	return errors.Join(append(errs, os.RemoveAll(w.Dir))...)
}

// killAll kills the processes of one control group; those that end by themselves meanwhile are no loss.
func killAll(group string) {
	procs, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if err != nil {
		return
	}
	for pid := range strings.FieldsSeq(string(procs)) {
		if n, err := strconv.Atoi(pid); err == nil && n > 1 {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
}
