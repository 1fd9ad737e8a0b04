package verify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// TestNothing: what is told when the cluster says nothing.
func TestNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ask := func(address string) error {
		resp, err := (&http.Client{Timeout: 50 * time.Millisecond}).Get(address)
		if err == nil {
			resp.Body.Close()
			t.Fatalf("%s answered", address)
		}
		return fmt.Errorf("nothing could be read: %w", err)
	}
	for want, err := range map[string]error{
		"did not answer in time; see whether it is reachable": ask("http://" + silent.Addr().String()),
		"connection refused; see whether kubectl get":         ask("http://127.0.0.1:1"),
		"renew the login of this kubeconfig context":          apierrors.NewUnauthorized("expired"),
		"nothing could be checked: it is a secret":            errors.New("it is a secret"),
	} {
		if err := nothing(err); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
