package image

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const ref = "registry.test/team/app:v1"

// example is an image with every kind of entry.
func example(t *testing.T, arch string) Image {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	writeFile(t, program, strings.Repeat("program of "+arch, 10_000))
	return Image{
		Architecture: arch,
		Entrypoint:   []string{"/bin/app", "--flag"},
		Env:          []string{"A=1", "EMPTY="},
		User:         "1000:1000",
		WorkingDir:   "/data",
		Labels:       map[string]string{"org.opencontainers.image.title": "app", "org.opencontainers.image.version": arch, "other": "x"},
		Ports:        []string{"8080", "53/udp"},
		Files: []File{
			{Path: "/bin/app", Mode: 0o755, From: program},
			{Path: "/bin/sh", Link: "app"},
			{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
			{Path: "/etc/deep/er/empty", Mode: 0o600, Data: []byte{}},
			{Path: "/etc/deep/app.conf", Mode: 0o644, Data: []byte("x=1\n")},
			{Path: "/bin/su", Mode: fs.ModeSetuid | fs.ModeSetgid | 0o755, Data: []byte("su")},
			{Path: "/" + strings.Repeat("long/", 60) + "ü", Mode: 0o644, Data: []byte("long")},
		},
	}
}

func TestOneImage(t *testing.T) {
	for _, uncompressed := range []bool{false, true} {
		im := example(t, "amd64")
		im.Uncompressed = uncompressed
		dir := unpack(t, write(t, im))
		top := index(t, dir)
		if len(top.Manifests) != 1 || top.Manifests[0].MediaType != types.OCIManifestSchema1 {
			t.Fatalf("index.json is to name one manifest: %+v", top.Manifests)
		}
		wantNames(t, top.Manifests[0])
		if diff := cmp.Diff(&v1.Platform{OS: "linux", Architecture: "amd64"}, top.Manifests[0].Platform); diff != "" {
			t.Error(diff)
		}
		read, err := layout.Path(dir).Image(top.Manifests[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, read, im)
		mediaType := types.OCILayer
		if uncompressed {
			mediaType = types.OCIUncompressedLayer
		}
		manifest, err := read.Manifest()
		if err != nil || manifest.Layers[0].MediaType != mediaType {
			t.Errorf("layer: %+v, %v; want %s", manifest.Layers, err, mediaType)
		}
	}
}

// What docker without containerd's store loads.
func TestOneImageAsDockerArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	writeFile(t, path, string(write(t, example(t, "amd64"))))
	tags, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil || len(tags) != 1 || !cmp.Equal(tags[0].RepoTags, []string{ref}) {
		t.Fatalf("%+v, %v", tags, err)
	}
	read, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkImage(t, read, example(t, "amd64"))
}

func TestSeveralImages(t *testing.T) {
	images := []Image{example(t, "amd64"), example(t, "arm64")}
	dir := unpack(t, write(t, images...))
	top := index(t, dir)
	if len(top.Manifests) != 1 || top.Manifests[0].MediaType != types.OCIImageIndex {
		t.Fatalf("index.json is to name one index: %+v", top.Manifests)
	}
	wantNames(t, top.Manifests[0])
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err == nil {
		t.Error("manifest.json knows no platforms and would offer only one of them")
	}
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := outer.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(inner); err != nil {
		t.Error(err)
	}
	manifest, err := inner.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"org.opencontainers.image.title": "app"}, manifest.Annotations); diff != "" {
		t.Errorf("the index is to have the labels that both images share: %s", diff)
	}
	for i, desc := range manifest.Manifests {
		if got, want := desc.Platform.String(), "linux/"+images[i].Architecture; got != want {
			t.Errorf("manifest %d is for %s, want %s", i, got, want)
		}
		read, err := inner.Image(desc.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, read, images[i])
	}
}

func TestPackSaysWhatItMade(t *testing.T) {
	a, err := Pack(ref, example(t, "amd64"), example(t, "arm64"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var b bytes.Buffer
	if n, err := a.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("%d, %v; wrote %d bytes", n, err, b.Len())
	}
	dir := unpack(t, b.Bytes())
	top := index(t, dir).Manifests[0].Digest
	if top.String() != a.Digest {
		t.Errorf("digest %s, want %s", a.Digest, top)
	}
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := outer.ImageIndex(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range a.Platforms {
		h, err := v1.NewHash(p.Digest)
		if err != nil {
			t.Fatal(err)
		}
		read, err := inner.Image(h)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := read.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		size, err := read.Size()
		if want := size + manifest.Config.Size + manifest.Layers[0].Size; err != nil || p.Size != want {
			t.Errorf("%s: %d bytes, want %d, %v", p.Name, p.Size, want, err)
		}
	}
}

// Two images with the same layer: one blob, and nothing left open or behind.
func TestSameContentIsStoredOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	one, two := example(t, "amd64"), example(t, "amd64")
	two.Architecture = "arm64"
	if once, twice := len(write(t, one)), len(write(t, one, two)); twice > once+8192 {
		t.Errorf("one image %d bytes, the same for two platforms %d", once, twice)
	}
	wantFiles(t, os.Getenv("TMPDIR"))
}

func TestReproducible(t *testing.T) {
	first := write(t, example(t, "amd64"), example(t, "arm64"))
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("there", 14*3600)
	other := []Image{example(t, "amd64"), example(t, "arm64")}
	for _, im := range other {
		for i := range im.Files { // listed in another order
			j := len(im.Files) - 1 - i
			if i < j {
				im.Files[i], im.Files[j] = im.Files[j], im.Files[i]
			}
		}
		for _, f := range im.Files {
			if f.From == "" {
				continue
			}
			if err := os.Chtimes(f.From, time.Now(), time.Unix(1e9, 7)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(f.From, 0o400); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(first, write(t, other...)) {
		t.Error("the same files gave another archive")
	}
	changed := example(t, "amd64")
	changed.Files[4].Data = []byte("x=2\n")
	if bytes.Equal(first, write(t, changed, example(t, "arm64"))) {
		t.Error("another file gave the same archive")
	}
}

// A program of some hundred megabytes must not be held in memory, let alone several times.
func TestBigFilesAreStreamed(t *testing.T) {
	const size = 256 << 20
	big := filepath.Join(t.TempDir(), "big")
	writeFile(t, big, "")
	if err := os.Truncate(big, size); err != nil {
		t.Fatal(err)
	}
	im := Image{Architecture: "amd64", Uncompressed: true, Files: []File{{Path: "/big", Mode: 0o644, From: big}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var n counter
	n.w = io.Discard
	if err := WriteArchive(&n, ref, im); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n.n < size {
		t.Errorf("wrote %d bytes", n.n)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("allocated %d bytes", used)
	}
}
