package kauth

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/krm"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/version"
)

// flags are the flags that inject, explain, fn and patches share, as they were typed.
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

	sets   []*pflag.FlagSet  // of the commands that these are the flags of
	places map[string]string // where a flag that nobody typed comes from
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
	fs.StringVar(&f.mode, "mode", config.ModeSidecar, "who checks the passwords: a `sidecar`, ingress (the ingress controller) or native (the application itself)")
	fs.StringVar(&f.networkPolicy, "network-policy", config.PolicyNone, "who reaches the other ports of the pods, by a NetworkPolicy that is added: `same-namespace`, gate-only for nobody, or none for no policy")
	fs.StringArrayVar(&f.allowOpen, "allow-open", nil, "leave the ways of this object open where they cannot lead to a gate: `KIND/[NAMESPACE/]NAME` (repeatable)")
	fs.StringArrayVar(&f.keepInternal, "keep-internal", nil, "where the ports of a LoadBalancer or NodePort Service move to a gate, add a ClusterIP Service that leads where they led: `[SERVICE=]NAME` (repeatable)")
	fs.BoolVar(&f.allowNone, "allow-none", false, "nothing to gate is not an error")
	fs.StringVar(&f.report, "report", "", "write the findings to this `file`, as JSON (also KAUTH_REPORT)")
	fs.StringVar(&f.config, "config", "", "settings `file` of kind Gates (also KAUTH_CONFIG); flags overrule it")
	f.sets = append(f.sets, fs)
}

// given says whether a flag was typed, or set by a ConfigMap.
func (f *flags) given(name string) bool {
	return slices.ContainsFunc(f.sets, func(fs *pflag.FlagSet) bool { return fs.Changed(name) })
}

// stated returns the settings that were given.
func (f *flags) stated() config.Flags {
	s := config.Flags{Origin: func(setting string) config.Origin {
		name := config.FlagName(setting)
		if place := f.places[name]; place != "" {
			return config.Origin{Place: place, Field: "data." + name}
		}
		return config.Origin{Place: "--" + name}
	}}
	for _, text := range []struct {
		flag  string
		value *string
		to    **string
	}{
		{"mode", &f.mode, &s.Mode},
		{"auth", &f.auth, &s.Auth},
		{"users-secret", &f.usersSecret, &s.UsersSecret},
		{"realm", &f.realm, &s.Realm},
		{"sign-in", &f.signIn, &s.SignIn},
		{"require-header", &f.requireHeader, &s.RequireHeader},
		{"header-secret", &f.headerSecret, &s.HeaderSecret},
		{"tls-secret", &f.tlsSecret, &s.TLSSecret},
		{"network-policy", &f.networkPolicy, &s.NetworkPolicy},
		{"image", &f.image, &s.Image},
	} {
		if f.given(text.flag) {
			*text.to = text.value
		}
	}
	if f.given("namespace") {
		s.Namespace = &f.namespace
	}
	if f.given("allow-none") {
		s.AllowNone = &f.allowNone
	}
	if f.given("port") {
		s.Port = &f.port
	}
	if f.given("trusted-proxies") {
		s.TrustedProxies = &f.trusted
	}
	return s
}

var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// options takes the flags and the settings file together. A fault of the flags is a usageError.
func (f *flags) options(file *config.File) (inject.Options, error) {
	o := inject.Options{Options: planner.Options{Version: version.String()}}
	var errs []error
	for _, text := range f.gates {
		t, err := choice.ParseTarget(text)
		if err != nil {
			errs = append(errs, usageError{fmt.Errorf("--gate: %w", err)})
		}
		o.Targets = append(o.Targets, t)
	}
	for _, text := range f.allowOpen {
		n, err := manifest.ParseObjectName(text)
		if err != nil {
			errs = append(errs, usageError{fmt.Errorf("--allow-open: %w", err)})
		}
		o.AllowOpen = append(o.AllowOpen, n)
	}
	for _, text := range f.keepInternal {
		i, err := planner.ParseInternal(text)
		if err != nil {
			errs = append(errs, usageError{fmt.Errorf("--keep-internal: %w", err)})
		}
		o.KeepInternal = append(o.KeepInternal, i)
	}
	if f.namespace != "" && !namespaceName.MatchString(f.namespace) {
		errs = append(errs, usageError{fmt.Errorf("--namespace: %q is not the name of a namespace", f.namespace)})
	}
	all, err := config.Resolve(f.stated(), file)
	if wrong, ok := errors.AsType[*config.SettingError](err); ok && wrong.Origin.Field == "" {
		err = usageError{err}
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return o, err
	}
	o.Namespace, o.AllowNone, o.Settings, o.Rules = all.Namespace, all.AllowNone, all.Settings, all.Rules
	return o, nil
}

// settings reads the settings file, or what a ResourceList holds in its place; nil where there is none.
func (f *flags) settings(getenv func(string) string, list *krm.List) (*config.File, error) {
	name, by := f.config, "--config"
	if name == "" && f.given("config") { // as by a variable that is not set; nobody may believe in settings that are not read
		return nil, usageError{errors.New("--config: empty; name a settings file, or leave the flag out")}
	}
	if name == "" {
		name, by = getenv("KAUTH_CONFIG"), "KAUTH_CONFIG"
	}
	var inside *yaml.Node
	if list != nil {
		inside = list.FunctionConfig
	}
	switch kind := manifest.String(inside, "kind"); {
	case inside == nil && name == "":
		return nil, nil
	case inside == nil:
		return config.Read(name)
	case name != "" && kind != "ConfigMap":
		return nil, fmt.Errorf("functionConfig: %s names settings too; use one of them", by)
	case kind == "ConfigMap":
		if err := f.configMap(inside); err != nil || name == "" {
			return nil, err
		}
		return f.settings(getenv, nil)
	default:
		return config.Decode("functionConfig", inside)
	}
}

// configMap sets the flags that a ConfigMap's data names, less those that were typed.
func (f *flags) configMap(n *yaml.Node) error {
	const place = "functionConfig"
	var known []string
	f.sets[0].VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "config" && flag.Name != "report" && flag.Name != "help" && flag.Name != "filename" && flag.Name != "output" {
			known = append(known, flag.Name)
		}
	})
	f.places = map[string]string{}
	data := manifest.Map(n, "data")
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(data)) {
		values := []string{data[name]}
		if name == "gate" {
			values = strings.FieldsFunc(data[name], func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
		}
		switch {
		case !slices.Contains(known, name):
			errs = append(errs, fmt.Errorf("%s: data.%s: not a flag of kauth; %s", place, name, config.Suggest(name, known)))
			continue
		case name != "gate" && f.given(name):
			continue
		}
		for _, value := range values {
			if err := f.sets[0].Set(name, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: data.%s: %q is not a value of this flag", place, name, value))
			}
		}
		f.places[name] = place
	}
	return errors.Join(errs...)
}
