package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrecedence: a flag overrules a gate, a gate the defaults, these what kauth does unasked; and each value knows who
// stated it.
func TestPrecedence(t *testing.T) {
	file, err := Parse("k.yaml", []byte(`apiVersion: kauth.dev/v1alpha1
kind: Gates
namespace: file
allowNone: true
defaults:
  realm: defaults
  usersSecret: defaults
  image: defaults
  port: 1
gates:
- target: {kind: Deployment, name: a}
  usersSecret: gate
  image: gate
- target: {kind: Deployment, name: b}
  image: ""
`))
	if err != nil {
		t.Fatal(err)
	}
	flag, ns, no := "flag", "flag", false
	all, err := Resolve(Flags{Stated: Stated{Image: &flag}, Namespace: &ns, AllowNone: &no}, file)
	if err != nil {
		t.Fatal(err)
	}
	type got struct{ Realm, Users, Image, Port, Sign string }
	show := func(s Settings) got {
		from := func(name string) string {
			if !s.Stated(name) {
				return "default"
			}
			return s.Origin(name).String()
		}
		return got{s.Realm + " " + from("realm"), s.UsersSecret + " " + from("usersSecret"), s.Image + " " + from("image"), itoa(s.Port) + " " + from("port"), from("signIn")}
	}
	want := []got{
		{"defaults k.yaml:6", "defaults k.yaml:7", "flag --image", "1 k.yaml:9", "default"},
		{"defaults k.yaml:6", "gate k.yaml:12", "flag --image", "1 k.yaml:9", "default"},
		{"defaults k.yaml:6", "defaults k.yaml:7", "flag --image", "1 k.yaml:9", "default"},
	}
	if diff := cmp.Diff(want, []got{show(all.Settings), show(all.Rules[0].Settings), show(all.Rules[1].Settings)}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if all.Namespace != "flag" || all.AllowNone || all.Rules[0].AllowNone {
		t.Errorf("namespace %q, allow none %t, of the first gate %t", all.Namespace, all.AllowNone, all.Rules[0].AllowNone)
	}
	all, err = Resolve(Flags{}, file)
	if err != nil || all.Namespace != "file" || !all.AllowNone || !all.Rules[0].AllowNone || all.Rules[1].Settings.Image != "" {
		t.Errorf("without flags: %v, namespace %q, %+v", err, all.Namespace, all.Rules)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"realm", "usersSecret", "tlsSecret", "target", "port"}
	for unknown, want := range map[string]string{
		"relm": `did you mean "realm"?`, "users": `did you mean "usersSecret"?`, "TLS_SECRET": `did you mean "tlsSecret"?`, "ports": `did you mean "port"?`,
		"oidc": "use one of port, realm, ", "": "use one of ", "ü": "use one of ", strings.Repeat("x", 1000): "use one of ",
	} {
		if got := Suggest(unknown, known); !strings.HasPrefix(got, want) {
			t.Errorf("%.20q: got %s, want %s", unknown, got, want)
		}
	}
}
