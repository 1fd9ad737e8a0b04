package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// WriteTo writes the archive. It may be called any number of times until Close, and writes the same each time.
func (a *Archive) WriteTo(w io.Writer) (int64, error) {
	out := &counter{w: w}
	tw := tar.NewWriter(out)
	for _, dir := range []string{"blobs/", "blobs/sha256/"} { // they sort before all that follows
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: epoch}); err != nil {
			return out.n, err
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(a.entries)) {
		b := a.entries[entry]
		if err := writeEntry(tw, tar.Header{Name: entry, Mode: 0o644, ModTime: epoch}, b.reader(), b.desc.Size); err != nil {
			return out.n, fmt.Errorf("image %s: %s: %w", a.Ref, entry, err)
		}
	}
	return out.n, tw.Close()
}

// WriteFile puts the archive at path, and returns its size in bytes. The file is there whole or, after an error, as it was
// before: a new one is written beside it and renamed.
func (a *Archive) WriteFile(path string) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // it may be closed
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if size, err = a.WriteTo(f); err != nil {
		return size, err
	}
	if err := f.Chmod(0o644); err != nil { // others may read it, as any file that a build makes
		return size, err
	}
	if err := f.Sync(); err != nil {
		return size, err
	}
	if err := f.Close(); err != nil {
		return size, err
	}
	return size, os.Rename(f.Name(), path)
}

// Close gives back what the archive holds. The archives that it has written stay.
func (a *Archive) Close() error {
	var errs []error
	for _, b := range a.entries {
		errs = append(errs, b.close())
	}
	a.entries = nil
	return errors.Join(errs...)
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
