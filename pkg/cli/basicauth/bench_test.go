package basicauth

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Ten thousand users, in one Secret of a real API server: what each command takes as a process, from its start to its end.
func BenchmarkTenThousandUsers(b *testing.B) {
	run := tenThousand(b, "many")
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"list", "\nuser09999 ", []string{"user", "list"}},
		{"list-json", `"user09999"`, []string{"user", "list", "-o", "json"}},
		{"verify", "and 9980 more lines with a good hash", []string{"verify"}},
		{"export", "user09999:", []string{"user", "export"}},
		{"import-unchanged", "10000 unchanged", []string{"user", "import", "-f", "-"}},
		{"passwd", "user05000", []string{"user", "passwd", "user05000", "--hash"}}, // and another hash each time, for the same would not be written
		{"complete", "user05000", []string{"__complete", "user", "passwd", "user0500"}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				args := tt.args
				if args[len(args)-1] == "--hash" {
					args = append(slices.Clip(args), fmt.Sprintf("$2y$10$mfrC/YDuakywYXZfxqzP4uCpVOfQ6m9KhMCfeDpWT08UuvB6%05d", 10000+i%9999))
				}
				run(tt.want, args...)
			}
		})
	}
}

// All of them are listed; how long that takes is the benchmark's.
func TestTenThousandUsers(t *testing.T) {
	run := tenThousand(t, "ten-thousand")
	run("\nuser09999 ", "user", "list")
}

// tenThousand stores as many users in a namespace, and returns what runs a command and checks what it prints.
func tenThousand(tb testing.TB, namespace string) func(want string, args ...string) {
	tb.Helper()
	config := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := kubeconfig(server(tb), config, namespace); err != nil {
		tb.Fatal(err)
	}
	var users strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&users, "user%05d:$2y$10$mfrC/YDuakywYXZfxqzP4uCpVOfQ6m9KhMCfeDpWT08UuvB6COZbq\n", i)
	}
	run := func(want string, args ...string) {
		tb.Helper()
		var errOut strings.Builder
		cmd := exec.CommandContext(tb.Context(), program, args...)
		cmd.Env, cmd.Stdin, cmd.Stderr = append(os.Environ(), "KUBECONFIG="+config, "GORACE=atexit_sleep_ms=0"), strings.NewReader(users.String()), &errOut
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), want) {
			tb.Fatalf("%v: %v, %.300q, %.300q", args, err, out, errOut.String())
		}
	}
	run("10000 added", "user", "import", "-f", "-")
	return run
}
