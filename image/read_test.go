package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func checkImage(t *testing.T, read v1.Image, im Image) {
	t.Helper()
	if !im.Uncompressed { // validate knows only gzip
		if err := validate.Image(read); err != nil {
			t.Error(err)
		}
	} else if err := validate.Image(read, validate.Fast); err != nil {
		t.Error(err)
	}
	config, err := read.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		Entrypoint: im.Entrypoint, Env: im.Env, User: "1000:1000", WorkingDir: "/data", Labels: im.Labels,
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "53/udp": {}},
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Error(diff)
	}
	if config.OS != "linux" || config.Architecture != im.Architecture || !config.Created.Equal(time.Unix(0, 0)) {
		t.Errorf("%s/%s of %s", config.OS, config.Architecture, config.Created)
	}
	layers, err := read.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if sum, _, err := v1.SHA256(bytes.NewReader(data)); err != nil || sum != config.RootFS.DiffIDs[0] {
		t.Errorf("the files' digest is %s, %v; the configuration says %s", sum, err, config.RootFS.DiffIDs[0])
	}
	got, content := entries(t, bytes.NewReader(data))
	if diff := cmp.Diff(wantEntries(), got); diff != "" {
		t.Error(diff)
	}
	if want := strings.Repeat("program of "+im.Architecture, 10_000); content["bin/app"] != want {
		t.Errorf("/bin/app: %.40q", content["bin/app"])
	}
	if content["etc/deep/app.conf"] != "x=1\n" {
		t.Errorf("/etc/deep/app.conf: %q", content["etc/deep/app.conf"])
	}
}

// wantEntries are the entries of example, in order.
func wantEntries() []string {
	want := []string{
		"drwxr-xr-x bin/", "-rwxr-xr-x bin/app", "Lrwxrwxrwx bin/sh -> app", "ugrwxr-xr-x bin/su",
		"drwxr-xr-x etc/", "drwxr-xr-x etc/deep/", "-rw-r--r-- etc/deep/app.conf", "drwxr-xr-x etc/deep/er/", "-rw------- etc/deep/er/empty",
	}
	for i := range 60 {
		want = append(want, "drwxr-xr-x "+strings.Repeat("long/", i+1))
	}
	return append(want, "-rw-r--r-- "+strings.Repeat("long/", 60)+"ü", "dtrwxrwxrwx tmp/")
}

func entries(t *testing.T, r io.Reader) (list []string, content map[string]string) {
	t.Helper()
	content = map[string]string{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return list, content
		}
		if err != nil {
			t.Fatal(err)
		}
		line := h.FileInfo().Mode().String() + " " + h.Name
		if h.Linkname != "" {
			line += " -> " + h.Linkname
		}
		list = append(list, line)
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s: %d:%d %q:%q %s", h.Name, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		content[h.Name] = string(data)
	}
}

func write(t *testing.T, images ...Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteArchive(&b, ref, images...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpack writes the archive's entries to a folder, after a look at their order.
func unpack(t *testing.T, archive []byte) string {
	t.Helper()
	list, content := entries(t, bytes.NewReader(archive))
	dir := t.TempDir()
	last := ""
	for _, line := range list {
		_, name, _ := strings.Cut(line, " ")
		if name <= last {
			t.Errorf("%s comes after %s", name, last)
		}
		last = name
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		writeFile(t, path, content[name])
	}
	if want := `{"imageLayoutVersion":"1.0.0"}`; content["oci-layout"] != want {
		t.Errorf("oci-layout: %q, want %q", content["oci-layout"], want)
	}
	return dir
}

func index(t *testing.T, dir string) *v1.IndexManifest {
	t.Helper()
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := top.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

func wantNames(t *testing.T, desc v1.Descriptor) {
	t.Helper()
	want := map[string]string{"io.containerd.image.name": ref, "org.opencontainers.image.ref.name": ref}
	if diff := cmp.Diff(want, desc.Annotations); diff != "" {
		t.Error(diff)
	}
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", dir, diff)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
