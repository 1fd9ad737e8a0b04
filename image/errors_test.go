package image

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestBadInput(t *testing.T) {
	file := func(f File) []Image { return []Image{{Architecture: "amd64", Files: []File{f}}} }
	ok := File{Path: "/a", Mode: 0o644, Data: []byte("a")}
	dir, pipe := t.TempDir(), filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		ref    string
		images []Image
		want   []string // each is in the error
	}{
		"no registry":       {"team/app:v1", file(ok), []string{"reference", "in full"}},
		"no tag":            {"registry.test/team/app", file(ok), []string{"reference"}},
		"upper case":        {"registry.test/Team/app:v1", file(ok), []string{"reference"}},
		"plus in tag":       {"registry.test/team/app:v1+2", file(ok), []string{"reference"}},
		"digest":            {"registry.test/a@sha256:" + strings.Repeat("a", 64), file(ok), []string{"reference"}},
		"no image":          {ref, nil, []string{"no image"}},
		"no architecture":   {ref, []Image{{Files: []File{ok}}}, []string{"architecture"}},
		"variant":           {ref, []Image{{Architecture: "arm/v7"}}, []string{"architecture"}},
		"twice":             {ref, []Image{{Architecture: "amd64"}, {Architecture: "amd64"}}, []string{"[1] linux/amd64", "named before"}},
		"env":               {ref, []Image{{Architecture: "amd64", Env: []string{"A", "=b"}}}, []string{`"A"`, `"=b"`}},
		"working directory": {ref, []Image{{Architecture: "amd64", WorkingDir: "data"}}, []string{"working directory"}},
		"ports": {
			ref,
			[]Image{{Architecture: "amd64", Ports: []string{"0", "65536", "http", "80/tls", "", "+80", "80/tcp/udp"}}},
			[]string{`"0"`, `"65536"`, `"http"`, `"80/tls"`, `""`, `"+80"`, `"80/tcp/udp"`},
		},
		"relative path":    {ref, file(File{Path: "a", Mode: 0o644, Data: []byte{}}), []string{`"a"`, "absolute"}},
		"way out":          {ref, file(File{Path: "/../a", Mode: 0o644, Data: []byte{}}), []string{"clean"}},
		"slash at end":     {ref, file(File{Path: "/a/", Mode: fs.ModeDir | 0o755}), []string{"clean"}},
		"root":             {ref, file(File{Path: "/", Mode: fs.ModeDir | 0o755}), []string{"path"}},
		"zero byte":        {ref, file(File{Path: "/a\x00b", Mode: 0o644, Data: []byte{}}), []string{"path"}},
		"whiteout":         {ref, file(File{Path: "/etc/.wh.passwd", Mode: 0o644, Data: []byte{}}), []string{"removal"}},
		"no source":        {ref, file(File{Path: "/a", Mode: 0o644}), []string{"0 sources"}},
		"two sources":      {ref, file(File{Path: "/a", Mode: 0o644, Data: []byte{}, From: "x"}), []string{"2 sources"}},
		"folder with data": {ref, file(File{Path: "/a", Mode: fs.ModeDir | 0o755, Data: []byte{}}), []string{"2 sources"}},
		"no mode":          {ref, file(File{Path: "/a", Data: []byte{}}), []string{"nobody"}},
		"folder, no mode":  {ref, file(File{Path: "/a", Mode: fs.ModeDir}), []string{"nobody"}},
		"device":           {ref, file(File{Path: "/a", Mode: fs.ModeDevice | 0o644, Data: []byte{}}), []string{"neither"}},
		"link with mode":   {ref, file(File{Path: "/a", Mode: 0o644, Link: "b"}), []string{"link"}},
		"same path":        {ref, []Image{{Architecture: "amd64", Files: []File{ok, ok}}}, []string{"/a: listed twice"}},
		"below a file": {
			ref,
			[]Image{{Architecture: "amd64", Files: []File{ok, {Path: "/a/b/c", Mode: 0o644, Data: []byte{}}}}},
			[]string{`"/a/b/c": lies below /a`},
		},
		"below a link": {
			ref,
			[]Image{{Architecture: "amd64", Files: []File{{Path: "/a", Link: "etc"}, {Path: "/a/b", Mode: 0o644, Data: []byte{}}}}},
			[]string{`"/a/b": lies below /a`},
		},
		"no such file":  {ref, file(File{Path: "/a", Mode: 0o644, From: filepath.Join(dir, "gone")}), []string{"/a", "gone"}},
		"from a folder": {ref, file(File{Path: "/a", Mode: 0o644, From: dir}), []string{"no regular file"}},
		"from a pipe":   {ref, file(File{Path: "/a", Mode: 0o644, From: pipe}), []string{"no regular file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var b bytes.Buffer
			err := WriteArchive(&b, tt.ref, tt.images...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
			if b.Len() > 0 {
				t.Errorf("wrote %d bytes", b.Len())
			}
			wantFiles(t, os.Getenv("TMPDIR"))
		})
	}
}

func TestAllProblemsAreNamed(t *testing.T) {
	err := WriteArchive(io.Discard, "app", Image{Architecture: "amd64", Env: []string{"A"}, Files: []File{{Path: "a"}, {Path: "/b"}}})
	if n := strings.Count(err.Error(), "\n") + 1; n != 4 {
		t.Errorf("%d lines, want 4:\n%v", n, err)
	}
}

func TestNotFoundIsTold(t *testing.T) {
	im := Image{Architecture: "amd64", Files: []File{{Path: "/a", Mode: 0o644, From: filepath.Join(t.TempDir(), "gone")}}}
	if err := WriteArchive(io.Discard, ref, im); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want one that is fs.ErrNotExist", err)
	}
}

// A source that changes its size while it is read is an error, not a broken archive.
func TestSourceThatChanges(t *testing.T) {
	const size = 4 << 20
	for name, to := range map[string]int64{"shrinks": 1 << 10, "grows": size + 1} {
		t.Run(name, func(t *testing.T) {
			src := filepath.Join(t.TempDir(), "src")
			writeFile(t, src, strings.Repeat("x", size))
			im := Image{Files: []File{{Path: "/a", Mode: 0o644, From: src}, {Path: "/b", Mode: 0o644, Data: []byte("b")}}}
			resize := writerFunc(func(p []byte) (int, error) { return len(p), os.Truncate(src, to) })
			if err := im.writeLayer(resize); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	path := filepath.Join(dir, "image.tar")
	writeFile(t, path, "old")
	a, err := Pack(ref, example(t, "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range a.entries { // the layer goes away: the archive ends in the midst of it
		if b.file != nil {
			if err := b.file.Truncate(100); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := a.WriteFile(path); err == nil || n == 0 {
		t.Errorf("%d bytes, %v; want an error after some", n, err)
	}
	wantFiles(t, dir, "image.tar")
	if got, err := os.ReadFile(path); string(got) != "old" {
		t.Errorf("%.40q, %v", got, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	wantFiles(t, os.Getenv("TMPDIR"))

	a, err = Pack(ref, example(t, "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.WriteFile(filepath.Join(dir, "gone", "image.tar")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
	n, err := a.WriteFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != n || info.Mode() != 0o644 {
		t.Errorf("%v, %v; want %d bytes that others may read", info, err, n)
	}
	wantFiles(t, dir, "image.tar")
}

func TestFullDisk(t *testing.T) {
	full := writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC })
	if err := WriteArchive(full, ref, example(t, "amd64")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
