package policy_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/filters/policy"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

func TestFilter(t *testing.T) {
	f := policy.Filter{Rule: manifest.P("spec", "ingress", 0), Port: 8181}
	filtertest.Run(t, []filtertest.Case{
		{
			Name: "another port", Filter: f,
			In:   "kind: NetworkPolicy\nspec:\n  ingress:\n  - ports:\n    - port: web # by name\n",
			Want: "kind: NetworkPolicy\nspec:\n  ingress:\n  - ports:\n    - port: web # by name\n    - port: 8181\n      protocol: TCP\n",
		},
		{
			Name: "flow style", Filter: f,
			In:   "kind: NetworkPolicy\nspec: {ingress: [{ports: [{port: 9090}]}, {ports: [{port: 1}]}]}\n",
			Want: "kind: NetworkPolicy\nspec: {ingress: [{ports: [{port: 9090}, {port: 8181, protocol: TCP}]}, {ports: [{port: 1}]}]}\n",
		},
		{
			Name: "an alias", Filter: f,
			In:  "kind: NetworkPolicy\nall: &p [{port: 1}]\nspec: {ingress: [{ports: *p}]}\n",
			Err: "spec.ingress[0].ports: a YAML alias (*p)",
		},
	})
}
