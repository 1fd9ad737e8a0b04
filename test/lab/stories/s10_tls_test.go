//go:build linux

package stories

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/testenv/pki"
)

// TLS from a Secret: without it nobody gets in, not even in plain text; with it the kubelet and Traefik speak HTTPS to the
// gate; a renewed certificate is in force without a restart and without a failed request.
func TestTLS(t *testing.T) {
	withEachHelm(t, 10, "TLS from a Secret", func(s *story, h *helm) {
		alice := login{"alice", "correct horse"}
		page := "http://" + s.host() + "/version"
		s.addUser(alice.user, alice.password)
		h.run("install", "web", chart("web"), "--set", "host="+s.host(), "--post-renderer", "kauth", "--post-renderer-args", "--tls-secret=web-tls")
		s.until("the gate to run", func() error { return s.gateSays("app=web", `"serving":true`)() })
		s.must(func() error {
			if err := s.podsReady("app=web", 1); err == nil {
				return errors.New("the pod is Ready without a certificate")
			}
			_, err := s.certificate()
			if err == nil {
				return errors.New("a handshake without a certificate")
			}
			return nil
		}, answers("http://"+s.podIP("app=web")+":8181/version", alice, 400), func() error { return s.neverPlain(page, alice) })

		authority, err := pki.NewAuthority()
		if err != nil {
			s.Fatal(err)
		}
		s.certify(authority, "first")
		s.figure("pod Ready", s.until("pod Ready", func() error { return s.podsReady("app=web", 1) }))
		s.until("a gate through Traefik", answers(page, nobody, 401))
		s.must(answers(page, alice, 200), s.shows("first"), answers("http://"+s.host()+"/health", nobody, 200))
		gate := s.container("app=web", "kauth-proxy")

		l := s.startLoad(page, alice)
		s.until("load", l.answered("1", loadRate))
		s.certify(authority, "second")
		s.figure("new certificate in force", s.until("the new certificate", s.shows("second")))
		s.until("load", l.answered("1", l.mark()["1"]+loadRate))
		s.mustLoseNothing(l)
		if now := s.container("app=web", "kauth-proxy"); now != gate {
			s.Fatalf("the gate was started again: %v, %v", gate, now)
		}
	})
}

// certify puts a certificate of an organization into the Secret, as cert-manager does.
func (s *story) certify(authority *pki.Authority, organization string) {
	s.Helper()
	pair, err := authority.Issue(pkix.Name{Organization: []string{organization}}, s.host())
	if err != nil {
		s.Fatal(err)
	}
	dir := s.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := errors.Join(os.WriteFile(cert, pair.Cert, 0o600), os.WriteFile(key, pair.Key, 0o600)); err != nil {
		s.Fatal(err)
	}
	s.kubectl(s.kubectl("", "create", "secret", "tls", "web-tls", "--cert="+cert, "--key="+key, "--dry-run=client", "-o", "yaml"), "apply", "-f", "-")
}

// certificate is the organization of the certificate that the gate shows on a new connection.
func (s *story) certificate() (string, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	conn, err := tls.DialWithDialer(dialer, "tcp", net.JoinHostPort(s.podIP("app=web"), "8181"), &tls.Config{InsecureSkipVerify: true, ServerName: s.host()})
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].Subject.Organization[0], nil
}

func (s *story) shows(organization string) func() error {
	return func() error {
		got, err := s.certificate()
		if err == nil && got != organization {
			err = fmt.Errorf("certificate of %q, want %q", got, organization)
		}
		return err
	}
}

// neverPlain returns nil when the page is not served, whatever Traefik says instead.
func (s *story) neverPlain(page string, as login) error {
	r, err := get(page, as)
	if err == nil && r.status == 200 {
		err = fmt.Errorf("%s: 200 %q without a certificate", page, r.body)
	}
	return err
}
