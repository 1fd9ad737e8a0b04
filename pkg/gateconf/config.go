// Package gateconf owns the contract between the injector and the sidecar: one struct of a gate's settings, printed
// to the sidecar's arguments by the one and parsed back from them by the other, and the names of the annotations.
// Because both sides use the same table of settings, neither can know a setting that the other does not.
package gateconf

import (
	"flag"
	"time"
)

// Names that both sides and the users' own scripts rely on.
const (
	ContainerName = "kauth-proxy"      // the sidecar, in every pod
	VolumeName    = "kauth-users"      // the volume that holds the users Secret
	PortName      = "kauth"            // the gate's port, in containers and Services
	AdminPortName = "kauth-admin"      // metrics, livez, readyz
	UsersDir      = "/etc/kauth/users" // where the users Secret is mounted, as a whole directory
	UsersKey      = "auth"             // the Secret's one key: htpasswd text
	UsersFile     = UsersDir + "/" + UsersKey
	UsersSecret   = "kauth-users" // the Secret's name unless the user names another
	MaxPasswords  = 4             // lines of one user that count, in the order of the file

	SessionVolume = "kauth-session-key"      // the volume that holds the session key's Secret
	SessionDir    = "/etc/kauth/session-key" // where it is mounted
	SessionKey    = "key"                    // the Secret's one key
	SessionSecret = "-session-key"           // after the users Secret's name, the name of that Secret
	HistorySecret = "-history"               // the same for what the users were before each change
	HeaderVolume  = "kauth-header"           // the volume that holds the accepted header values
	HeaderDir     = "/etc/kauth/header"
	TLSVolume     = "kauth-tls" // the volume that holds a Secret of type kubernetes.io/tls
	TLSDir        = "/etc/kauth/tls"

	WebVolume = "kauth-web"      // the volume that holds the users as an application of Prometheus' kind reads them
	WebDir    = "/etc/kauth/web" // where it is mounted, as a whole directory
	WebKey    = "web.yml"        // the Secret's one key: a configuration of prometheus/exporter-toolkit
	WebSecret = "-web"           // after the users Secret's name, the name of that Secret

	Image      = "ghcr.io/kauth-dev/kauth-proxy"
	Port       = 8181 // the gate
	AdminPort  = 8182 // metrics, livez, readyz
	HealthPath = "/health"
	Realm      = "Restricted"
)

// What /status of the admin port wants to be asked with before it tells the fingerprint of the users.
const (
	AskHeader      = "Kauth-Ask"
	AskFingerprint = "fingerprint"
)

// The values of Config.Auth and Config.SignIn.
const (
	AuthBasic    = "basic"
	AuthNone     = "none"
	SignInDialog = "dialog"
	SignInPage   = "page"
)

// A Mount is a Secret that the sidecar reads as a directory.
type Mount struct{ Volume, Secret, Dir string }

