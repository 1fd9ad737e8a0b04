// Package peers owns the comparison of kauth-proxy with others that put a password in front of an application, and with
// reverse proxies that ask for none: whole processes, side by side in one run. `make bench-proxy` runs it, and
// `go run ./test/bench/table` makes tables of what that prints; benchstat reads it too.
//
// Each benchmark starts every program for itself, on loopback, before a real nginx that serves a page of 1 KiB and a body
// of 50 MiB. All report figures and none of them fails for a figure; what fails them is a wrong answer.
package peers

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

var (
	each    = flag.Duration("each", 4*time.Second, "how long each program is put under load")
	storm   = flag.Duration("storm", 30*time.Second, "how long each flood lasts")
	bodies  = flag.Int("bodies", 20, "50 MiB bodies in each direction")
	program = flag.String("kauth-proxy", "", "the kauth-proxy to measure, rather than this tree's")
)

// role makes the test binary one of the parts of a flood: see parts.
const role = "KAUTH_BENCH_ROLE"

func TestMain(m *testing.M) {
	if part, ok := parts[os.Getenv(role)]; ok {
		part(os.Args[1:])
		return
	}
	// Ten thousand connections need as many open files. Programs that are started inherit this only if it is set here.
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		files.Cur = files.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files) // else the connections fail, and say so
	}
	os.Exit(m.Run())
}

// The user of all gates, and those who come first during a flood. They share a password, but each has a salt.
const (
	user     = "alice"
	password = "correct horse"
)

var users = [...]string{user, "bob", "carol", "dave", "erin", "frank"}

// The password as gates that do not read bcrypt store it: openssl passwd -apr1, and -1.
const (
	apr1Hash = "$apr1$kauthkau$EuDYHX06i0WgdZdS5AfHs0"
	md5Hash  = "$1$kauthkau$lMuXY5SBpGKDevv36q3XB0"
)

// bcryptHashes are of cost 10, one for each user.
var bcryptHashes = sync.OnceValues(func() (map[string]string, error) {
	hashes := map[string]string{}
	for _, u := range users {
		h, err := htpasswd.Generate(password, 10)
		if err != nil {
			return nil, err
		}
		hashes[u] = h.String()
	}
	return hashes, nil
})

// A lab is what the gates of one benchmark share.
type lab struct {
	dir      string            // for files
	tools    map[string]string // paths, by the names of test/lab/build; and kauth-proxy's
	bcrypt   map[string]string // hashes, by user
	upstream string            // nginx, host:port
	sink     string            // takes bodies and answers with their length, host:port
	programs map[string]*process
}

// newLab starts the upstreams. It skips where programs are missing: they are got by make bench-proxy only, so that make
// bench does not run all this.
func newLab(b *testing.B) *lab {
	b.Helper()
	if _, err := os.Stat("/proc/self/io"); err != nil {
		b.Skip("CPU time and memory of other processes are read from Linux's /proc, which is not here")
	}
	if os.Getenv("KAUTH_BENCH_PROXY") == "" {
		b.Skip("takes half an hour and compares programs that most need not have; run make bench-proxy, or set KAUTH_BENCH_PROXY=1")
	}
	l := &lab{dir: b.TempDir(), tools: map[string]string{}, programs: map[string]*process{}}
	for _, name := range []string{"nginx", "haproxy", "caddy", "gopeers", "wrk"} {
		l.tools[name] = testenv.Tool(b, name)
	}
	var err error
	if l.bcrypt, err = bcryptHashes(); err != nil {
		b.Fatal(err)
	}
	if l.tools["kauth-proxy"] = *program; *program == "" {
		l.tools["kauth-proxy"] = filepath.Join(l.dir, "kauth-proxy")
		buildProxy(b, l.tools["kauth-proxy"])
	}
	l.startUpstreams(b)
	return l
}

// buildProxy builds kauth-proxy as make build does.
func buildProxy(b *testing.B, out string) {
	b.Helper()
	root, err := testenv.Root()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./cmd/kauth-proxy")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
}

const bodySize = 50 << 20

func (l *lab) startUpstreams(b *testing.B) {
	b.Helper()
	docs := filepath.Join(l.dir, "docs")
	if err := os.Mkdir(docs, 0o755); err != nil {
		b.Fatal(err)
	}
	for name, size := range map[string]int{"page": 1 << 10, "body": bodySize} {
		if err := os.WriteFile(filepath.Join(docs, name), make([]byte, size), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	l.upstream, l.sink = freeAddress(b), freeAddress(b)
	conf := l.nginxConf(b, "upstream", "server { listen "+l.upstream+"; root "+docs+"; }")
	l.programs["upstream"] = start(b, "", l.tools["nginx"], "-e", "stderr", "-p", l.dir, "-c", conf)
	l.programs["sink"] = start(b, "", l.tools["gopeers"], "-listen", l.sink)
	for _, url := range []string{"http://" + l.upstream + "/page", "http://" + l.sink + "/"} {
		if _, err := awaitAnswer(b.Context(), url, "", http.StatusOK); err != nil {
			b.Fatal(err)
		}
	}
}

// write makes a file in the lab's folder.
func (l *lab) write(b *testing.B, name, text string) string {
	b.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// nginxConf writes a configuration with the given contents of its http block. One worker, as in the baseline; what is
// kept on disk is kept in the lab's folder.
func (l *lab) nginxConf(b *testing.B, name, http string) string {
	b.Helper()
	text := fmt.Sprintf("daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid %[1]s/%[2]s.pid; user root;\nevents { worker_connections 12000; }\n"+
		"http {\n\taccess_log off;\n", l.dir, name)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += fmt.Sprintf("\t%s_temp_path %s/%s.%s;\n", kind, l.dir, name, kind)
	}
	return l.write(b, name+".conf", text+"\t"+http+"\n}\n")
}
