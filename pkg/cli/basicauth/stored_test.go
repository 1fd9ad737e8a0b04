package basicauth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// closed is what a command prints to in a pipe that Ctrl-C ends: it learns of both at once.
type closed struct{ interrupt context.CancelFunc }

func (c closed) Write([]byte) (int, error) {
	c.interrupt()
	return 0, errors.New("broken pipe")
}

// Who interrupts a command that cannot print what it has done is not told that nothing was done.
func TestInterruptedWhilePrinting(t *testing.T) {
	config := ownConfig(t, "while-printing")
	run := func(interrupt bool, args ...string) (int, string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out, errOut strings.Builder
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
		if interrupt {
			streams.Out = closed{cancel}
		}
		code := Main(ctx, append(args, "--kubeconfig", config), streams)
		return code, errOut.String()
	}
	if code, said := run(false, "user", "add", "alice", "--hash", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="); code != exitDone {
		t.Fatal(said)
	}
	if code, said := run(true, "header", "rotate", "origin"); code != exitFailed || !strings.HasSuffix(said, "error: standard output: broken pipe; the new value counts all the same, rotate again for another one\n") {
		t.Errorf("%d: %s", code, said)
	}
	if code, said := run(true, "user", "remove", "alice"); code != exitFailed || !strings.HasSuffix(said, "error: standard output: broken pipe; what was asked for is done all the same\n") {
		t.Errorf("%d: %s", code, said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errOut strings.Builder
	code := Main(ctx, []string{"user", "list", "--kubeconfig", config}, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &errOut, ErrOut: &errOut})
	if want := "error: interrupted; nothing was changed\n"; code != exitFailed || errOut.String() != want {
		t.Errorf("%d: %s", code, errOut.String())
	}
}
