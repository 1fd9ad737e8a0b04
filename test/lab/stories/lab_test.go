//go:build linux

// Package stories owns what kauth promises about a cluster, each promise tried on a real one. A story is one file that
// reads like the sentence above it; the files without a number hold the words that stories are told with.
package stories

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/kauth-dev/kauth/test/lab"
)

// theLab is what all stories happen in.
var theLab *lab.Lab

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(lab.Run(os.Stdout, func(l *lab.Lab) int {
		theLab = l
		code := m.Run()
		fmt.Printf("stories: %d told\n", told.Load())
		return code
	}))
}
