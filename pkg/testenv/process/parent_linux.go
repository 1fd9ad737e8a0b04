package process

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel kill the process when this one ends, even when this one is killed itself.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
