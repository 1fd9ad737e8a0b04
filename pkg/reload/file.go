package reload

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// MaxSize is the largest file in bytes that File reads; a Secret holds at most 1 MiB.
const MaxSize = 16 << 20

// File returns a Read for a Watcher that reads the file at path, following symlinks. A file over MaxSize is an error,
// and so is one that is no regular file, which might block or never end.
func File(path string) func() ([]byte, error) {
	return func() ([]byte, error) {
		// Not blocking, or opening a FIFO would wait for somebody to write into it. What is looked at is what was opened: a
		// path may change its meaning between two calls.
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read from
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: not a regular file", path)
		}
		content := make([]byte, 0, min(info.Size(), MaxSize)+512)
		for {
			n, err := f.Read(content[len(content):cap(content)])
			content = content[:len(content)+n]
			switch {
			case len(content) > MaxSize:
				return nil, fmt.Errorf("%s: over %d bytes; is it the right file?", path, MaxSize)
			case err == io.EOF:
				return content, nil
			case err != nil:
				return nil, err
			case len(content) == cap(content):
				content = append(content, 0)[:len(content)]
			}
		}
	}
}
