package config

import (
	"strings"
	"unicode"
)

// Settings are what one gate is told, all places taken together. The zero value of a field means kauth's own default.
type Settings struct {
	Mode               string // ModeSidecar, ModeIngress or ModeNative
	Auth               string // gateconf.AuthBasic or AuthNone
	UsersSecret        string
	Realm              string
	SignIn             string // gateconf.SignInDialog or SignInPage
	Port               int    // of the gate; 0 for 8181, or the next free one
	RequireHeader      string // header without which requests are refused; "" for none
	HeaderSecret       string // Secret whose values of that header are accepted
	TLSSecret          string // Secret of type kubernetes.io/tls that the gate serves with; "" for plain HTTP
	TrustedProxies     []string
	NetworkPolicy      string // PolicyNone, PolicySameNamespace or PolicyGateOnly
	AllowFrom          []Peer // who else that policy lets in
	HealthPath         string
	UpstreamHealthPath string // "" where kauth finds it out
	Image              string // of the sidecar; "" for the release's own
	Resources          *Resources

	From map[string]Origin // by the name of the setting; what is missing has its default
}

// The values of Settings.Mode, by who checks the passwords, and NetworkPolicy.
const (
	ModeSidecar = "sidecar" // a gate of ours in the pod
	ModeIngress = "ingress" // the ingress controller, on each route
	ModeNative  = "native"  // the application itself, by --web.config.file
	PolicyNone  = "none"
)

// Origin is where a setting was stated.
type Origin struct {
	Place string // "--realm", "kauth.yaml:7" or "functionConfig"
	Field string // "gates[0].realm"; "" for a flag
}

// String is the origin as people are told it: --realm, kauth.yaml:7, functionConfig gates[0].realm.
func (o Origin) String() string {
	if o.Field == "" || strings.Contains(o.Place, ":") {
		return o.Place
	}
	return o.Place + " " + o.Field
}

// Reference starts an error about the setting.
func (o Origin) Reference() string {
	if o.Field == "" {
		return o.Place
	}
	return o.Place + ": " + o.Field
}

// beside says whether two settings are stated in one place: both as flags, or in the same part of a file.
func (o Origin) beside(other Origin) bool {
	part := func(field string) string { return field[:max(strings.LastIndexByte(field, '.'), 0)] }
	return (o.Field == "") == (other.Field == "") && part(o.Field) == part(other.Field)
}

// spell names another setting as one writes it in the same place.
func (o Origin) spell(setting string) string {
	if strings.HasPrefix(o.Place, "--") {
		return "--" + FlagName(setting)
	}
	return setting
}

// FlagName returns the flag of a setting: usersSecret is --users-secret.
func FlagName(setting string) string {
	var b strings.Builder
	for _, r := range setting {
		if unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// layer is one place that states settings.
type layer struct {
	stated *Stated
	origin func(setting string) Origin
}

// resolve takes each setting from the first layer that states it.
func resolve(layers []layer) Settings {
	s := Settings{From: map[string]Origin{}}
	take(&s, layers, "mode", &s.Mode, func(t *Stated) *string { return t.Mode })
	take(&s, layers, "auth", &s.Auth, func(t *Stated) *string { return t.Auth })
	take(&s, layers, "usersSecret", &s.UsersSecret, func(t *Stated) *string { return t.UsersSecret })
	take(&s, layers, "realm", &s.Realm, func(t *Stated) *string { return t.Realm })
	take(&s, layers, "signIn", &s.SignIn, func(t *Stated) *string { return t.SignIn })
	take(&s, layers, "port", &s.Port, func(t *Stated) *int { return t.Port })
	take(&s, layers, "requireHeader", &s.RequireHeader, func(t *Stated) *string { return t.RequireHeader })
	take(&s, layers, "headerSecret", &s.HeaderSecret, func(t *Stated) *string { return t.HeaderSecret })
	take(&s, layers, "tlsSecret", &s.TLSSecret, func(t *Stated) *string { return t.TLSSecret })
	take(&s, layers, "trustedProxies", &s.TrustedProxies, func(t *Stated) *[]string { return t.TrustedProxies })
	take(&s, layers, "networkPolicy", &s.NetworkPolicy, func(t *Stated) *string { return t.NetworkPolicy })
	take(&s, layers, "allowFrom", &s.AllowFrom, func(t *Stated) *[]Peer { return t.AllowFrom })
	take(&s, layers, "healthPath", &s.HealthPath, func(t *Stated) *string { return t.HealthPath })
	take(&s, layers, "upstreamHealthPath", &s.UpstreamHealthPath, func(t *Stated) *string { return t.UpstreamHealthPath })
	take(&s, layers, "image", &s.Image, func(t *Stated) *string { return t.Image })
	for _, l := range layers {
		if l.stated != nil && l.stated.Resources != nil {
			s.Resources, s.From["resources"] = l.stated.Resources, l.origin("resources")
			break
		}
	}
	return s
}

func take[T any](s *Settings, layers []layer, name string, to *T, field func(*Stated) *T) {
	for _, l := range layers {
		if l.stated == nil {
			continue
		}
		if value := field(l.stated); value != nil {
			*to, s.From[name] = *value, l.origin(name)
			return
		}
	}
}

// Stated says whether the setting was stated anywhere.
func (s *Settings) Stated(name string) bool { _, on := s.From[name]; return on }

// Origin is where a setting was stated; where it was not, the name of its flag stands for it.
func (s *Settings) Origin(name string) Origin {
	if o, on := s.From[name]; on {
		return o
	}
	return Origin{Place: "--" + FlagName(name)}
}
