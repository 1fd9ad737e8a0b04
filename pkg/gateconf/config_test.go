package gateconf

import (
	"flag"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArgsAndParseAreInverse(t *testing.T) {
	full := Config{
		Listen: ":1", AdminListen: ":2", Upstream: "https://127.0.0.1:9090", UpstreamCAFile: "/ca", UpstreamServerName: "x",
		InsecureUpstreamSkipVerify: true, UsersFile: "/u", UsersSecret: "s", Realm: "a \"b\" =c", HealthPath: "/h",
		UpstreamHealthPath: "/-/healthy?x=1", Prefix: "/p", PagesDir: "/d", TrustedProxies: []string{"10.0.0.0/8", "::1/128"},
		VerifiedTTL: time.Second, HashQueue: 3, ShutdownDelay: time.Minute, ShutdownTimeout: 0, LogFormat: "text", AccessLog: false,
		Auth: AuthNone, SignIn: SignInPage, SessionKeyFile: "/k", SessionTTL: time.Hour, RequireHeader: "X-V", HeaderValuesDir: "/v",
		TLSCertFile: "/c", TLSKeyFile: "/tk",
	}
	fields := reflect.ValueOf(full)
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		if name != "ShutdownTimeout" && name != "AccessLog" && fields.Field(i).IsZero() {
			t.Errorf("this test leaves %s out; give it a value", name)
		}
	}
	if got, want := len(settings), fields.NumField(); got != want {
		t.Errorf("%d settings for %d fields", got, want)
	}
	for _, c := range []Config{Defaults(), full} {
		got, err := Parse(c.Args())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("Parse(Args()) (-want +got):\n%s", diff)
		}
	}
}

func TestArgsSayWhatMatters(t *testing.T) {
	c := Defaults()
	c.Upstream, c.UsersFile, c.Prefix = "http://127.0.0.1:9090", UsersFile, "/prometheus"
	want := []string{
		"--upstream=http://127.0.0.1:9090", "--users-file=/etc/kauth/users/auth", "--users-secret=kauth-users",
		"--listen=:8181", "--admin-listen=:8182", "--realm=Restricted", "--health-path=/health", "--prefix=/prometheus",
	}
	if diff := cmp.Diff(want, c.Args()); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--nonsense=1"}, "nonsense"},
		{[]string{"--hash-queue=many"}, "not a whole number"},
		{[]string{"--verified-ttl=10"}, "not a duration"},
		{[]string{"--access-log=perhaps"}, "neither true nor false"},
		{[]string{"extra"}, `unexpected argument "extra"`},
	} {
		if _, err := Parse(tc.args); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Parse(%q) = %v, want an error with %q", tc.args, err, tc.want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Defaults()
	good.Upstream, good.UsersFile = "http://127.0.0.1:9090", "/u"
	if err := good.Validate(); err != nil {
		t.Fatalf("good settings: %v", err)
	}
	for _, tc := range []struct {
		args string
		want string // the setting named; empty: fine
	}{
		{"--upstream=", "--upstream:"},
		{"--upstream=ftp://x", "--upstream:"},
		{"--upstream=http://u:p@x:1", "--upstream:"},
		{"--upstream=http://x:1/path", "--upstream:"},
		{"--upstream=https://127.0.0.1:1 --insecure-upstream-skip-verify", ""},
		{"--upstream=https://[::1]:1 --insecure-upstream-skip-verify", ""},
		{"--upstream=https://10.0.0.1:1 --insecure-upstream-skip-verify", "--insecure-upstream-skip-verify:"},
		{"--insecure-upstream-skip-verify", "--upstream:"},
		{"--users-file=", "--users-file:"},
		{"--listen=8181", "--listen:"},
		{"--auth=some", "--auth:"},
		{"--auth=none", "--auth:"},
		{"--auth=none --users-file= --require-header=X-V --header-values-dir=/v", ""},
		{"--auth=none --require-header=X-V --header-values-dir=/v --sign-in=page --session-key-file=/k", "--sign-in:"},
		{"--require-header=X-V", "--require-header:"},
		{"--header-values-dir=/v", "--require-header:"},
		{"--require-header=X-V --header-values-dir=/v", ""},
		{"--require-header=X:V --header-values-dir=/v", "--require-header:"},
		{"--require-header=authorization --header-values-dir=/v", "--require-header:"},
		{"--sign-in=popup", "--sign-in:"},
		{"--sign-in=page", "--session-key-file:"},
		{"--sign-in=page --session-key-file=/k", ""},
		{"--session-ttl=0s", "--session-ttl:"},
		{"--tls-cert-file=/c", "--tls-cert-file:"},
		{"--tls-cert-file=/c --tls-key-file=/tk", ""},
		{"--admin-listen=:8181", "--admin-listen:"},
		{"--realm=", "--realm:"},
		{"--realm=a\nb", "--realm:"},
		{"--health-path=/", "--health-path:"},
		{"--health-path=", "--health-path:"},
		{"--health-path=/a/../b", "--health-path:"},
		{"--health-path=/a%2fb", "--health-path:"},
		{"--upstream-health-path=//evil/x", "--upstream-health-path:"},
		{"--upstream-health-path=x", "--upstream-health-path:"},
		{"--upstream-health-path=/x?y=1", ""},
		{"--prefix=/p/", "--prefix:"},
		{"--prefix=p", "--prefix:"},
		{"--trusted-proxies=10.0.0.1", "--trusted-proxies:"},
		{"--trusted-proxies=10.0.0.0/8,::1/128", ""},
		{"--hash-queue=0", "--hash-queue:"},
		{"--verified-ttl=-1s", "--verified-ttl:"},
		{"--shutdown-delay=-1s", "--shutdown-delay:"},
		{"--shutdown-timeout=-1s", "--shutdown-timeout:"},
		{"--log-format=xml", "--log-format:"},
	} {
		c := good
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		c.Flags(fs)
		if err := fs.Parse(strings.Split(tc.args, " ")); err != nil {
			t.Fatal(err)
		}
		err := c.Validate()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.args, err, tc.want)
		}
	}
}
