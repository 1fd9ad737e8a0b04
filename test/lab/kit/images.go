//go:build linux

package kit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kauth-dev/kauth/image"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// The images that a lab has, beside the sidecar's.
const (
	PauseImage        = "lab.local/pause:1"
	WebImage          = "lab.local/web:1" // test/lab/apps/web
	PrometheusImage   = "lab.local/prometheus:v3.14.0"
	AlertmanagerImage = "lab.local/alertmanager:v0.25.0"
	ReloaderImage     = "lab.local/prometheus-config-reloader:1"
)

// writeImages makes an archive of each image below dir and returns their paths.
func writeImages(ctx context.Context, dir string, t Tools) ([]string, error) {
	root, err := testenv.Root()
	if err != nil {
		return nil, err
	}
	lab := filepath.Join(root, "test", "lab")
	if err := Run(ctx, "env", "CGO_ENABLED=0", "go", "build", "-C", lab, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", dir+"/", "./apps/..."); err != nil {
		return nil, err
	}
	var archives []string
	for ref, program := range map[string]string{
		PauseImage: filepath.Join(dir, "pause"), WebImage: filepath.Join(dir, "web"), PrometheusImage: t.Prometheus3,
		AlertmanagerImage: t.Alertmanager, ReloaderImage: Beside(t.Operator, "prometheus-config-reloader"),
	} {
		archive := filepath.Join(dir, filepath.Base(program)+".tar")
		if err := writeImage(ctx, archive, ref, program); err != nil {
			return nil, err
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// writeImage makes the archive of an image that holds one program and the libraries that it links to at run time.
func writeImage(ctx context.Context, archive, ref, program string) (err error) {
	name := "/bin/" + filepath.Base(program)
	libraries, err := librariesOf(ctx, program)
	if err != nil {
		return err
	}
	files := []image.File{{Path: "/tmp", Mode: os.ModeDir | os.ModeSticky | 0o777}, {Path: name, Mode: 0o755, From: program}}
	if templates, err := filepath.Glob(Beside(program, "templates/*.tmpl")); err == nil {
		for _, file := range templates {
			files = append(files, image.File{Path: "/usr/share/prometheus/alertmanager/" + filepath.Base(file), Mode: 0o644, From: file})
		}
	}
	for _, l := range libraries {
		file, err := filepath.EvalSymlinks(l)
		if err != nil {
			return err
		}
		files = append(files, image.File{Path: l, Mode: 0o755, From: file})
	}
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return image.WriteArchive(out, ref, image.Image{
		Architecture: runtime.GOARCH, Entrypoint: []string{name}, User: "65534:65534", Files: files, Uncompressed: true,
	})
}

// librariesOf lists the shared libraries of a program, the loader among them; none for a static one.
func librariesOf(ctx context.Context, program string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "ldd", program).CombinedOutput()
	if strings.Contains(string(out), "not a dynamic executable") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	var libraries []string
	for line := range strings.Lines(string(out)) {
		for word := range strings.FieldsSeq(line) {
			if filepath.IsAbs(word) {
				libraries = append(libraries, word)
				break
			}
		}
	}
	return libraries, nil
}
