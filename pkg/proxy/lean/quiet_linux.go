package lean

import (
	"net"
	"syscall"
)

// An ear listens to one connection. It is made once for each, which costs less than for each request.
type ear struct {
	raw   syscall.RawConn
	peek  func(fd uintptr) bool
	first [1]byte
	idle  bool
}

func newEar(c net.Conn) *ear {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	e := &ear{raw: raw}
	e.peek = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), e.first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		e.idle = err == syscall.EAGAIN
		return true // never wait
	}
	return e
}

// quiet says whether nothing has come on an idle connection: neither its end, nor a word that would be taken for the answer
// to the next request, as the 408 that some servers send before they close.
func (e *ear) quiet() bool {
	if e == nil {
		return false
	}
	e.idle = false
	err := e.raw.Read(e.peek)
	return err == nil && e.idle
}
