package proxy

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// How often a gate that is to end looks whether its upstream has.
const endPoll = 100 * time.Millisecond

// end returns a channel that is closed when the upstream takes no connections any more. Both get their SIGTERM
// at the same time, unless the application has a preStop hook: how long routes take to be withdrawn is what its author
// thought of, so the gate lasts as long as it does. Anything but a refusal, such as a full queue, means that it is there.
func (up *upstream) end(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		for {
			conn, err := up.dialer.DialContext(ctx, "tcp", up.address)
			switch {
			case errors.Is(err, syscall.ECONNREFUSED):
				close(ended)
				return
			case err == nil:
				_ = conn.Close() // nothing was written
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(endPoll):
			}
		}
	}()
	return ended
}

func (s *Server) drain() {
	defer s.cut()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.ShutdownTimeout)
	defer cancel()
	err := s.servers[0].Shutdown(ctx)
	if s.front != nil {
		err = errors.Join(err, s.front.Wait(ctx))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests cut off", "requests", s.gate.underWay.Load(), "after", s.cfg.ShutdownTimeout.String())
	}
	// Upgraded connections are no longer the server's; ending their context closes them. Their handlers then write
	// their log lines, and those of the requests cut off too.
	s.cut()
	_ = s.servers[0].Close() // what is left is cut off on purpose
	if s.front != nil {
		s.front.Cut()
	}
	for end := time.Now().Add(cutTimeout); s.gate.underWay.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // bounded, at the end of the process
	}
	_ = s.servers[1].Close()
	s.log.Info("stopped")
}
