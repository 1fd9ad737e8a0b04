// Command kauth-proxy is the sidecar: a reverse proxy that lets known users through to one application.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/kauth-dev/kauth/pkg/cli/proxy"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more must not take the gate down
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal ends the process at once
	os.Exit(proxy.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
