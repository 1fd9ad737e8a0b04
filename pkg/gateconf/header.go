package gateconf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The limits of the accepted values of the required header.
const (
	MaxHeaderValues = 64      // files in Config.HeaderValuesDir; two are enough to change one
	maxHeaderValue  = 4 << 10 // bytes of one
)

// IsHeaderFile says whether a file of Config.HeaderValuesDir, or a data key of the Secret that is mounted there, holds a value.
// Names that start with a dot are those that the kubelet swaps a Secret's content with.
func IsHeaderFile(name string) bool { return !strings.HasPrefix(name, ".") }

// TrimHeaderValue returns the content of one file of Config.HeaderValuesDir as it is compared: net/http trims what it gets
// in the same way.
func TrimHeaderValue(content []byte) []byte { return bytes.TrimSpace(content) }

// ValidHeaderValue says whether a trimmed value can come in a header: RFC 9110 section 5.5. The error shows nothing of it.
func ValidHeaderValue(value []byte) error {
	switch {
	case len(value) == 0:
		return errors.New("empty; write the value that the CDN sends")
	case len(value) > maxHeaderValue:
		return fmt.Errorf("%d bytes, and at most %d are compared; is it the right file?", len(value), maxHeaderValue)
	case bytes.ContainsFunc(value, unicode.IsControl):
		return errors.New("several lines, or a control character; one value a file")
	}
	return nil
}
