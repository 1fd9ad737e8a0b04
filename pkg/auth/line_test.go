package auth

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// However a line is printed or logged, alone or in what carries it, it does not show.
func TestLineDoesNotShow(t *testing.T) {
	l := LineOf("alice", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=")
	d := Decision{Line: l}
	var said bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&said, nil), slog.NewTextHandler(&said, nil)} {
		slog.New(handler).Info("x", "line", l, "decision", d)
	}
	for verb := range strings.FieldsSeq("%v %+v %#v %s %x %X %q %d") {
		fmt.Fprintf(&said, verb+"\n"+verb+"\n", l, d)
	}
	text, err := json.Marshal([]any{l, d})
	if err != nil {
		t.Fatal(err)
	}
	said.Write(text)
	for _, shown := range []string{hex.EncodeToString(l[:8]), strings.ToUpper(hex.EncodeToString(l[:8])), fmt.Sprintf("%d %d %d", l[0], l[1], l[2]), fmt.Sprintf("%d,%d,%d", l[0], l[1], l[2]), fmt.Sprintf("%#x, %#x", l[0], l[1])} {
		if strings.Contains(said.String(), shown) {
			t.Errorf("%s shows in %s", shown, said.String())
		}
	}
	if !strings.Contains(said.String(), "a line") {
		t.Errorf("nothing was said: %s", said.String())
	}
}

func TestNoTwoLinesAreOne(t *testing.T) {
	seen := map[Line]string{{}: "the zero line"}
	for _, l := range [][2]string{{"alice", "x"}, {"bob", "x"}, {"alice", "y"}, {"alic", "ex"}, {"alicex", ""}, {"", "alicex"}, {"", ""}, {strings.Repeat("a", 600), "x"}} {
		line := LineOf(l[0], l[1])
		if other := seen[line]; other != "" {
			t.Errorf("%q is %s", l, other)
		}
		seen[line] = fmt.Sprintf("%q", l)
	}
}
