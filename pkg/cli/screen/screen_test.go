package screen

import (
	"bytes"
	"os"
	"testing"

	"github.com/creack/pty"
)

func TestScreen(t *testing.T) {
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer tty.Close()
	_, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	for _, c := range []struct {
		name             string
		stream           any
		env              map[string]string
		terminal, colors bool
	}{
		{"terminal", tty, map[string]string{"TERM": "xterm"}, true, true},
		{"without TERM", tty, nil, true, true},
		{"empty NO_COLOR", tty, map[string]string{"NO_COLOR": ""}, true, true},
		{"NO_COLOR", tty, map[string]string{"NO_COLOR": "0"}, true, false},
		{"dumb", tty, map[string]string{"TERM": "dumb"}, false, false},
		{"pipe", pipe, map[string]string{"TERM": "xterm"}, false, false},
		{"memory", &bytes.Buffer{}, map[string]string{"TERM": "xterm"}, false, false},
	} {
		getenv := func(key string) string { return c.env[key] }
		if got := Terminal(c.stream, getenv); got != c.terminal {
			t.Errorf("%s: a terminal: %t", c.name, got)
		}
		if got := Colors(c.stream, getenv); got != c.colors {
			t.Errorf("%s: colours: %t", c.name, got)
		}
	}
}
