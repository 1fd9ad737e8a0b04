package program_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/program"
)

func TestArgValues(t *testing.T) {
	for args, want := range map[string][]string{
		"--flag=a -flag b --flag c":    {"a", "b", "c"},
		"--flag= --flag":               {""},
		"--flag --other --flag=a":      {"a"},
		"flag=a other --flag=b":        {"b"}, // what is no flag has no value, and none of another
		"--flags=a --no-flag=b -- -f":  nil,
		"--other --flag=http://x/?a=b": {"http://x/?a=b"},
	} {
		if diff := cmp.Diff(want, program.ArgValues(strings.Fields(args), "flag")); diff != "" {
			t.Errorf("%s: %s", args, diff)
		}
	}
}
