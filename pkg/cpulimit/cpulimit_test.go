package cpulimit

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRead(t *testing.T) {
	const v1 = "9:name=systemd:/x\n4:memory:/x\n1:cpu,cpuacct:/kubepods/pod1/abc\n0::/\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"version 2, in a namespace": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "20000 100000\n",
		}, 0.2},
		"version 2, no limit": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n",
		}, 0},
		"version 2, the limit of a group above": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
		}, 1.5},
		"version 2, the least of several": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "100000 100000\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n",
		}, 0.5},
		"version 2, a group beside the namespace": {map[string]string{
			"proc/self/cgroup": "0::/../other\n", "sys/fs/cgroup/cpu.max": "20000 100000\n",
		}, 0.2},
		"version 1, the host's path": {map[string]string{
			"proc/self/cgroup": v1, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "5000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, 0.05},
		"version 1, the whole tree": {map[string]string{
			"proc/self/cgroup": v1, "sys/fs/cgroup/cpu/kubepods/pod1/abc/cpu.cfs_quota_us": "5000\n", "sys/fs/cgroup/cpu/kubepods/pod1/abc/cpu.cfs_period_us": "10000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, 0.5},
		"version 1, no limit": {map[string]string{
			"proc/self/cgroup": v1, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, 0},
		"nothing can be read": {nil, 0},
		"files that are odd": {map[string]string{
			"proc/self/cgroup": "\n0\n0::\n2:cpuset:/\n3:cpu:/x\n", "sys/fs/cgroup/cpu.max": "1 2 3", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "10", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "0",
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for file, text := range tc.files {
				file = filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := read(root); got != tc.want {
				t.Errorf("%g cores, want %g", got, tc.want)
			}
		})
	}
}

// What this machine says, whatever it is, must not be nonsense.
func TestCores(t *testing.T) {
	if got := Cores(); got < 0 {
		t.Errorf("%g cores", got)
	}
}
