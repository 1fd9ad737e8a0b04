package lean

import (
	"net"
	"syscall"
)

// quiet says whether nothing has come on an idle connection: neither its end, nor a word that would be taken for the answer
// to the next request, as the 408 that some servers send before they close.
func quiet(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	idle := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		idle = err == syscall.EAGAIN
		return true // never wait
	})
	return err == nil && idle
}
