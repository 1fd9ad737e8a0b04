package basicauth

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Ten thousand users, in one Secret of a real API server: what each command takes from its command line to the last byte. They
// are to be listed within a second.
func BenchmarkTenThousandUsers(b *testing.B) {
	config := filepath.Join(b.TempDir(), "kubeconfig")
	if err := kubeconfig(server(b), config, "many"); err != nil {
		b.Fatal(err)
	}
	b.Setenv("KUBECONFIG", config)
	var users strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&users, "user%05d:$2y$10$mfrC/YDuakywYXZfxqzP4uCpVOfQ6m9KhMCfeDpWT08UuvB6COZbq\n", i)
	}
	run := func(want string, args ...string) {
		b.Helper()
		var out, errOut bytes.Buffer
		code := Main(b.Context(), args, genericiooptions.IOStreams{In: strings.NewReader(users.String()), Out: &out, ErrOut: &errOut})
		if code != 0 || !strings.Contains(out.String(), want) {
			b.Fatalf("%v: exit code %d, %.300q, %.300q", args, code, out.String(), errOut.String())
		}
	}
	run("10000 added", "user", "import", "-f", "-")
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"list", "\nuser09999 ", []string{"user", "list"}},
		{"list-json", `"user09999"`, []string{"user", "list", "-o", "json"}},
		{"verify", `"user09999"`, []string{"verify"}},
		{"export", "user09999:", []string{"user", "export"}},
		{"import-unchanged", "10000 unchanged", []string{"user", "import", "-f", "-"}},
		{"passwd", "user05000", []string{"user", "passwd", "user05000", "--hash", "$2y$10$mfrC/YDuakywYXZfxqzP4uCpVOfQ6m9KhMCfeDpWT08UuvB6COZbq"}},
		{"complete", "user05000", []string{"__complete", "user", "passwd", "user0500"}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				run(tt.want, tt.args...)
			}
		})
	}
}
