package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/gateconf"
)

// Names as the API wants them: those of namespaces and ports (RFC 1123 labels), and those of Secrets (RFC 1123
// subdomains); the forms of kinds and quantities.
var (
	namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	secretName    = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	portName      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	kindName      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	quantity      = regexp.MustCompile(`^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?$`)
	resourceName  = regexp.MustCompile(`^(cpu|memory|ephemeral-storage|[a-z0-9.-]+/[A-Za-z0-9._-]+)$`)
)

// SettingError is the error of one setting that cannot be.
type SettingError struct {
	Origin  Origin
	Message string
}

func (e *SettingError) Error() string { return e.Origin.Reference() + ": " + e.Message }

// validator collects what is wrong with settings.
type validator struct {
	*Settings
	errs []error
}

func (v *validator) wrong(setting, format string, args ...any) {
	v.errs = append(v.errs, &SettingError{Origin: v.Origin(setting), Message: fmt.Sprintf(format, args...)})
}

// value is a setting's value, or its default where nobody states one. An empty text that somebody states stays empty.
func (v *validator) value(setting, value, otherwise string) string {
	if v.Stated(setting) {
		return value
	}
	return otherwise
}

// validate says everything that is wrong with the settings, each by the place that states it.
func (s *Settings) validate() error {
	v := &validator{Settings: s}
	v.mode()
	v.policy()
	v.checks()
	for _, secret := range []struct{ setting, name string }{{"usersSecret", s.UsersSecret}, {"tlsSecret", s.TLSSecret}, {"headerSecret", s.HeaderSecret}} {
		// An empty name of the other two takes back what a place of less weight states.
		if (len(secret.name) > 253 || !secretName.MatchString(secret.name)) && (secret.name != "" || secret.setting == "usersSecret" && s.Stated("usersSecret")) {
			v.wrong(secret.setting, "%q is not the name of a Secret", secret.name)
		}
	}
	for _, cidr := range s.TrustedProxies {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			v.wrong("trustedProxies", "%q is not a CIDR such as 10.0.0.0/16", cidr)
		}
	}
	if s.Port < 0 || s.Port > 65535 || s.Port == 0 && s.From["port"].Field != "" {
		v.wrong("port", "%d is not a port number", s.Port)
	}
	if s.Stated("realm") {
		if err := gateconf.ValidRealm(s.Realm); err != nil {
			v.wrong("realm", "%v", err)
		}
	}
	if strings.ContainsAny(s.Image, " \t\n") {
		v.wrong("image", "%q is not an image", s.Image)
	}
	v.paths()
	v.resources()
	return errors.Join(v.errs...)
}

// policy validates who is kept out of the pods. Who says none may leave the list of allowed ones in the file; who says
// nothing believes in a policy that is not there.
func (v *validator) policy() {
	switch v.value("networkPolicy", v.NetworkPolicy, PolicyNone) {
	case PolicyNone, PolicySameNamespace, PolicyGateOnly:
	default:
		v.wrong("networkPolicy", "%q is not a policy; use %s, %s or %s", v.NetworkPolicy, PolicyNone, PolicySameNamespace, PolicyGateOnly)
	}
	if len(v.AllowFrom) > 0 && !v.Stated("networkPolicy") {
		v.wrong("allowFrom", "lets somebody in where nobody is kept out; give networkPolicy too, or leave it out")
	}
}

// mode validates who checks the passwords, and refuses what only a sidecar can be told: always where it is a lock that
// somebody believes in, and else where the same place asks for both. What defaults or flags say for other gates is no matter.
func (v *validator) mode() {
	switch v.value("mode", v.Mode, ModeSidecar) {
	case ModeSidecar:
		return
	case ModeIngress, ModeNative:
	default:
		v.wrong("mode", "%q is not a mode; use %s, %s or %s", v.Mode, ModeSidecar, ModeIngress, ModeNative)
		return
	}
	locks := map[string]bool{
		"auth": v.Auth == gateconf.AuthNone, "signIn": v.SignIn == gateconf.SignInPage, "requireHeader": v.RequireHeader != "",
		"headerSecret": v.HeaderSecret != "", "tlsSecret": v.TLSSecret != "",
	}
	for _, setting := range []string{
		"auth", "signIn", "requireHeader", "headerSecret", "tlsSecret",
		"port", "trustedProxies", "healthPath", "upstreamHealthPath", "image", "resources",
	} {
		lock, known := locks[setting]
		if v.Stated(setting) && (lock || !known && v.Origin(setting).beside(v.Origin("mode"))) {
			v.wrong(setting, "only a gate of mode %s knows this, but the mode is %q, as %s says; leave one of them out", ModeSidecar, v.Mode, v.Origin("mode"))
		}
	}
}

// checks validates what the gates ask for.
func (v *validator) checks() {
	if s := v.value("signIn", v.SignIn, gateconf.SignInDialog); s != gateconf.SignInDialog && s != gateconf.SignInPage {
		v.wrong("signIn", "%q is neither dialog nor page", v.SignIn)
	}
	if v.RequireHeader != "" {
		if err := gateconf.ValidRequiredHeader(v.RequireHeader); err != nil {
			v.wrong("requireHeader", "%v", err)
		}
	}
	if (v.RequireHeader == "") != (v.HeaderSecret == "") {
		given, missing := "requireHeader", "headerSecret"
		if v.RequireHeader == "" {
			given, missing = missing, given
		}
		v.wrong(given, "a header and its accepted values go together; give %s too, or neither", v.Origin(given).spell(missing))
	}
	switch v.value("auth", v.Auth, gateconf.AuthBasic) {
	case gateconf.AuthBasic:
	case gateconf.AuthNone:
		if v.RequireHeader == "" {
			v.wrong("auth", "%q would let everybody in; it is only allowed with %s", v.Auth, v.Origin("auth").spell("requireHeader"))
		}
		if v.SignIn == gateconf.SignInPage {
			v.wrong("signIn", "%q has nothing to ask for with %s %s; leave one of them out", v.SignIn, v.Origin("signIn").spell("auth"), v.Auth)
		}
	default:
		v.wrong("auth", "%q is neither basic nor none", v.Auth)
	}
}

func (v *validator) paths() {
	if v.Stated("healthPath") && (!gateconf.IsCanonicalPath(v.HealthPath) || v.HealthPath == "/") {
		v.wrong("healthPath", "%q is not a plain absolute path such as %s", v.HealthPath, gateconf.HealthPath)
	}
	if p := v.UpstreamHealthPath; p != "" && (!strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, " #\t\n")) {
		v.wrong("upstreamHealthPath", "%q is not a path that starts with a single slash", p)
	}
}

func (v *validator) resources() {
	if v.Resources == nil {
		return
	}
	v.amounts("requests", v.Resources.Requests)
	v.amounts("limits", v.Resources.Limits)
}

func (v *validator) amounts(list string, amounts map[string]Quantity) {
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		switch amount := string(amounts[name]); {
		case !resourceName.MatchString(name):
			v.wrong("resources", "%s: %q is not a resource of a container; %s", list, name, Suggest(name, []string{"cpu", "memory", "ephemeral-storage"}))
		case !quantity.MatchString(amount):
			v.wrong("resources", "%s: %s: %s is not an amount such as 100m or 64Mi", list, name, strconv.Quote(amount))
		}
	}
}
