package projection

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

const hash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi" // of a password that nobody uses

func TestWebConfig(t *testing.T) {
	web, err := Find("prometheus-web")
	if err != nil {
		t.Fatal(err)
	}
	const sha = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	other := strings.Replace(hash, "2y", "2b", 1)
	for name, tc := range map[string]struct {
		users, want string
		left        []Left
	}{
		"sorted":       {"bob:" + hash + "\nalice:" + hash + "\n", "basic_auth_users:\n  \"alice\": " + hash + "\n  \"bob\": " + hash + "\n", nil},
		"first counts": {"a:" + hash + "\na:" + other + "\n", "basic_auth_users:\n  \"a\": " + hash + "\n", []Left{{"a", "has several passwords, and Prometheus takes one; the first that is bcrypt counts there"}}},
		"first bcrypt": {"a:" + sha + "\na:" + hash + "\n", "basic_auth_users:\n  \"a\": " + hash + "\n", []Left{{"a", "has several passwords, and Prometheus takes one; the first that is bcrypt counts there"}}},
		"another hash": {
			"a:" + sha + "\nb:" + hash + "\n", "basic_auth_users:\n  \"b\": " + hash + "\n",
			[]Left{{"a", "the hash is sha1, and Prometheus reads bcrypt only; set the password again with kubectl basicauth user passwd a"}},
		},
		"bad lines": {"# c\n\nb:" + hash + "\nno colon\nx:y:z\nd:\n", "basic_auth_users:\n  \"b\": " + hash + "\n", nil},
		"quoted":    {"null:" + hash + "\n~:" + hash + "\n", "basic_auth_users:\n  \"null\": " + hash + "\n  \"~\": " + hash + "\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			text, _, left, err := web.Render("kauth-users", htpasswd.Parse([]byte(tc.users)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(text)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.left, left); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without a user the file is not empty, is the same each time, and never the one of somebody else.
func TestWebConfigOfNobody(t *testing.T) {
	web, _ := Find("prometheus-web")
	empty := htpasswd.Parse([]byte("carol:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"))
	first, users, left, err := web.Render("kauth-users", empty, nil)
	if err != nil || users != 0 || len(left) != 1 || !strings.Contains(string(first), "\n  \"kauth:nobody\": $2y$10$") {
		t.Fatal(string(first), users, left, err)
	}
	again, _, _, _ := web.Render("kauth-users", empty, first)
	if string(again) != string(first) {
		t.Errorf("%s is written anew as %s", first, again)
	}
	for name, previous := range map[string]string{
		"of a user":        "basic_auth_users:\n  \"alice\": " + hash + "\n",
		"of one more":      string(first) + "  alice: " + hash + "\n",
		"without users":    "basic_auth_users: {}\n",
		"of no hash":       "basic_auth_users:\n  \"kauth:nobody\": x\n",
		"with TLS as well": string(first) + "tls_server_config: {}\n",
		"garbage":          "\x00\xff{",
		"empty":            "",
	} {
		if text, _, _, _ := web.Render("kauth-users", empty, []byte(previous)); !strings.Contains(string(text), "\"kauth:nobody\": $2y$10$") || strings.Contains(string(text), "alice") || string(text) == previous {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestNames(t *testing.T) {
	if diff := cmp.Diff([]string{"a", "b"}, Names("b, a,,a")); diff != "" {
		t.Error(diff)
	}
	if _, err := Find("nope"); err == nil || !strings.Contains(err.Error(), "use prometheus-web, envoy, haproxy") {
		t.Error(err)
	}
}
