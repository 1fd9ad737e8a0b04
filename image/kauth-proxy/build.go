package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/kauth-dev/kauth/image"
)

var architectures = []string{"amd64", "arm64"}

func known(arch string) bool { return slices.Contains(architectures, arch) }

const (
	user = "65532" // "nonroot", as images without a distribution number it
	home = "https://github.com/kauth-dev/kauth"

	passwd = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:" + user + ":" + user + ":nonroot:/:/sbin/nologin\n"
	group  = "root:x:0:\nnonroot:x:" + user + ":\n"
)

// build compiles the sidecar for each architecture and returns their images, which are good until clean is called.
func build(ctx context.Context, o options, stderr io.Writer) (images []image.Image, clean func(), err error) {
	dir, err := os.MkdirTemp("", "kauth-image-*")
	if err != nil {
		return nil, nil, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	if dir, err = filepath.Abs(dir); err != nil { // go build runs in another folder, and TMPDIR may be relative
		clean()
		return nil, nil, err
	}
	for _, arch := range o.list() {
		program := filepath.Join(dir, "kauth-proxy-"+arch)
		if err := compile(ctx, o, arch, program, stderr); err != nil {
			clean()
			return nil, nil, fmt.Errorf("linux/%s: %w", arch, err)
		}
		images = append(images, sidecar(o, arch, program))
	}
	return images, clean, nil
}

// compile is `make build` for another platform, without what the machine or its owner set for their own builds.
func compile(ctx context.Context, o options, arch, out string, stderr io.Writer) error {
	ldflags := "-s -w -X github.com/kauth-dev/kauth/pkg/version.override=" + o.version
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", out, "./cmd/kauth-proxy")
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.source, stderr, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it stops its compilers
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off",
		"GOWORK=off", "GOFLAGS=-trimpath", // not empty, which would mean those of go env -w
		"GOTMPDIR="+filepath.Dir(out)) // removed with the rest, also when it was interrupted
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("go build ./cmd/kauth-proxy in %s: %w; see above", o.source, err)
	}
	return err
}

// sidecar is the image of one platform. The injector gives it only arguments and runs it on a read-only root, with a folder of
// users mounted; it needs no shell, and no folder to write to.
func sidecar(o options, arch, program string) image.Image {
	return image.Image{
		Architecture: arch,
		Entrypoint:   []string{"/kauth-proxy"},
		User:         user + ":" + user, // in digits, or runAsNonRoot refuses it
		WorkingDir:   "/",
		Ports:        []string{"8181", "8182"}, // what gateconf has by default
		Labels: map[string]string{
			"org.opencontainers.image.title":       "kauth-proxy",
			"org.opencontainers.image.description": "The sidecar of kauth: a reverse proxy that asks for a password",
			"org.opencontainers.image.version":     o.tag(),
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.source":      home,
			"org.opencontainers.image.url":         home,
		},
		Files: []image.File{
			{Path: "/kauth-proxy", Mode: 0o755, From: program},
			{Path: "/LICENSE", Mode: 0o644, From: filepath.Join(o.source, "LICENSE")},
			{Path: "/etc/passwd", Mode: 0o644, Data: []byte(passwd)},
			{Path: "/etc/group", Mode: 0o644, Data: []byte(group)},
			{Path: "/etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Data: roots()},
		},
	}
}

// roots are the certificate authorities that Mozilla trusts, as go.sum pins them: those of the machine would differ from one to
// the next. The few that are trusted only for certificates up to some day are left out, for the file cannot say so.
func roots() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}
