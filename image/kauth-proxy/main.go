// Command kauth-proxy makes the image of the sidecar: it builds cmd/kauth-proxy for each platform and writes an OCI archive.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/mod/semver"

	"github.com/kauth-dev/kauth/image"
)

const usage = `Makes the image of the kauth-proxy sidecar as an OCI archive, without docker. The same source gives the same bytes.

Usage:
  go -C image run ./kauth-proxy -version v1.2.3 [flags]
  make image VERSION=v1.2.3

Flags:
`

type options struct {
	version    string
	arch       string
	out        string
	repository string
	source     string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)                             // from then on a second signal ends the process at once
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // this is main
}

// command is main without a process: it returns the exit code, 2 when the command line was wrong and 1 when the work failed.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	fs := flag.NewFlagSet("kauth-proxy", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.version, "version", "", "the `tag`, such as v1.2.3; kauth of that version injects it")
	fs.StringVar(&o.arch, "arch", strings.Join(architectures, ","), "build for these, a `list` with commas")
	fs.StringVar(&o.out, "o", "", "write this `file` (default dist/kauth-proxy-VERSION.oci.tar in the source tree)")
	fs.StringVar(&o.repository, "repository", "ghcr.io/kauth-dev/kauth-proxy", "the image's `name` without its tag")
	fs.StringVar(&o.source, "source", "..", "the `folder` of kauth's go.mod")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return help(stdout, fs)
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q; settings are written -name value", fs.Arg(0))
	case err == nil:
		err = o.validate()
	}
	code := 2
	if err == nil {
		code, err = 1, run(ctx, o, stdout, stderr)
	}
	if err != nil {
		_, _ = io.WriteString(stderr, "image: error: "+strings.ReplaceAll(err.Error(), "\n", "\nimage: error: ")+"\n")
		return code
	}
	return 0
}

func help(stdout io.Writer, fs *flag.FlagSet) int {
	var text strings.Builder
	text.WriteString(usage)
	fs.SetOutput(&text)
	fs.PrintDefaults()
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return 1
	}
	return 0
}

func (o *options) validate() error {
	if o.version == "" {
		return errors.New("version: not given; say make image VERSION=v1.2.3, or -version v1.2.3")
	}
	// A version in full, because kauth asks for the tag that its own version names.
	if !semver.IsValid(o.version) || semver.Canonical(o.version)+semver.Build(o.version) != o.version {
		return fmt.Errorf("version: %q is no version; write it like v1.2.3 or v1.2.3-rc.1", o.version)
	}
	var errs []error
	for _, arch := range o.list() {
		if !known(arch) {
			errs = append(errs, fmt.Errorf("arch: %q is not built; name some of %s", arch, strings.Join(architectures, ",")))
		}
	}
	if _, err := name.NewRepository(o.repository, name.StrictValidation); err != nil {
		errs = append(errs, fmt.Errorf("repository: %w; write registry/name in full", err))
	}
	if o.out == "" {
		o.out = filepath.Join(o.source, "dist", "kauth-proxy-"+o.tag()+".oci.tar")
	}
	return errors.Join(errs...)
}

func (o *options) list() []string { return strings.Split(o.arch, ",") }

// tag is the version as kauth-proxy itself and the injector spell it: an image's tag holds no plus sign.
func (o *options) tag() string { return strings.ReplaceAll(o.version, "+", "-") }

func run(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	out, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	images, clean, err := build(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer clean()
	a, err := image.Pack(o.repository+":"+o.tag(), images...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil { //nolint:gosec // no secret is made here
		return err
	}
	size, err := a.WriteFile(out)
	if err != nil {
		return err
	}
	return report(stdout, a, out, size)
}

// report prints what a person checks before a push: names, digests, sizes.
func report(w io.Writer, a *image.Archive, path string, size int64) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n", a.Ref)
	for _, p := range a.Platforms {
		fmt.Fprintf(&text, "  %-12s %s %s\n", p.Name, p.Digest, megabytes(p.Size))
	}
	if len(a.Platforms) > 1 {
		fmt.Fprintf(&text, "  %-12s %s\n", "index", a.Digest)
	}
	fmt.Fprintf(&text, "%s %s\n", path, megabytes(size))
	_, err := io.WriteString(w, text.String())
	return err
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
