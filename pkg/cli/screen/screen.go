// Package screen owns what a stream that people look at can show, and what a terminal is not to show.
package screen

import "golang.org/x/term"

// Terminal says whether a stream is a terminal on which the cursor can be moved: a dumb one (TERM=dumb) is none.
func Terminal(stream any, getenv func(string) string) bool {
	fd, ok := IsTerminal(stream)
	return ok && getenv("TERM") != "dumb" && understands(fd)
}

// Colors says whether a stream wants colours: it is such a terminal, of somebody who did not ask for none (no-color.org).
func Colors(stream any, getenv func(string) string) bool {
	return getenv("NO_COLOR") == "" && Terminal(stream, getenv)
}

// IsTerminal returns the descriptor of a stream, and whether it is a terminal of any kind.
func IsTerminal(stream any) (fd int, ok bool) {
	file, ok := stream.(interface{ Fd() uintptr })
	if !ok {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// The colours that terminals have (ECMA-48, Select Graphic Rendition).
const (
	Bold   = "1"
	Red    = "31"
	Green  = "32"
	Yellow = "33"
	Cyan   = "36"
)

// Paint gives a text a colour.
func Paint(color, text string) string { return "\x1b[" + color + "m" + text + "\x1b[0m" }
