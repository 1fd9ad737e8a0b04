package testenv

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// Main runs a package's tests for its TestMain, and returns the code to exit with. Meanwhile *scratch names a folder of
// theirs; then end is called, unless it is nil, and the folder is removed.
func Main(m *testing.M, scratch *string, end func()) int {
	code, err := runIn(m, scratch, end)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func runIn(m *testing.M, scratch *string, end func()) (code int, err error) {
	if *scratch, err = os.MkdirTemp("", "kauth-test-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(*scratch)) }()
	if end != nil {
		defer end()
	}
	return m.Run(), nil
}
