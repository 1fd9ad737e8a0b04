// Package image owns how container images are made without docker: files and a configuration in, an OCI archive out.
//
// The same input gives the same archive, byte for byte, whatever the machine, the user, the folder or the day: entries are
// sorted, belong to root and date from 1970. It is an OCI image layout in one tar, which containerd, podman and skopeo read, and
// crane once unpacked. With a single image it is what docker save writes, too, for docker without containerd's store, and crane.
package image

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

const osName = "linux"

// File is one entry of an image's file system. It belongs to root and has exactly one source: Data, From or Link; a directory,
// whose Mode has fs.ModeDir, has none. Folders above it need not be listed: they are made with mode 0755.
type File struct {
	Path string      // where it is in the image: clean and absolute
	Mode fs.FileMode // such as 0o755; 0 for a link
	Data []byte      // the content; not nil, but it may be empty
	From string      // a regular file on this machine that holds the content; read when packed, never held in memory
	Link string      // what a symbolic link points at
}

// Image is what one platform runs. The operating system is always linux.
type Image struct {
	Architecture string // as Go names it, such as amd64
	Entrypoint   []string
	Env          []string // NAME=value
	User         string   // such as 65532:65532; only a number can be checked by runAsNonRoot
	WorkingDir   string
	Labels       map[string]string // those named org.opencontainers.image.* are the manifest's annotations too
	Ports        []string          // such as 8080 or 53/udp
	Files        []File
	Uncompressed bool // store the files as they are: larger, but packed in no time
}

// validateAll returns all that is wrong with an archive of these images.
func validateAll(ref string, images []Image) error {
	var errs []error
	if _, err := name.NewTag(ref, name.StrictValidation); err != nil {
		errs = append(errs, fmt.Errorf("image %q: reference: %w; write registry/repository:tag in full", ref, err))
	}
	if len(images) == 0 {
		errs = append(errs, fmt.Errorf("image %s: no image; give one for each platform", ref))
	}
	seen := map[string]bool{}
	for i, im := range images {
		where := fmt.Sprintf("image %s: [%d] %s/%s", ref, i, osName, im.Architecture)
		switch {
		case im.Architecture == "" || strings.Trim(im.Architecture, "abcdefghijklmnopqrstuvwxyz0123456789") != "":
			errs = append(errs, fmt.Errorf("%s: architecture: not one that Go knows; say amd64 or arm64", where))
		case seen[im.Architecture]:
			errs = append(errs, fmt.Errorf("%s: architecture: named before; give one image for each platform", where))
		}
		seen[im.Architecture] = true
		for _, err := range slices.Concat(im.configErrors(), im.fileErrors()) {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
	}
	return errors.Join(errs...)
}

func (im Image) configErrors() []error {
	var errs []error
	for _, e := range im.Env {
		if i := strings.IndexByte(e, '='); i < 1 || strings.ContainsRune(e, 0) {
			errs = append(errs, fmt.Errorf("env: %q is no variable; write NAME=value", e))
		}
	}
	if im.WorkingDir != "" && !cleanAbsolute(im.WorkingDir) {
		errs = append(errs, fmt.Errorf("working directory: %q is not clean and absolute; write it like /data", im.WorkingDir))
	}
	for _, p := range im.Ports {
		number, protocol, _ := strings.Cut(exposed(p), "/")
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || n == 0 || number[0] == '+' || !slices.Contains([]string{"tcp", "udp", "sctp"}, protocol) {
			errs = append(errs, fmt.Errorf("ports: %q is no port; write it like 8080 or 53/udp", p))
		}
	}
	return errs
}

// exposed is a port as the configuration spells it.
func exposed(port string) string {
	if strings.Contains(port, "/") {
		return port
	}
	return port + "/tcp"
}

func (im Image) fileErrors() []error {
	var errs []error
	byPath := map[string]File{}
	for _, f := range im.Files {
		if _, twice := byPath[f.Path]; twice {
			errs = append(errs, fmt.Errorf("files: %s: listed twice; keep one", f.Path))
		}
		byPath[f.Path] = f
		if err := f.validate(); err != nil {
			errs = append(errs, fmt.Errorf("files: %q: %w", f.Path, err))
		}
	}
	for _, p := range slices.Sorted(maps.Keys(byPath)) {
		for dir := path.Dir(p); dir != "/" && dir != "."; dir = path.Dir(dir) {
			if f, ok := byPath[dir]; ok && !f.Mode.IsDir() {
				errs = append(errs, fmt.Errorf("files: %q: lies below %s, which is no directory; move one of the two", p, dir))
			}
		}
	}
	return errs
}

func (f File) validate() error {
	sources := 0
	for _, has := range []bool{f.Data != nil, f.From != "", f.Link != "", f.Mode.IsDir()} {
		if has {
			sources++
		}
	}
	const settable = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	switch {
	case !cleanAbsolute(f.Path) || f.Path == "/":
		return errors.New("path: not clean and absolute; write it like /etc/hosts")
	case strings.Contains(f.Path, "/.wh."): // https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
		return errors.New("path: a name that starts with .wh. means a removal in a layer; choose another")
	case sources != 1:
		return fmt.Errorf("%d sources; give one of data, from and link, or none for a directory", sources)
	case f.Link != "" && f.Mode&^fs.ModeSymlink != 0:
		return errors.New("mode: a link has none; leave it 0")
	case f.Link == "" && f.Mode&^(settable|fs.ModeDir) != 0:
		return fmt.Errorf("mode: %v is neither a file nor a directory; give permission bits, and fs.ModeDir for a directory", f.Mode)
	case f.Link == "" && f.Mode&settable == 0:
		return errors.New("mode: nobody may do anything; say which, such as 0o644 or 0o755")
	case strings.ContainsRune(f.Link, 0):
		return errors.New("link: holds a zero byte; name a path")
	}
	return nil
}

func cleanAbsolute(p string) bool {
	return path.IsAbs(p) && path.Clean(p) == p && !strings.ContainsRune(p, 0)
}
