package proxy

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/reload"
)

// streams is how many requests one HTTP/2 connection may have under way: what browsers are content with.
const streams = 100

// certificate follows the gate's certificate and its key, as cert-manager renews them.
type certificate struct {
	file    string
	watcher *reload.Watcher[*tls.Certificate]
	current atomic.Pointer[tls.Certificate]
	log     *slog.Logger
}

// newCertificate returns nil where the gate speaks plain HTTP.
func newCertificate(cfg gateconf.Config, log *slog.Logger) *certificate {
	if cfg.TLSCertFile == "" {
		return nil
	}
	c := &certificate{file: cfg.TLSCertFile, log: log}
	c.watcher = &reload.Watcher[*tls.Certificate]{
		Read: func() ([]byte, error) { return readPair(cfg.TLSCertFile, cfg.TLSKeyFile) }, Build: parsePair, OnChange: c.told,
	}
	return c
}

// readPair returns both files in one, the length of the first before it: they are one Secret, and neither half of the old
// one and half of the new one must ever be in force.
func readPair(certFile, keyFile string) ([]byte, error) {
	cert, err := reload.File(certFile)()
	if err != nil {
		return nil, err
	}
	key, err := reload.File(keyFile)()
	if err != nil {
		return nil, err
	}
	both := binary.BigEndian.AppendUint64(nil, uint64(len(cert)))
	return append(append(both, cert...), key...), nil
}

// parsePair reads what readPair wrote.
func parsePair(both []byte) (*tls.Certificate, error) {
	n := binary.BigEndian.Uint64(both)
	pair, err := tls.X509KeyPair(both[8:8+n], both[8+n:])
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// told puts a certificate in force and says it once. One that is gone stays: clients are better served by it than by none,
// and what it protects is not who gets in.
func (c *certificate) told(s reload.State[*tls.Certificate]) {
	switch pair := s.Value; {
	case pair != nil:
		c.current.Store(pair)
		if s.Err == nil {
			c.log.Info("certificate loaded", "file", c.file, "names", pair.Leaf.DNSNames, "until", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
			return
		}
		fallthrough
	case c.current.Load() != nil:
		c.log.Error("certificate cannot be used: the last good one stays in force", "file", c.file, "error", oneLine(s.Err))
	default:
		c.log.Error("no certificate: nobody can connect", "file", c.file, "error", oneLine(s.Err))
	}
}

// config is for the gate's listener: TLS 1.2 and up (RFC 8996), with HTTP/2.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := c.current.Load(); pair != nil {
				return pair, nil
			}
			return nil, errNoCertificate
		},
	}
}

var errNoCertificate = errors.New("no certificate yet")
