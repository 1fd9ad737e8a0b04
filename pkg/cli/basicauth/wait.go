package basicauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/rest"

	"github.com/kauth-dev/kauth/pkg/cli/screen"
	"github.com/kauth-dev/kauth/pkg/inforce"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// waiting is what commands know that can wait until their change is in force.
type waiting struct {
	wait    bool
	timeout time.Duration
}

const waitHelp = `

With --wait the command returns when every gate that mounts the Secret goes by the change. Each gate is
asked itself, through port-forward, and an annotation on its pod has the kubelet bring the Secret at
once; so it needs the verbs list and patch on pods and create on pods/portforward. Gates that are
behind when the time is up are named, and the exit code is 1: the users are changed all the same. What
reads the users without a gate cannot be asked, and is named too.`

func (w *waiting) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.wait, "wait", false, "Return when every gate that mounts the Secret goes by the change; the pods' kubelets are asked to hurry")
	cmd.Flags().DurationVar(&w.timeout, "timeout", 2*time.Minute, "How long --wait waits")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.Flags().Changed("timeout") && !w.wait:
			return usagef("--timeout needs --wait")
		case w.timeout <= 0:
			return usagef("--timeout: %s; use more than 0, such as 2m", w.timeout)
		}
		return run(cmd, args)
	}
}

// await waits until the users that were stored are in force, where that was asked for. What it says goes to standard error:
// the other has the command's own output, which may be a password.
func (c *cluster) await(ctx context.Context, w *waiting, store *userstore.Store, stored userstore.Result) error {
	if !w.wait || store.DryRun != userstore.DryRunNone {
		return nil
	}
	config, err := c.restConfig()
	if err != nil {
		return err
	}
	config.WarningHandler = rest.NoWarnings{} // nothing is written but an annotation
	timed, cancel := context.WithTimeoutCause(ctx, w.timeout, fmt.Errorf("waited %s; kubectl basicauth verify says more, --timeout waits longer", w.timeout))
	defer cancel()
	progress, wipe := progressOn(c.ErrOut)
	start := time.Now()
	result, err := inforce.Wait(timed, inforce.Options{Config: config, Store: store, Text: stored.Text, Progress: progress})
	wipe()
	if behind, ok := errors.AsType[*inforce.BehindError](err); ok && ctx.Err() != nil {
		behind.Err = errors.New("interrupted")
	}
	if result == nil {
		return err
	}
	if result.Unnudged != nil {
		warn(c.ErrOut, "%v, so their kubelets were not asked to hurry", result.Unnudged)
	}
	const most = 10
	for _, o := range result.Unasked[:min(most, len(result.Unasked))] {
		warn(c.ErrOut, "not waited for: %s: %s", o.Ref, o.Why)
	}
	if more := len(result.Unasked) - most; more > 0 {
		warn(c.ErrOut, "not waited for: and %d more", more)
	}
	if err != nil {
		return err
	}
	if result.Gates == 0 {
		warn(c.ErrOut, "no gate that runs in namespace %s mounts %s, so there was none to wait for", store.Namespace, store.Ref())
		return nil
	}
	say(c.ErrOut, "in force at %s after %.1f s\n", number(result.Gates, "gate"), time.Since(start).Seconds())
	return nil
}

// number counts things: "1 gate", "2 gates".
func number(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// progressOn returns what shows the progress in one line of a terminal, however narrow, and what takes the line away.
// Elsewhere nothing is shown.
func progressOn(out io.Writer) (progress func(done, all int), wipe func()) {
	if !screen.Terminal(out, os.Getenv) {
		return nil, func() {}
	}
	fd, _ := screen.IsTerminal(out)
	shown := 0 // columns
	show := func(text string) {
		if width, _, err := term.GetSize(fd); err == nil && width > 0 {
			// The last column stays free: what is written there may take the next line, which \r does not come back from.
			text, shown = text[:min(len(text), width-1)], min(shown, width-1)
		}
		if shown > 0 {
			say(out, "\r%*s\r", shown, "")
		}
		say(out, "%s", text)
		shown = len(text)
	}
	return func(done, all int) {
		show(fmt.Sprintf("waiting: in force at %d of %s", done, number(all, "gate")))
	}, func() { show("") }
}
