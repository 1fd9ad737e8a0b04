package peers

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A gate is one program of the comparison. Its name is the value of the key "gate" in the names of benchmarks.
type gate struct {
	name string
	// command writes what the program reads and returns its command line. It listens on address and forwards to upstream.
	command func(b *testing.B, l *lab, address, upstream string) []string
	bcrypt  bool // passwords are stored as bcrypt 10
	login   bool // it asks for a password
	flooded bool // takes part in the floods
}

// gates in the order of the tables. Peers write no log of requests; kauth-proxy does once, as users run it, and once not.
var gates = []gate{
	{name: "nginx-plain", command: nginx("", keepAlive)},
	{name: "nginx-apr1", command: nginx(basicAuth, keepAlive), login: true, flooded: true},
	{name: "nginx-seed", command: nginx(basicAuth, ""), login: true},
	{name: "haproxy-md5", command: haproxy, login: true},
	{name: "caddy-bcrypt", command: caddy, login: true, bcrypt: true, flooded: true},
	{name: "toolkit-bcrypt", command: toolkit, login: true, bcrypt: true, flooded: true},
	{name: "reverseproxy", command: reverseProxy},
	{name: "kauth-bcrypt", command: kauth(), login: true, bcrypt: true, flooded: true},
	{name: "kauth-bcrypt-nolog", command: kauth("--access-log=false"), login: true, bcrypt: true},
}

const (
	basicAuth = `auth_basic "x"; auth_basic_user_file %s; `
	keepAlive = `proxy_http_version 1.1; proxy_set_header Connection ""; `
)

// nginx with keepAlive is what its documentation advises; without, what the guides to a hand-made sidecar show.
func nginx(auth, connection string) func(*testing.B, *lab, string, string) []string {
	return func(b *testing.B, l *lab, address, upstream string) []string {
		b.Helper()
		name := "nginx-" + strings.ReplaceAll(address, ":", "-")
		said, target, pool := connection, upstream, ""
		if auth != "" {
			said += fmt.Sprintf(auth, l.write(b, name+".users", lines("%s:"+apr1Hash+"\n")))
		}
		if connection == keepAlive {
			target, pool = "app", "upstream app { server "+upstream+"; keepalive 64; }\n\t"
		}
		conf := l.nginxConf(b, name, pool+"server { listen "+address+"; client_max_body_size 0; location / { "+said+"proxy_pass http://"+target+"; } }")
		return []string{l.tools["nginx"], "-e", "stderr", "-p", l.dir, "-c", conf}
	}
}

// lines gives one line a user.
func lines(format string) string {
	var all strings.Builder
	for _, u := range users {
		fmt.Fprintf(&all, format, u)
	}
	return all.String()
}

func haproxy(b *testing.B, l *lab, address, upstream string) []string {
	b.Helper()
	conf := l.write(b, "haproxy.cfg", `global
  nbthread 2
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
userlist all
`+lines("  user %s password "+md5Hash+"\n")+`frontend gate
  bind `+address+`
  http-request auth realm x unless { http_auth(all) }
  default_backend app
backend app
  server app `+upstream+"\n")
	return []string{l.tools["haproxy"], "-db", "-f", conf}
}

// caddy has the cache of verified passwords, which is off unless asked for.
func caddy(b *testing.B, l *lab, address, upstream string) []string {
	b.Helper()
	type object = map[string]any
	var accounts []object
	for _, u := range users {
		accounts = append(accounts, object{"username": u, "password": l.bcrypt[u]})
	}
	text, err := json.Marshal(object{
		"admin":   object{"disabled": true, "config": object{"persist": false}},
		"logging": object{"logs": object{"default": object{"level": "ERROR"}}},
		"storage": object{"module": "file_system", "root": filepath.Join(l.dir, "caddy")},
		"apps": object{"http": object{"servers": object{"gate": object{
			"listen": []string{address}, "protocols": []string{"h1"}, "automatic_https": object{"disable": true},
			"routes": []object{{"handle": []object{
				{"handler": "authentication", "providers": object{"http_basic": object{
					"hash": object{"algorithm": "bcrypt"}, "hash_cache": object{}, "accounts": accounts,
				}}},
				{"handler": "reverse_proxy", "upstreams": []object{{"dial": upstream}}},
			}}},
		}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return []string{l.tools["caddy"], "run", "--config", l.write(b, "caddy.json", string(text))}
}

func toolkit(b *testing.B, l *lab, address, upstream string) []string {
	b.Helper()
	var text strings.Builder
	fmt.Fprintln(&text, "basic_auth_users:")
	for _, u := range users {
		fmt.Fprintf(&text, "  %s: %s\n", u, l.bcrypt[u])
	}
	config := l.write(b, "web.yml", text.String())
	return []string{l.tools["gopeers"], "-listen", address, "-upstream", "http://" + upstream, "-web-config", config}
}

func reverseProxy(_ *testing.B, l *lab, address, upstream string) []string {
	return []string{l.tools["gopeers"], "-listen", address, "-upstream", "http://" + upstream}
}

// kauth is kauth-proxy as the injector starts it, with more arguments.
func kauth(more ...string) func(*testing.B, *lab, string, string) []string {
	return func(b *testing.B, l *lab, address, upstream string) []string {
		b.Helper()
		return kauthWith(l, address, freeAddress(b), upstream, l.write(b, "kauth.users", l.bcryptLines()), more...)
	}
}

func (l *lab) bcryptLines() string {
	var text strings.Builder
	for _, u := range users {
		fmt.Fprintf(&text, "%s:%s\n", u, l.bcrypt[u])
	}
	return text.String()
}

func kauthWith(l *lab, address, admin, upstream, usersFile string, more ...string) []string {
	return append([]string{
		l.tools["kauth-proxy"], "--listen=" + address, "--admin-listen=" + admin, "--upstream=http://" + upstream, "--users-file=" + usersFile,
	}, more...)
}

// run starts g in front of upstream, waits until it lets the user in, and returns its address. It ends with the benchmark.
func (g gate) run(b *testing.B, l *lab, group, upstream string) (*process, string) {
	b.Helper()
	address := freeAddress(b)
	command := g.command(b, l, address, upstream)
	p := start(b, group, command[0], command[1:]...)
	if err := p.awaitLogin(b, address); err != nil {
		b.Fatal(err)
	}
	return p, address
}

// beside runs the benchmark for each gate that is chosen.
func beside(b *testing.B, chosen func(gate) bool, run func(b *testing.B, l *lab, g gate)) {
	b.Helper()
	l := newLab(b)
	for _, g := range gates {
		if chosen(g) {
			b.Run("gate="+g.name, func(b *testing.B) { run(b, l, g) })
		}
	}
}

func every(gate) bool { return true }
