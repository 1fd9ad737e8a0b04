// Package version owns the version that the three programs say they are, and that names the sidecar's image.
package version

import (
	"runtime/debug"
	"strings"
)

// override is set by the linker for releases: -X github.com/kauth-dev/kauth/pkg/version.override=v1.2.3
var override string

// Development is the version of a build that knows of no other.
const Development = "v0.0.0-dev"

// String returns the version as a tag, such as v1.2.3: the one the linker set, else the one that the Go toolchain wrote
// into the binary, else Development. It holds only what an image tag may hold.
func String() string {
	v := override
	if info, ok := debug.ReadBuildInfo(); v == "" && ok && info.Main.Version != "(devel)" {
		v = info.Main.Version
	}
	if v == "" {
		v = Development
	}
	return strings.ReplaceAll(v, "+", "-")
}
