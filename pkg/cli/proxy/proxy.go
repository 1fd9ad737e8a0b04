// Package proxy owns the command line of kauth-proxy: flags to gateconf.Config, one call, printing, exit codes.
package proxy

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/proxy"
	"github.com/kauth-dev/kauth/pkg/version"
)

// Exit codes, as all of kauth's programs use them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `kauth-proxy puts a login in front of one application.

Usage:
  kauth-proxy --upstream=http://127.0.0.1:9090 --users-file=/etc/kauth/users/auth [flags]
  kauth-proxy --check [flags]    say whether these settings and the files they name are good, and exit
  kauth-proxy --version

The users file is htpasswd text. It is followed: a change is in force within a second, without a restart.
SIGTERM drains and ends; a second one ends at once.

Flags:
`

// Main runs kauth-proxy until ctx ends, and returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg := gateconf.Defaults()
	fs := flag.NewFlagSet(gateconf.ContainerName, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	cfg.Flags(fs)
	check := fs.Bool("check", false, "say whether the settings and the files they name are good, and exit")
	showVersion := fs.Bool("version", false, "print the version and exit")

	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printUsage(stdout, fs)
		return exitDone
	case err != nil:
	case fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q; settings are written --name=value", fs.Arg(0))
	case *showVersion:
		fmt.Fprintln(stdout, gateconf.ContainerName, version.String())
		return exitDone
	default:
		err = cfg.Validate()
	}
	if err != nil {
		printError(stderr, err)
		fmt.Fprintln(stderr, "kauth-proxy: hint: kauth-proxy -h lists the flags")
		return exitUsage
	}

	if *check {
		err = proxy.Check(cfg, stdout)
	} else {
		limitMemory()
		paceCollector()
		err = proxy.Run(ctx, cfg, proxy.Options{Log: stderr, Version: version.String()})
	}
	if err != nil {
		printError(stderr, err)
		return exitFailed
	}
	return exitDone
}

// printError prints a line for each of joined errors.
func printError(w io.Writer, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(w, "kauth-proxy: error: %s\n", line)
	}
}

func printUsage(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprint(w, usage)
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %s\n      %s", strings.TrimSpace("--"+f.Name+" "+value), text)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
}
