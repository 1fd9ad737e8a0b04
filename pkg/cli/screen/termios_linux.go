package screen

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
	letters    = unix.IUTF8 // backspace takes a letter back, not a byte; passwords are UTF-8
)
