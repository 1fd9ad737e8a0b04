//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package screen

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Hide turns the echo of a terminal off. The terminal still edits the line, and makes signals of Ctrl-C and Ctrl-Z.
// That is what term.ReadPassword does, but for the end of the input: that reads on for ever (golang/x/term v0.47.0), so that
// Ctrl-D does nothing, and where the terminal is gone it keeps a core busy. term.Terminal knows the end, and takes the signals away.
func Hide(fd int) (*Hidden, error) {
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	hidden := *was
	hidden.Lflag &^= unix.ECHO | unix.ECHONL
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL | letters
	if err := unix.IoctlSetTermios(fd, setTermios, &hidden); err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	return &Hidden{
		read: func() ([]byte, error) {
			return lineOf(func(b []byte) (int, error) {
				for {
					n, err := unix.Read(fd, b)
					if errors.Is(err, unix.EINTR) {
						continue
					}
					return max(n, 0), err
				}
			})
		},
		restore: func() error {
			if err := unix.IoctlSetTermios(fd, setTermios, was); err != nil {
				return fmt.Errorf("terminal: %w", err)
			}
			return nil
		},
	}, nil
}
