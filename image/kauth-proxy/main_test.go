package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/x509"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// As a process of its own, so that it can have another time zone and umask.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_AS_COMMAND") != "" {
		os.Exit(command(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const version = "v1.2.3-rc.1+build.5"

func TestImage(t *testing.T) {
	out, stdout := filepath.Join(t.TempDir(), "new", "image.tar"), new(bytes.Buffer)
	if code := command(t.Context(), []string{"-source", "../..", "-version", version, "-o", out}, stdout, os.Stderr); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	inner := readBack(t, out)
	manifest, err := inner.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := inner.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stdout.String(), "ghcr.io/kauth-dev/kauth-proxy:v1.2.3-rc.1-build.5\n") {
		t.Errorf("a plus sign is to become a hyphen, as kauth spells its own version:\n%s", stdout)
	}
	wantMatch(t, stdout.String(), `\n  index +`+digest.String()+`\n`)
	wantMatch(t, stdout.String(), `\n`+regexp.QuoteMeta(out)+` \d\.\d MB\n$`)
	for i, arch := range []string{"amd64", "arm64"} {
		desc := manifest.Manifests[i]
		wantMatch(t, stdout.String(), `\n  linux/`+arch+` +`+desc.Digest.String()+` [34]\.\d MB\n`)
		if desc.Platform.String() != "linux/"+arch {
			t.Errorf("manifest %d is for %s", i, desc.Platform)
		}
		read, err := inner.Image(desc.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkConfig(t, read, arch)
		checkFiles(t, read, arch)
	}
}

func checkConfig(t *testing.T, read v1.Image, arch string) {
	t.Helper()
	config, err := read.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		Entrypoint: []string{"/kauth-proxy"}, User: "65532:65532", WorkingDir: "/",
		ExposedPorts: map[string]struct{}{"8181/tcp": {}, "8182/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "kauth-proxy",
			"org.opencontainers.image.description": "The sidecar of kauth: a reverse proxy that asks for a password",
			"org.opencontainers.image.version":     "v1.2.3-rc.1-build.5",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.source":      "https://github.com/kauth-dev/kauth",
			"org.opencontainers.image.url":         "https://github.com/kauth-dev/kauth",
		},
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Error(diff)
	}
	if config.OS != "linux" || config.Architecture != arch {
		t.Errorf("%s/%s, want linux/%s", config.OS, config.Architecture, arch)
	}
}

// checkFiles looks at what is in the image, and runs the program where this machine can.
func checkFiles(t *testing.T, read v1.Image, arch string) {
	t.Helper()
	layers, err := read.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir := t.TempDir()
	got := untar(t, r, dir)
	want := []string{
		"-rw-r--r-- LICENSE", "drwxr-xr-x etc/", "-rw-r--r-- etc/group", "-rw-r--r-- etc/passwd", "drwxr-xr-x etc/ssl/",
		"drwxr-xr-x etc/ssl/certs/", "-rw-r--r-- etc/ssl/certs/ca-certificates.crt", "-rwxr-xr-x kauth-proxy",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantMatch(t, readFile(t, filepath.Join(dir, "etc/passwd")), `(?m)^nonroot:x:65532:65532:`)
	wantMatch(t, readFile(t, filepath.Join(dir, "etc/group")), `(?m)^nonroot:x:65532:`)
	if readFile(t, filepath.Join(dir, "LICENSE")) != readFile(t, "../../LICENSE") {
		t.Error("another licence than the source's")
	}

	program := filepath.Join(dir, "kauth-proxy")
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if wantMachine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; f.Machine != wantMachine {
		t.Errorf("the program is for %s, want %s", f.Machine, wantMachine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program wants a dynamic linker, which the image has not")
		}
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != arch {
		return
	}
	if text, err := exec.Command(program, "--version").Output(); err != nil || string(text) != "kauth-proxy v1.2.3-rc.1-build.5\n" {
		t.Errorf("%s, %v", text, err)
	}
	text, err := exec.Command(program, "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range []string{"8181", "8182"} {
		wantMatch(t, string(text), `\(default :`+port+`\)`)
	}
}

// Equal bytes from another folder, another copy of the source, at another time, for users with other habits.
func TestReproducible(t *testing.T) {
	source := copyOfSource(t)
	var want []byte
	for i, tt := range []struct {
		source, umask string
		env           []string
	}{
		{"../..", "022", []string{"TZ=UTC"}},
		{source, "077", []string{"TZ=Asia/Kathmandu", "LC_ALL=tr_TR.UTF-8", "GOFLAGS=-tags=netgo", "GOAMD64=v3", "GOARM64=v9.0", "CGO_ENABLED=1"}},
	} {
		out := filepath.Join(t.TempDir(), fmt.Sprint("image", i))
		cmd := exec.Command("sh", "-c", `umask `+tt.umask+` && exec "$0" "$@"`, os.Args[0], "-source", tt.source, "-version", version, "-o", out)
		cmd.Env = append(append(os.Environ(), "RUN_AS_COMMAND=1", "TMPDIR="+t.TempDir()), tt.env...)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		got := []byte(readFile(t, out))
		if i == 0 {
			want = got
		} else if !bytes.Equal(want, got) {
			t.Errorf("with %v: another archive, %d bytes and not %d", tt, len(got), len(want))
		}
	}
}

// copyOfSource copies what the sidecar is built from, and dates it 2001.
func copyOfSource(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"go.mod", "go.sum", "LICENSE", "cmd/kauth-proxy", "pkg"} {
		err := filepath.WalkDir(filepath.Join("../..", part), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel("../..", path)
			if err != nil {
				return err
			}
			to := filepath.Join(dir, rel)
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(to, []byte(readFile(t, path)), 0o600); err != nil {
				return err
			}
			return os.Chtimes(to, time.Time{}, time.Unix(1e9, 0))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRoots(t *testing.T) {
	n := 0
	pool := x509.NewCertPool()
	for rest := roots(); ; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(rest) > 0 {
				t.Errorf("what is this: %.40q", rest)
			}
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !cert.IsCA {
			t.Errorf("%s is no authority", cert.Subject)
		}
		pool.AddCert(cert)
	}
	if n <= 100 {
		t.Errorf("%d certificates, want over 100", n)
	}
	parsed := x509.NewCertPool()
	if !parsed.AppendCertsFromPEM(roots()) || !parsed.Equal(pool) {
		t.Error("crypto/x509 reads other certificates from the file")
	}
}

// The injector names the image that is made here.
func TestRepositoryIsTheInjectors(t *testing.T) {
	var stdout bytes.Buffer
	if code := command(t.Context(), []string{"-h"}, &stdout, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	m := regexp.MustCompile(`-repository name\n.*\(default "(.*)"\)`).FindStringSubmatch(stdout.String())
	if m == nil {
		t.Fatalf("no default repository:\n%s", &stdout)
	}
	wantMatch(t, readFile(t, "../../pkg/gateconf/config.go"), `\n\tImage += "`+regexp.QuoteMeta(m[1])+`"\n`)
}

func TestBadCommandLines(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no version":    {nil, "version: not given; say make image VERSION=v1.2.3"},
		"empty version": {[]string{"-version", ""}, "version: not given"},
		"no v":          {[]string{"-version", "1.2.3"}, `"1.2.3" is no version`},
		"short":         {[]string{"-version", "v1.2"}, `"v1.2" is no version`},
		"flags inside":  {[]string{"-version", "v1.2.3 -X main.a=b"}, "is no version"},
		"architecture":  {[]string{"-version", "v1.2.3", "-arch", "amd64,mips"}, `arch: "mips" is not built; name some of amd64,arm64`},
		"none":          {[]string{"-version", "v1.2.3", "-arch", ""}, `arch: ""`},
		"repository":    {[]string{"-version", "v1.2.3", "-repository", "kauth-proxy"}, "repository: "},
		"argument":      {[]string{"-version", "v1.2.3", "x"}, `unexpected argument "x"`},
		"flag":          {[]string{"-name", "v1.2.3"}, "-name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var stdout, stderr bytes.Buffer
			if code := command(t.Context(), append([]string{"-o", filepath.Join(dir, "x")}, tt.args...), &stdout, &stderr); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			if !strings.HasPrefix(stderr.String(), "image: error: ") || !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
				t.Errorf("%s%s, want %s", &stdout, &stderr, tt.want)
			}
			wantEmpty(t, dir)
		})
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	broken := copyOfSource(t)
	if err := os.WriteFile(filepath.Join(broken, "cmd/kauth-proxy/main.go"), []byte("package main\n\nfunc main() { broken }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("stopped by the user"))
	for name, tt := range map[string]struct {
		ctx    context.Context
		source string
		want   string
	}{
		"no source":        {t.Context(), t.TempDir(), "linux/amd64: go build"},
		"does not compile": {t.Context(), broken, "undefined: broken"},
		"no such folder":   {t.Context(), filepath.Join(t.TempDir(), "gone"), "gone"},
		"stopped":          {stopped, "../..", "stopped by the user"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", t.TempDir())
			var stderr bytes.Buffer
			args := []string{"-version", "v1.2.3", "-source", tt.source, "-o", filepath.Join(dir, "image.tar")}
			if code := command(tt.ctx, args, io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("exit code %d, want 1; %s, want %s", code, &stderr, tt.want)
			}
			wantEmpty(t, dir)
			wantEmpty(t, os.Getenv("TMPDIR"))
		})
	}
}

// readBack returns the index of all platforms from an archive, after a check of everything in it.
func readBack(t *testing.T, archive string) v1.ImageIndex {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := t.TempDir()
	untar(t, f, dir)
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	top, err := outer.IndexManifest()
	if err != nil || len(top.Manifests) != 1 {
		t.Fatalf("%+v, %v", top, err)
	}
	inner, err := outer.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(inner); err != nil {
		t.Error(err)
	}
	return inner
}

// untar unpacks to dir and returns the mode and name of each entry.
func untar(t *testing.T, r io.Reader, dir string) []string {
	t.Helper()
	var list []string
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, h.FileInfo().Mode().String()+" "+h.Name)
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.Mkdir(path, 0o755)
		} else {
			var data []byte
			if data, err = io.ReadAll(tr); err == nil {
				err = os.WriteFile(path, data, h.FileInfo().Mode())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantMatch(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s\nwant a match of %s", text, pattern)
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) > 0 {
		t.Errorf("%s: left behind %v, %v", dir, list, err)
	}
}