// Config is what one gate is told. The zero value of a field means its default, which Defaults spells out; the
// struct is plain data, and holds names of files, never what is in them.
type Config struct {
	Listen      string // address of the gate, host:port
	AdminListen string // address of metrics, livez and readyz, host:port

	Upstream                   string // http or https URL without path, query or user, such as http://127.0.0.1:9090
	UpstreamCAFile             string // PEM file that must have signed an https upstream's certificate; empty: the system's roots
	UpstreamServerName         string // the name that an https upstream's certificate must carry; empty: the URL's host
	InsecureUpstreamSkipVerify bool   // accept any certificate of an https upstream; only allowed where the upstream is on loopback

	UsersFile   string // htpasswd text; polled, and reloaded when its content changes
	UsersSecret string // the name of the Secret that UsersFile comes from, for the messages that say how to mend it
	Realm       string // the realm of the Basic challenge, RFC 7617
	Auth        string // AuthBasic, or AuthNone where a required header is all that is asked for

	SignIn         string        // SignInDialog: the browser asks for the password; SignInPage: a page of the gate does, and a cookie remembers
	SessionKeyFile string        // keys that sign the cookies of SignInPage, a line of base64 each, the first for new ones; polled
	SessionTTL     time.Duration // how long such a cookie is good

	RequireHeader   string // name of a header without which every request is refused, as a CDN adds it; empty: none is asked for
	HeaderValuesDir string // directory whose files each hold one value of it that is accepted; polled

	TLSCertFile string // PEM file with the gate's certificate and its chain; empty: the gate speaks plain HTTP; polled
	TLSKeyFile  string // PEM file with its key

	HealthPath         string // exact path that answers with the upstream's health, without credentials
	UpstreamHealthPath string // path asked of the upstream; empty: the upstream is healthy when it accepts a connection
	Prefix             string // path below which the application lives, such as /prometheus; the gate's own pages live at Prefix + /_kauth/

	PagesDir       string   // directory with 401.html, 429.html, 502.html, 503.html that replace the built-in pages
	TrustedProxies []string // CIDRs of proxies whose X-Forwarded-For names the client; other peers' X-Forwarded-* are dropped

	VerifiedTTL time.Duration // how long a verified password is remembered
	HashQueue   int           // passwords that may wait for the hashing slot; more are answered 429

	ShutdownDelay   time.Duration // after SIGTERM, how long new connections are taken at most, if the upstream takes them so long
	ShutdownTimeout time.Duration // after that, how long requests under way may take to finish

	LogFormat string // text or json
	AccessLog bool   // one line a request
}

// Defaults returns the settings of a gate that was told nothing. Upstream and UsersFile have no default.
func Defaults() Config {
	return Config{
		Listen:          ":8181",
		AdminListen:     ":8182",
		UsersSecret:     UsersSecret,
		Realm:           Realm,
		Auth:            AuthBasic,
		SignIn:          SignInDialog,
		SessionTTL:      12 * time.Hour,
		HealthPath:      HealthPath,
		VerifiedTTL:     10 * time.Minute,
		HashQueue:       16,
		ShutdownDelay:   30 * time.Second, // Kubernetes' own terminationGracePeriodSeconds
		ShutdownTimeout: 20 * time.Second,
		LogFormat:       "json",
		AccessLog:       true,
	}
}

// A setting is one row of the table that flags and arguments are made from.
type setting struct {
	name   string
	usage  string
	always bool // printed even when it has its default, so that `kubectl describe` shows it
	value  func(*Config) flag.Value
}

