// Package cpulimit owns how much of the processor this process may use: the limit of its control group, as a container
// runtime sets it from the pod's limits.cpu. Go itself follows that limit, but only in whole threads.
package cpulimit

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Cores returns how many cores this process may use, such as 0.2; 0 where there is no limit or none can be read. It reads a
// handful of small files, in about 50 µs. The limit of a pod can change while it runs.
func Cores() float64 { return read("/") }

// read is Cores with another root of the file system. The least limit of the group and of all that it is in counts. Where
// the group's path is the host's, but only the container's part is mounted (version 1 without a namespace), the path
// leads nowhere, and the root is the container's own group.
func read(root string) float64 {
	text, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return 0
	}
	var least float64
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // cgroups(7): number, controllers, path
		if len(fields) < 3 {
			continue
		}
		limit, mount := version2, "sys/fs/cgroup"
		if fields[1] != "" {
			limit, mount = version1, "sys/fs/cgroup/cpu"
			if !strings.Contains(","+fields[1]+",", ",cpu,") {
				continue
			}
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			if cores := limit(filepath.Join(root, mount, group)); cores > 0 && (least == 0 || cores < least) {
				least = cores
			}
			if group == "/" {
				break
			}
		}
	}
	return least
}

// version2 returns the limit of one group, from a file such as "20000 100000" or "max 100000", in µs.
func version2(dir string) float64 {
	fields := strings.Fields(content(dir, "cpu.max"))
	if len(fields) != 2 {
		return 0
	}
	return ratio(fields[0], fields[1])
}

// version1 returns the limit of one group, from two files in µs; a quota of -1 is none.
func version1(dir string) float64 {
	return ratio(content(dir, "cpu.cfs_quota_us"), content(dir, "cpu.cfs_period_us"))
}

func ratio(quota, period string) float64 {
	q, err := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return float64(q) / float64(p)
}

// content returns a file without the blanks around its text, or nothing.
func content(dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
