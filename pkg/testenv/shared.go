package testenv

import (
	"sync"
	"testing"
)

// A SharedServer is one Server for all tests of a package, which starts when the first of them asks for it. They keep apart by
// namespaces of their own.
type SharedServer struct {
	once   sync.Once
	dir    string
	server *Server
	err    error
}

// Main runs a package's tests for its TestMain, ends the Server, and returns the code to exit with.
func (s *SharedServer) Main(m *testing.M) int {
	return Main(m, &s.dir, func() {
		if s.server != nil {
			s.server.Stop()
		}
	})
}

// Dir is a folder of the package's tests, which is removed when they are done.
func (s *SharedServer) Dir() string { return s.dir }

// Server returns the Server. It skips, or fails, as Tool does when there is no "kube".
func (s *SharedServer) Server(tb testing.TB) *Server {
	tb.Helper()
	Tool(tb, "kube")
	s.once.Do(func() { s.server, s.err = StartAPIServer(s.dir) })
	if s.err != nil {
		tb.Fatal(s.err)
	}
	return s.server
}
