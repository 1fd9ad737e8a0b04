//go:build !linux

package lean

import "net"

// An ear would listen to a connection, which cannot be done here without waiting: no connection is used twice.
type ear struct{}

func newEar(net.Conn) *ear { return nil }

func (*ear) quiet() bool { return false }
