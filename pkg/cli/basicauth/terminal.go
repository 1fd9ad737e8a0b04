package basicauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kauth-dev/kauth/pkg/cli/screen"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// tries is how often a prompt asks again.
const tries = 3

// maxStdin bounds what --password-stdin reads, in bytes: far more than any password.
const maxStdin = 4096

// terminal returns the file descriptor of standard input when it is a terminal.
func (c *cluster) terminal() (int, bool) { return screen.IsTerminal(c.In) }

// promptNew asks for a new password twice, again where the two differ or the password will not do.
func (c *cluster) promptNew(ctx context.Context, user string) (string, error) {
	for try := 1; ; try++ {
		first, err := c.prompt(ctx, fmt.Sprintf("New password for user %q: ", user))
		if err != nil {
			return "", err
		}
		var problem string
		if _, err := userstore.CleanPassword(first); err != nil {
			problem = err.Error()
		} else {
			second, err := c.prompt(ctx, "The same password again: ")
			if err != nil {
				return "", err
			}
			if first == second {
				return first, nil
			}
			problem = "the two passwords differ"
		}
		if try == tries {
			return "", errors.New(problem + "; nothing was changed")
		}
		say(c.ErrOut, "%s; try again\n", problem)
	}
}

// prompt reads one line without echo. When ctx ends, it restores the terminal and returns; the reading goroutine
// stays behind until the process ends, since a terminal's read cannot be interrupted.
func (c *cluster) prompt(ctx context.Context, text string) (_ string, err error) {
	fd, ok := c.terminal()
	if !ok {
		return "", errors.New("standard input is not a terminal, so nobody can be asked for a password; use --password-stdin")
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	hidden, err := screen.Hide(fd)
	if err != nil {
		return "", err
	}
	defer func() {
		err = cmp.Or(err, hidden.Restore())
		say(c.ErrOut, "\n") // what the person typed was not shown
	}()
	say(c.ErrOut, "%s", text)
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := hidden.ReadLine()
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		if errors.Is(a.err, io.EOF) {
			return "", errors.New("no password given; nothing was changed")
		}
		if a.err != nil {
			return "", fmt.Errorf("terminal: %w", a.err)
		}
		return string(a.line), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// stdinPassword reads all of standard input and removes one newline, \n or \r\n, from its end.
func (c *cluster) stdinPassword() (string, error) {
	data, err := io.ReadAll(io.LimitReader(c.In, maxStdin+1))
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	if len(data) > maxStdin {
		return "", fmt.Errorf("standard input: over %d bytes; --password-stdin takes one password", maxStdin)
	}
	text := string(data)
	if line, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(line, "\r")
	}
	if strings.Contains(text, "\n") {
		return "", errors.New("standard input: several lines; --password-stdin takes one password")
	}
	return text, nil
}
