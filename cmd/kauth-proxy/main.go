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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal ends the process at once
	os.Exit(proxy.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
