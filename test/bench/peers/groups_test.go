package peers

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// groups are control groups, one for each part of a flood, as if each was a container: all have the same weight.
type groups struct {
	root    string
	version int // of control groups
}

const cgroupRoot = "/sys/fs/cgroup"

// newGroups skips where this user or this machine cannot make control groups.
func newGroups(b *testing.B) groups {
	b.Helper()
	if os.Geteuid() != 0 {
		b.Skip("a flood is measured in control groups, which only root may make; run it as root")
	}
	name := fmt.Sprintf("kauth-bench-%d", os.Getpid())
	g := groups{root: filepath.Join(cgroupRoot, "cpu", name), version: 1}
	if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
		g = groups{root: filepath.Join(cgroupRoot, name), version: 2}
	}
	err := os.Mkdir(g.root, 0o755)
	if err == nil && g.version == 2 {
		for _, dir := range []string{cgroupRoot, g.root} {
			if err = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+cpu"), 0o600); err != nil {
				break
			}
		}
	}
	if err != nil {
		_ = os.Remove(g.root) // it may not be there
		b.Skipf("a flood is measured in control groups, which this machine does not let us make: %v", err)
	}
	b.Cleanup(func() { removeGroup(b, g.root) })
	g.stayNice(b)
	return g
}

// stayNice gives all that is measured together the weight that one process of this one's niceness has. A group would have
// that of a normal one, whoever is in it.
func (g groups) stayNice(b *testing.B) {
	b.Helper()
	raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		b.Fatal(err)
	}
	share := math.Pow(1.25, float64(raw-20)) // the kernel returns 20 less the niceness
	file, weight := "cpu.shares", max(1024*share, 2)
	if g.version == 2 {
		file, weight = "cpu.weight", max(100*share, 1)
	}
	g.set(b, g.root, file, strconv.Itoa(int(weight)))
}

// add makes a group and returns the file that takes processes into it. limit is of a core; 0: none.
func (g groups) add(b *testing.B, name string, limit float64) string {
	b.Helper()
	dir := filepath.Join(g.root, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { removeGroup(b, dir) })
	const period = 100_000 // µs, as Kubernetes has it
	if quota := int(limit * period); quota > 0 && g.version == 1 {
		g.set(b, dir, "cpu.cfs_period_us", strconv.Itoa(period))
		g.set(b, dir, "cpu.cfs_quota_us", strconv.Itoa(quota))
	} else if quota > 0 {
		g.set(b, dir, "cpu.max", fmt.Sprint(quota, period))
	}
	return filepath.Join(dir, "cgroup.procs")
}

func (g groups) set(b *testing.B, dir, file, value string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0o600); err != nil {
		b.Fatal(err)
	}
}

// removeGroup waits until the last process of a group is gone.
func removeGroup(b *testing.B, dir string) {
	b.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if err = os.Remove(dir); err == nil {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	b.Error(err)
}
