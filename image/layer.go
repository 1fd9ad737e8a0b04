package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

var epoch = time.Unix(0, 0).UTC()

// writeLayer writes the image's files as a tar: sorted by path, each folder before what is in it.
func (im Image) writeLayer(w io.Writer) error {
	tw := tar.NewWriter(w)
	for _, f := range withParents(im.Files) {
		if err := f.writeTo(tw); err != nil {
			return fmt.Errorf("files: %s: %w", f.Path, err)
		}
	}
	return tw.Close()
}

func withParents(files []File) []File {
	all, seen := slices.Clone(files), map[string]bool{"/": true}
	for _, f := range files {
		seen[f.Path] = true
	}
	for _, f := range files {
		for dir := path.Dir(f.Path); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			all = append(all, File{Path: dir, Mode: fs.ModeDir | 0o755})
		}
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return all
}

func (f File) writeTo(tw *tar.Writer) error {
	h := tar.Header{Name: strings.TrimPrefix(f.Path, "/"), Mode: tarMode(f.Mode), ModTime: epoch}
	switch {
	case f.Mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		return tw.WriteHeader(&h)
	case f.Link != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
		return tw.WriteHeader(&h)
	case f.From != "":
		return f.copyTo(tw, h)
	}
	return writeEntry(tw, h, bytes.NewReader(f.Data), int64(len(f.Data)))
}

func (f File) copyTo(tw *tar.Writer, h tar.Header) error {
	info, err := os.Stat(f.From) // before it is opened, which would wait for the other end of a pipe
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("from: %s is no regular file; name one", f.From)
	}
	src, err := os.Open(f.From)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // it was only read
	if info, err = src.Stat(); err != nil {
		return err
	}
	if err := writeEntry(tw, h, src, info.Size()); err != nil {
		return fmt.Errorf("from: %s: %w", f.From, err)
	}
	return nil
}

func writeEntry(tw *tar.Writer, h tar.Header, r io.Reader, size int64) error {
	h.Typeflag, h.Size = tar.TypeReg, size
	if err := tw.WriteHeader(&h); err != nil {
		return err
	}
	n, err := io.Copy(tw, r)
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && n != size {
		return fmt.Errorf("not the %d bytes that it had; it changed while it was read, try again", size)
	}
	return err
}

func tarMode(m fs.FileMode) int64 {
	mode := int64(m.Perm())
	for bit, is := range map[int64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&is != 0 {
			mode |= bit
		}
	}
	return mode
}
