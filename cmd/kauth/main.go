// Command kauth puts a login in front of workloads that have none: Helm post-renderer and plain pipe.
package main

import (
	"os"

	"github.com/kauth-dev/kauth/pkg/cli/kauth"
)

func main() { os.Exit(kauth.Main(kauth.OS())) }
