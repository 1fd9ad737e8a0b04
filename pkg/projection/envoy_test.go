package projection

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// envoyReads is what Envoy Gateway and Envoy check, and which users they have then: validateHtpasswdFormat in
// internal/gatewayapi/securitypolicy.go of the one, readHtpasswd in source/extensions/filters/http/basic_auth/config.cc of
// the other.
func envoyReads(t *testing.T, text string) map[string]string {
	t.Helper()
	users := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			continue
		}
		if line[0] == '#' {
			t.Fatalf("%q: Envoy takes it for a remark, the gateway for a user", line)
		}
		name, hash, ok := strings.Cut(line, ":")
		encoded, sha := strings.CutPrefix(hash, "{SHA}")
		raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !ok || name == "" || !sha || err != nil || len(raw) != 20 || len(encoded) != 28 || users[name] != "" || strings.TrimSpace(line) != line {
			t.Fatalf("%q: Envoy throws the configuration away", line)
		}
		users[name] = hash
	}
	if len(users) == 0 {
		t.Fatal("no user: Envoy Gateway calls the policy invalid")
	}
	return users
}

// What Envoy is given it can read as a whole, and it is never without a user.
func TestEnvoy(t *testing.T) {
	const one, two = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
	kind, err := Find("envoy")
	if err != nil {
		t.Fatal(err)
	}
	if kind.Key != ".htpasswd" || kind.Secret("kauth-users") != "kauth-users-envoy" {
		t.Errorf("%+v", kind)
	}
	users := htpasswd.Parse([]byte("# remark\nb b:" + two + "\r\n\n#x:" + one + "\nc:" + hash + "\na:" + one + "\na:" + hash + "\nbad\nd:" + one + "\nd:" + two + "\n"))
	text, count, left, err := kind.Render("kauth-users", users, nil)
	if err != nil || count != 3 {
		t.Errorf("%d, %v", count, err)
	}
	if diff := cmp.Diff("a:"+one+"\nb b:"+two+"\nd:"+one+"\n", string(text)); diff != "" {
		t.Error(diff)
	}
	several := "has several passwords, and Envoy takes one; the first that is {SHA} counts there"
	if diff := cmp.Diff([]Left{{"c", "the hash is bcrypt, and Envoy reads {SHA} only; " + byEnvoy.mend + " c"}, {"a", several}, {"d", several}}, left); diff != "" {
		t.Error(diff)
	}
	envoyReads(t, string(text))
	if held, without := kind.Holds(users); held != count || !cmp.Equal(left, without) {
		t.Errorf("%d, %v", held, without)
	}

	nobody := htpasswd.Parse([]byte("c:" + hash + "\n"))
	first, count, _, _ := kind.Render("kauth-users", nobody, text)
	got := envoyReads(t, string(first))
	if count != 0 || len(got) != 1 || got[envoyNobody] == "" || htpasswd.ValidUser(envoyNobody) == nil {
		t.Errorf("%d, %q", count, first)
	}
	if again, _, _, _ := kind.Render("kauth-users", nobody, first); string(again) != string(first) {
		t.Errorf("%s is written anew as %s", first, again)
	}
	for name, previous := range map[string]string{"of a user": "kauth-nobody:" + one + "\n", "of one more": string(first) + "a:" + one + "\n", "of no hash": envoyNobody + ":x\n", "cut off": strings.TrimSuffix(string(first), "\n"), "empty": "", "bcrypt": envoyNobody + ":" + hash + "\n"} {
		again, _, _, _ := kind.Render("kauth-users", nobody, []byte(previous))
		if got := envoyReads(t, string(again)); len(got) != 1 || got[envoyNobody] == "" || got[envoyNobody] == one || string(again) == previous || string(again) == string(first) {
			t.Errorf("%s: %s", name, again)
		}
	}
}
