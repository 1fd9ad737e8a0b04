package kauth

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestColors: explain has colours on a real terminal alone, and not where somebody asks for none.
func TestColors(t *testing.T) {
	for _, c := range []struct {
		name     string
		env      map[string]string
		terminal bool
		args     string
		want     bool
	}{
		{"terminal", map[string]string{"TERM": "xterm"}, true, "explain", true},
		{"terminal, empty NO_COLOR", map[string]string{"NO_COLOR": ""}, true, "explain", true},
		{"terminal, NO_COLOR", map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, true, "explain", false},
		{"dumb terminal", map[string]string{"TERM": "dumb"}, true, "explain", false},
		{"terminal, mermaid", nil, true, "explain -o mermaid", false},
		{"terminal, dot", nil, true, "explain -o dot", false},
		{"pipe", map[string]string{"TERM": "xterm"}, false, "explain", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := pty.Open
			if !c.terminal {
				open = os.Pipe
			}
			reader, writer, err := open()
			if err != nil {
				t.Fatal(err)
			}
			out := make(chan string)
			go func() {
				text, _ := io.ReadAll(reader) // a terminal ends with an error
				out <- string(text)
			}()
			var errs bytes.Buffer
			code := Main(Process{
				Args: strings.Fields(c.args), Stdin: strings.NewReader(deployment), Stdout: writer, Stderr: &errs,
				Getenv: func(key string) string { return c.env[key] },
			})
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
			text := <-out
			if err := reader.Close(); err != nil {
				t.Fatal(err)
			}
			if code != 0 || !strings.Contains(text, "prom") {
				t.Fatalf("exit code %d, %q, %s", code, text, errs.String())
			}
			if got := strings.Contains(text, "\x1b["); got != c.want {
				t.Errorf("colours: %t, want %t", got, c.want)
			}
		})
	}
}
