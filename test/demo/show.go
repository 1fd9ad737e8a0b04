package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"golang.org/x/term"
)

var colour = term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == ""

// paint wraps text in an ANSI colour where the output is a terminal.
func paint(code, text string) string {
	if !colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func heading(text string) { fmt.Println("\n" + paint("1", text)) }

func note(text string) { fmt.Println("  " + paint("2", text)) }

func prompt(command string) { fmt.Println("  " + paint("36", "$ "+command)) }

// indent prints text below a prompt, with the colours of a diff.
func indent(text []byte) {
	for line := range bytes.Lines(bytes.TrimRight(text, "\n")) {
		shown := strings.TrimRight(string(line), "\n")
		switch {
		case strings.HasPrefix(shown, "+"):
			shown = paint("32", shown)
		case strings.HasPrefix(shown, "-"):
			shown = paint("31", shown)
		}
		fmt.Println("    " + shown)
	}
}

// wrap joins words into lines of at most 110 characters, all but the last of which end in end.
func wrap(words []string, end string) string {
	var text strings.Builder
	column := 0
	for i, word := range words {
		switch {
		case i == 0:
		case column+len(word) > 110:
			text.WriteString(end + "\n      ")
			column = 6
		default:
			text.WriteString(strings.TrimSuffix(end, "\\") + " ")
			column++
		}
		text.WriteString(word)
		column += len(word)
	}
	return strings.ReplaceAll(text.String(), "  --", " --")
}

// A client is a person with curl.
type client struct{ base, user, password, accept string }

// A reply is what came back, read to its end.
type reply struct {
	proto, status string
	code          int
	header        http.Header
	body          []byte
}

// get asks once, without following redirects.
func (c client) get(ctx context.Context, path string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return reply{}, err
	}
	if c.user != "" {
		r.SetBasicAuth(c.user, c.password)
	}
	if c.accept != "" {
		r.Header.Set("Accept", c.accept)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return reply{response.Proto, response.Status, response.StatusCode, response.Header, body}, err
}

// show asks as curl would, prints what matters of the answer, and returns an error unless it has the wanted status.
func (c client) show(ctx context.Context, path string, want int) error {
	command := "curl"
	if c.user != "" {
		command += " -u " + c.user + ":" + c.password
	}
	if c.accept != "" {
		command += " -H 'Accept: " + c.accept + "'"
	}
	prompt(command + " '" + c.base + path + "'")
	got, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	good := "32"
	if got.code >= http.StatusBadRequest {
		good = "31"
	}
	fmt.Println("    " + paint(good, got.proto+" "+got.status))
	for _, name := range []string{"Www-Authenticate", "Retry-After"} {
		if v := got.header.Get(name); v != "" {
			fmt.Printf("    %s: %s\n", name, v)
		}
	}
	if text := summary(got.header.Get("Content-Type"), got.body); text != "" {
		fmt.Println("    " + text)
	}
	if got.code != want {
		return fmt.Errorf("%s answered %s, want %d", path, got.status, want)
	}
	return nil
}

// wait asks until the answer has the wanted status.
func (c client) wait(ctx context.Context, path string, want int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		got, err := c.get(ctx, path)
		if err == nil && got.code == want {
			return nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("%s answers %s, want %d", path, got.status, want)
			}
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

var (
	unseen  = regexp.MustCompile(`(?s)<(style|script|head)\b.*?</(style|script|head)>|<!--.*?-->`)
	tags    = regexp.MustCompile(`<[^>]*>`)
	pageTop = regexp.MustCompile(`(?s)<title>(.*?)</title>`)
)

// summary returns what a person would read of a page, in one line.
func summary(contentType string, body []byte) string {
	text := string(body)
	if strings.HasPrefix(contentType, "text/html") {
		title := ""
		if m := pageTop.FindStringSubmatch(text); m != nil {
			title = strings.TrimSpace(m[1])
		}
		text = tags.ReplaceAllString(unseen.ReplaceAllString(text, " "), " ")
		text = fmt.Sprintf("page %q, %d bytes: %s", title, len(body), text)
	}
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 240 {
		text = string(r[:240]) + "..."
	}
	return text
}
