// Package kauth owns the command line of the program kauth: flags become options, one call does the work, and what
// comes back is printed. It holds no logic of its own.
package kauth

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/version"
)

// Process is what the program meets: its streams and its environment. Terminal opens the person's terminal, for errors
// that Helm 4 would swallow.
type Process struct {
	Args     []string // without the program's name
	Stdin    io.Reader
	Stdout   io.Writer
	Stderr   io.Writer
	Getenv   func(string) string
	Terminal func() (io.WriteCloser, error)
}

// OS returns the process that the program really runs in.
func OS() Process {
	return Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Terminal: func() (io.WriteCloser, error) { return os.OpenFile("/dev/tty", os.O_WRONLY, 0) },
	}
}

// usageError is a fault of the command line, as opposed to one of the input.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the program and returns its exit code: 0 done, 1 the work failed, 2 the command line was wrong.
func Main(p Process) int {
	root := command(&p)
	root.SetArgs(append([]string{}, p.Args...)) // never nil, which cobra takes for "ask the process"
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.Execute()
	if err == nil {
		return 0
	}
	p.printError(err)
	if _, usage := errors.AsType[usageError](err); usage {
		return 2
	}
	return 1
}

// printError prints an error for people, a line each where there are several. Under Helm 4, which drops standard
// error even when a post-renderer fails, it goes to the terminal too, where there is one.
func (p *Process) printError(err error) {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
		b.WriteString("kauth: error: " + line + "\n")
	}
	text := b.String()
	fmt.Fprint(p.Stderr, text)
	if p.Getenv("HELM_PLUGIN_NAME") == "" || p.Terminal == nil {
		return
	}
	if tty, err := p.Terminal(); err == nil {
		fmt.Fprint(tty, strings.ReplaceAll(text, "\n", "\r\n"))
		_ = tty.Close() // the text is out, or the terminal is gone
	}
}

// flags are the flags that inject and explain share, as they were typed.
type flags struct {
	gates         []string
	config        string
	namespace     string
	image         string
	port          int
	realm         string
	usersSecret   string
	trusted       []string
	signIn        string
	tlsSecret     string
	requireHeader string
	headerSecret  string
	auth          string
	mode          string
	networkPolicy string
	allowOpen     []string
	keepInternal  []string
	allowNone     bool
	report        string
}

func (f *flags) add(c *cobra.Command) {
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.gates, "gate", nil, "gate this workload too: `KIND/NAME[:PORT]`; PORT is its container port, name or number (repeatable)")
	fs.StringVarP(&f.namespace, "namespace", "n", "", "the `namespace` of objects that name none")
	fs.StringVar(&f.image, "image", "", "the sidecar's `image` (default "+gateconf.Image+":"+version.String()+")")
	fs.IntVar(&f.port, "port", 0, "the gate's `port` (default 8181, or the next free one)")
	fs.StringVar(&f.realm, "realm", gateconf.Realm, "the realm that browsers show")
	fs.StringVar(&f.usersSecret, "users-secret", gateconf.UsersSecret, "`name` of the Secret with the users")
	fs.StringSliceVar(&f.trusted, "trusted-proxies", nil, "`CIDR,...` of the load balancers in front: the gates believe their X-Forwarded headers and pass them on")
	fs.StringVar(&f.signIn, "sign-in", gateconf.SignInDialog, "how people sign in: the browser's `dialog`, or a page of the gate")
	fs.StringVar(&f.tlsSecret, "tls-secret", "", "`name` of a Secret of type kubernetes.io/tls: the gates speak HTTPS with its certificate")
	fs.StringVar(&f.requireHeader, "require-header", "", "`name` of a header without which the gates refuse a request, as a CDN adds it; with --header-secret")
	fs.StringVar(&f.headerSecret, "header-secret", "", "`name` of a Secret, each value of which is an accepted one of that header")
	fs.StringVar(&f.auth, "auth", gateconf.AuthBasic, "what else is asked for: `basic`, or none where --require-header is enough")
	fs.StringVar(&f.mode, "mode", "sidecar", "who checks the passwords: `sidecar`")
	fs.StringVar(&f.networkPolicy, "network-policy", "none", "which NetworkPolicies to add: `none`")
	fs.StringArrayVar(&f.allowOpen, "allow-open", nil, "leave the ways of this object open where they cannot lead to a gate: `KIND/[NAMESPACE/]NAME` (repeatable)")
	fs.StringArrayVar(&f.keepInternal, "keep-internal", nil, "where the ports of a LoadBalancer or NodePort Service move to a gate, add a ClusterIP Service that leads where they led: `[SERVICE=]NAME` (repeatable)")
	fs.BoolVar(&f.allowNone, "allow-none", false, "nothing to gate is not an error")
	fs.StringVar(&f.report, "report", "", "write the findings to this `file`, as JSON (also KAUTH_REPORT)")
	fs.StringVar(&f.config, "config", "", "settings `file` (also KAUTH_CONFIG); not in this version")
}

