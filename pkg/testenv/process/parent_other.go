//go:build !linux

package process

import "os/exec"

// dieWithParent does nothing where the kernel offers no such thing; Stop still ends the process.
func dieWithParent(*exec.Cmd) {}
