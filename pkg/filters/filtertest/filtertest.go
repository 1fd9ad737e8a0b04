// Package filtertest owns the one way in which filters are tested: text in, one object edited, text out, byte for byte.
package filtertest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Case is one row of a table.
type Case struct {
	Name   string
	Filter yaml.Filter
	In     string // a stream; the filter edits its first object, and no other
	Want   string // the whole stream afterwards
	Err    string // part of the wanted error; Want then does not count
}

// Run runs each case as a subtest.
func Run(t *testing.T, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Helper()
			got, err := apply(c.Filter, c.In)
			switch {
			case c.Err != "":
				if err == nil || !strings.Contains(err.Error(), c.Err) {
					t.Fatalf("error %v, want one with %q", err, c.Err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if diff := cmp.Diff(c.Want, got); diff != "" {
					t.Errorf("output (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func apply(f yaml.Filter, in string) (string, error) {
	s, err := manifest.Read([]byte(in))
	if err != nil {
		return "", err
	}
	o := s.Objects()[0]
	o.Edit()
	if _, err := f.Filter(o.RNode()); err != nil {
		return "", err
	}
	if err := s.Commit(); err != nil {
		return "", err
	}
	var out bytes.Buffer
	_, err = s.WriteTo(&out)
	return out.String(), err
}