// Names as the API wants them: those of namespaces (RFC 1123 labels), and those of Secrets (RFC 1123 subdomains).
var (
	plainName  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	dottedName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// options turns flags into options. What a later version will do is refused, never ignored.
func (f *flags) options(getenv func(string) string) (inject.Options, error) {
	o := inject.Options{Namespace: f.namespace, Options: plan.Options{
		Image: f.image, Port: f.port, Realm: f.realm, UsersSecret: f.usersSecret, TrustedProxies: f.trusted,
		SignIn: f.signIn, TLSSecret: f.tlsSecret, RequireHeader: f.requireHeader, HeaderSecret: f.headerSecret, Auth: f.auth, AllowNone: f.allowNone, Version: version.String(),
	}}
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	f.objects(&o, refuse)
	if f.config != "" || getenv("KAUTH_CONFIG") != "" {
		refuse("--config: settings files are not in this version; use flags and annotations, and unset KAUTH_CONFIG")
	}
	switch f.mode {
	case "sidecar":
	case "ingress", "native":
		refuse("--mode %s: not in this version; use --mode sidecar", f.mode)
	default:
		refuse("--mode: %q is not a mode; use sidecar", f.mode)
	}
	switch f.networkPolicy {
	case "none":
	case "same-namespace", "gate-only":
		refuse("--network-policy %s: not in this version; use none, and a NetworkPolicy of your own", f.networkPolicy)
	default:
		refuse("--network-policy: %q is not a policy; use none", f.networkPolicy)
	}
	for _, cidr := range f.trusted {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			refuse("--trusted-proxies: %q is not a CIDR such as 10.0.0.0/16", cidr)
		}
	}
	if f.port < 0 || f.port > 65535 {
		refuse("--port: %d is not a port number", f.port)
	}
	if err := gateconf.ValidRealm(f.realm); err != nil {
		refuse("--realm: %w", err)
	}
	if f.namespace != "" && !plainName.MatchString(f.namespace) {
		refuse("--namespace: %q is not the name of a namespace", f.namespace)
	}
	for _, s := range []struct{ flag, name string }{{"users-secret", f.usersSecret}, {"tls-secret", f.tlsSecret}, {"header-secret", f.headerSecret}} {
		if (len(s.name) > 253 || !dottedName.MatchString(s.name)) && (s.name != "" || s.flag == "users-secret") {
			refuse("--%s: %q is not the name of a Secret", s.flag, s.name)
		}
	}
	f.checks(refuse)
	if strings.ContainsAny(f.image, " \t\n") {
		refuse("--image: %q is not an image", f.image)
	}
	if err := errors.Join(errs...); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// objects reads the flags that name objects of the stream.
func (f *flags) objects(o *inject.Options, refuse func(format string, args ...any)) {
	for _, text := range f.gates {
		t, err := plan.ParseTarget(text)
		if err != nil {
			refuse("--gate: %w", err)
		}
		o.Targets = append(o.Targets, t)
	}
	for _, text := range f.allowOpen {
		n, err := plan.ParseObjectName(text)
		if err != nil {
			refuse("--allow-open: %w", err)
		}
		o.AllowOpen = append(o.AllowOpen, n)
	}
	for _, text := range f.keepInternal {
		i, err := plan.ParseInternal(text)
		if err != nil {
			refuse("--keep-internal: %w", err)
		}
		o.KeepInternal = append(o.KeepInternal, i)
	}
}

// checks validates the flags that say what the gates ask for.
func (f *flags) checks(refuse func(format string, args ...any)) {
	if f.signIn != gateconf.SignInDialog && f.signIn != gateconf.SignInPage {
		refuse("--sign-in: %q is neither dialog nor page", f.signIn)
	}
	if f.requireHeader != "" {
		if err := gateconf.ValidRequiredHeader(f.requireHeader); err != nil {
			refuse("--require-header: %w", err)
		}
	}
	if (f.requireHeader == "") != (f.headerSecret == "") {
		refuse("--require-header: a header and its accepted values go together; give --header-secret too, or neither")
	}
	switch f.auth {
	case gateconf.AuthBasic:
	case gateconf.AuthNone:
		if f.requireHeader == "" {
			refuse("--auth none: would let everybody in; it is only allowed with --require-header")
		}
		if f.signIn == gateconf.SignInPage {
			refuse("--sign-in page: has nothing to ask for with --auth none; leave one of them out")
		}
	default:
		refuse("--auth: %q is neither basic nor none", f.auth)
	}
}
