// Command kubectl-basicauth is the kubectl plugin that manages the users of a gate: kubectl basicauth. Called as
// kubectl_complete-basicauth, it tells kubectl how a command line may go on.
package main

import (
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kauth-dev/kauth/pkg/cli/basicauth"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(basicauth.Main(basicauth.Signals(), basicauth.Args(os.Args), streams))
}
