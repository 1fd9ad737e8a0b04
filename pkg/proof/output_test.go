package proof_test

import (
	"bytes"
	"testing"

	"github.com/kauth-dev/kauth/pkg/inject"
)

// outputOf is what inject makes of a stream.
func outputOf(t *testing.T, in string, o inject.Options) string {
	t.Helper()
	s, _, err := inject.Run([]byte(in), o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
