// Command kubectl-basicauth is the kubectl plugin that manages the users of a gate: kubectl basicauth. Called as
// kubectl_complete-basicauth, it tells kubectl how a command line may go on.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kauth-dev/kauth/pkg/cli/basicauth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal ends the process at once
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(basicauth.Main(ctx, basicauth.Args(os.Args), streams))
}
