package live

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// Gate is the gate's container of a pod, nil where there is none.
func Gate(p *corev1.Pod) *corev1.Container {
	for i := range p.Spec.Containers {
		if p.Spec.Containers[i].Name == gateconf.ContainerName {
			return &p.Spec.Containers[i]
		}
	}
	for i := range p.Spec.InitContainers {
		c := &p.Spec.InitContainers[i]
		if c.Name == gateconf.ContainerName && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			return c
		}
	}
	return nil
}

// SecretsOf names the Secrets that a volume brings, several where it is a projected one.
func SecretsOf(v *corev1.Volume) []string {
	if v.Secret != nil {
		return []string{v.Secret.SecretName}
	}
	var names []string
	if v.Projected != nil {
		for _, source := range v.Projected.Sources {
			if source.Secret != nil {
				names = append(names, source.Secret.Name)
			}
		}
	}
	return names
}

// GateStatus is what of a gate's /status counts here; the fields are those of proxy.Status.
type GateStatus struct {
	Users struct {
		Loaded      int    `json:"loaded"`
		Fingerprint string `json:"fingerprint"` // see Fingerprint; "" where nothing is in force, or the gate tells none
		Error       string `json:"error"`
	} `json:"users"`
}

// Fingerprint is how a gate names the text of a users Secret: its SHA-256 in hex.
func Fingerprint(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// GateStatus asks the gate behind f which users are in force; listen is the address of its admin port.
func (f *Forward) GateStatus(ctx context.Context, listen string) (*GateStatus, error) {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/status", http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set(gateconf.AskHeader, gateconf.AskFingerprint)
	answer, err := f.Client().Do(r)
	if err != nil {
		return nil, Tidy(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %d", answer.StatusCode)
	}
	var s GateStatus
	const most = 64 << 10
	if err := json.NewDecoder(io.LimitReader(answer.Body, most)).Decode(&s); err != nil {
		return nil, fmt.Errorf("answers something else than a gate's status: %w", err)
	}
	return &s, nil
}

// Client sends requests to ports of the pod, whatever host they name, each on a connection of its own. It follows no
// redirect.
func (f *Forward) Client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				_, text, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				port, err := strconv.Atoi(text)
				if err != nil {
					return nil, err
				}
				return f.Dial(ctx, port)
			},
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate names the outside host; the API server vouches for the pod
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transportWords are what net/http's Transport puts before an error of a connection, or does not: that depends on which of its
// goroutines sees it first (mapRoundTripError, readLoopPeekFailLocked).
var transportWords = []string{"net/http: HTTP/1.x transport connection broken: ", "net/http: Transport failed to read from server: ", "readLoopPeekFailLocked: "}

// Tidy leaves out of an error what only repeats the request.
func Tidy(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if inner := new(url.Error); errors.As(err, &inner) {
		err = inner.Err
	}
	starts := func(word string) bool { return strings.HasPrefix(err.Error(), word) }
	for inner := errors.Unwrap(err); inner != nil && slices.ContainsFunc(transportWords, starts); inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
