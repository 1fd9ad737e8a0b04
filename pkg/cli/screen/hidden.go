package screen

import (
	"bytes"
	"errors"
	"io"
)

// maxLine bounds a line that is typed without echo, in bytes. A terminal gives no longer ones (4096 on Linux).
const maxLine = 1 << 16

// ErrLong is the error of a line that is longer than any terminal gives.
var ErrLong = errors.New("the line is too long")

// Hidden is a terminal that does not show what is typed, from Hide until Restore.
type Hidden struct {
	read    func() ([]byte, error)
	restore func() error
}

// ReadLine returns a line without its end, in the terminal's own encoding; io.EOF where the input ends before its first
// byte: by Ctrl-D, or because the terminal is gone. A terminal's read cannot be interrupted: it may outlive Restore.
func (h *Hidden) ReadLine() ([]byte, error) {
	line, err := h.read()
	return unbracketed(line), err
}

// Restore makes the terminal what it was before Hide.
func (h *Hidden) Restore() error { return h.restore() }

// unbracketed leaves out the marks that a terminal puts around what is pasted (xterm, bracketed paste mode). It does that where a
// program that is gone has asked for it.
func unbracketed(line []byte) []byte {
	line = bytes.ReplaceAll(line, []byte("\x1b[200~"), nil)
	return bytes.ReplaceAll(line, []byte("\x1b[201~"), nil)
}

// lineOf reads up to the end of a line, byte by byte, for the next line is somebody else's. A read of nothing is the end.
func lineOf(read func([]byte) (int, error)) ([]byte, error) {
	var line []byte
	var b [1]byte
	for len(line) < maxLine {
		switch n, err := read(b[:]); {
		case err != nil:
			return nil, err
		case n == 0 && len(line) == 0:
			return nil, io.EOF
		case n == 0, b[0] == '\n':
			return line, nil
		}
		line = append(line, b[0])
	}
	return nil, ErrLong
}
