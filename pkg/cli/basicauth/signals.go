package basicauth

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals returns the context of a program's one command line, which ends when the program is interrupted or told to end. A second
// such signal ends the program at once. A pipe that nobody reads any more is an error of who writes to it, and no end of the
// program: it could not say what became of a password that nobody has read.
func Signals() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // not signal.Ignore, which programs that log in for the kubeconfig would inherit
	return ctx
}
