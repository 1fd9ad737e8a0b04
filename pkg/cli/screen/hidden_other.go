//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package screen

import (
	"fmt"
	"time"

	"golang.org/x/term"
)

// Hide turns the echo of a terminal off, while a line is read. On Windows, term.ReadPassword knows the end of the input.
func Hide(fd int) (*Hidden, error) {
	state, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	return &Hidden{
		read: func() ([]byte, error) { return term.ReadPassword(fd) },
		restore: func() error {
			// Who reads yet may be about to turn the echo off; a second time undoes that.
			for range 2 {
				if err := term.Restore(fd, state); err != nil {
					return fmt.Errorf("terminal: %w", err)
				}
				<-time.After(20 * time.Millisecond)
			}
			return nil
		},
	}, nil
}