var settings = []setting{
	{"upstream", "`URL` of the application, without a path", true, text(func(c *Config) *string { return &c.Upstream })},
	{"users-file", "htpasswd `FILE`; reloaded when it changes", true, text(func(c *Config) *string { return &c.UsersFile })},
	{"users-secret", "`NAME` of the Secret that the users file comes from, for messages", true, text(func(c *Config) *string { return &c.UsersSecret })},
	{"listen", "`ADDRESS` of the gate", true, text(func(c *Config) *string { return &c.Listen })},
	{"admin-listen", "`ADDRESS` of metrics, livez and readyz", true, text(func(c *Config) *string { return &c.AdminListen })},
	{"realm", "realm of the Basic challenge", true, text(func(c *Config) *string { return &c.Realm })},
	{"auth", "`CHECK` of who sends a request: basic, or none where a required header is enough", false, text(func(c *Config) *string { return &c.Auth })},
	{"sign-in", "how people sign in: the browser's `dialog`, or a page of the gate", false, text(func(c *Config) *string { return &c.SignIn })},
	{"session-key-file", "`FILE` of the keys that sign the cookies of --sign-in=page, base64, the first for new ones; reloaded when it changes", false, text(func(c *Config) *string { return &c.SessionKeyFile })},
	{"session-ttl", "how long such a cookie is good", false, duration(func(c *Config) *time.Duration { return &c.SessionTTL })},
	{"require-header", "`NAME` of a header without which a request is refused", false, text(func(c *Config) *string { return &c.RequireHeader })},
	{"header-values-dir", "`DIR` whose files each hold one accepted value of that header; reloaded when they change", false, text(func(c *Config) *string { return &c.HeaderValuesDir })},
	{"tls-cert-file", "PEM `FILE` of the gate's certificate and chain; reloaded when it changes", false, text(func(c *Config) *string { return &c.TLSCertFile })},
	{"tls-key-file", "PEM `FILE` of its key", false, text(func(c *Config) *string { return &c.TLSKeyFile })},
	{"health-path", "`PATH` that answers, without credentials, whether the application is healthy", true, text(func(c *Config) *string { return &c.HealthPath })},
	{"upstream-health-path", "`PATH` of the application that says so; empty: it accepts a connection", false, text(func(c *Config) *string { return &c.UpstreamHealthPath })},
	{"prefix", "`PATH` below which the application lives", false, text(func(c *Config) *string { return &c.Prefix })},
	{"pages-dir", "`DIR` with 401.html, 429.html, 502.html, 503.html to use instead of the built-in pages", false, text(func(c *Config) *string { return &c.PagesDir })},
	{"upstream-ca-file", "PEM `FILE` that must have signed an https upstream's certificate", false, text(func(c *Config) *string { return &c.UpstreamCAFile })},
	{"upstream-server-name", "`NAME` that an https upstream's certificate must carry", false, text(func(c *Config) *string { return &c.UpstreamServerName })},
	{"insecure-upstream-skip-verify", "accept any certificate of an https upstream on loopback: whoever listens there is taken for the application", false, boolean(func(c *Config) *bool { return &c.InsecureUpstreamSkipVerify })},
	{"trusted-proxies", "`CIDR,...` of proxies whose X-Forwarded-For is believed", false, list(func(c *Config) *[]string { return &c.TrustedProxies })},
	{"verified-ttl", "how long a verified password is remembered", false, duration(func(c *Config) *time.Duration { return &c.VerifiedTTL })},
	{"hash-queue", "`NUMBER` of passwords that may wait to be checked", false, integer(func(c *Config) *int { return &c.HashQueue })},
	{"shutdown-delay", "time to go on accepting connections after SIGTERM, at most; the upstream's end is the end of it", false, duration(func(c *Config) *time.Duration { return &c.ShutdownDelay })},
	{"shutdown-timeout", "time for requests under way to finish after that", false, duration(func(c *Config) *time.Duration { return &c.ShutdownTimeout })},
	{"log-format", "`text` or json", false, text(func(c *Config) *string { return &c.LogFormat })},
	{"access-log", "log one line a request", false, boolean(func(c *Config) *bool { return &c.AccessLog })},
}

// Flags adds a flag for each setting to fs. Parsing fs writes into c, which keeps what it held where no flag is given.
func (c *Config) Flags(fs *flag.FlagSet) {
	for _, s := range settings {
		fs.Var(s.value(c), s.name, s.usage)
	}
}

// Args returns the arguments, in a fixed order and each of the form --name=value, that make Parse return a Config
// equal to c.
func (c Config) Args() []string {
	defaults := Defaults()
	var args []string
	for _, s := range settings {
		v := s.value(&c).String()
		if s.always && v != "" || v != s.value(&defaults).String() {
			args = append(args, "--"+s.name+"="+v)
		}
	}
	return args
}

// Parse returns the settings that args spell, on top of Defaults. It does not Validate them. Arguments that are not
// flags are an error.
func Parse(args []string) (Config, error) {
	c := Defaults()
	fs := flag.NewFlagSet(ContainerName, flag.ContinueOnError)
	fs.SetOutput(discard{})
	c.Flags(fs)
	if err := fs.Parse(args); err != nil {
		return Config{}, err
	}
	if fs.NArg() > 0 {
		return Config{}, &unexpectedArgError{fs.Arg(0)}
	}
	return c, nil
}
