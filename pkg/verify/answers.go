package verify

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// answers reports on what a pod said.
func (v *verifier) answers(s *subject, p *live.Pod, ref string, a *answer) {
	switch {
	case s.Mode == config.ModeIngress:
		return // the pod itself asks for nothing
	case a == nil:
		return
	case a.refused:
		v.add(userstore.Warn, ref, "knock", "ask for the right, or for somebody who has it; docs/verify.md has a role", "could not be asked: %v", a.err)
		return
	case a.err != nil:
		v.add(userstore.Fail, ref, "knock", "see whether its node "+p.Spec.NodeName+" is well, and whether kubectl port-forward works", "could not be asked: port-forward: %v", a.err)
		return
	}
	if s.Mode == config.ModeSidecar && s.Config.Auth != gateconf.AuthNone {
		v.loaded(s, p, ref, a)
	}
	v.refuses(s, p, ref, a)
	if a.user.code != 0 || a.user.err != nil {
		v.letsIn(s, ref, a.user)
	}
}

// loaded reports on the users that a gate goes by.
func (v *verifier) loaded(s *subject, p *live.Pod, ref string, a *answer) {
	const name = "users"
	if a.noStatus != nil {
		v.add(userstore.Fail, ref, name, logs(p), "its port %s, where a gate says which users are in force: %v", portOf(s.Config.AdminListen), a.noStatus)
		return
	}
	secret, _ := v.secretOf(s)
	known, u := v.secrets[s.Ref.Namespace+"/"+secret], a.status.Users
	switch {
	case u.Error != "" && u.Loaded > 0:
		v.add(userstore.Fail, ref, name, "mend the Secret", "the last good users are in force, %d of them, not the Secret's: %s", u.Loaded, u.Error)
	case u.Error != "":
		v.add(userstore.Fail, ref, name, "mend the Secret", "nobody gets in: %s", u.Error)
	case known == nil || known.fingerprint == "":
		unknown := "could not be read"
		if known != nil {
			unknown = known.unknown
		}
		v.add(userstore.Warn, ref, name, "", "in force: %d; not compared with Secret %q, which %s", u.Loaded, secret, unknown)
	case u.Fingerprint == "":
		v.add(userstore.Warn, ref, name, "use a kubectl basicauth and a gate of one version", "in force: %d; not compared with Secret %q, for the gate tells no fingerprint", u.Loaded, secret)
	case known.fingerprint != u.Fingerprint:
		v.add(userstore.Fail, ref, name, "the kubelet takes a minute or so to bring a changed Secret; verify again",
			"in force: %d, from another text than Secret %q has now", u.Loaded, secret)
	case u.Loaded == 0:
		v.add(userstore.Fail, ref, name, "add one with kubectl basicauth user add", "no user is in force, so nobody gets in")
	default:
		v.add(userstore.Pass, ref, name, "", "in force: %d, as Secret %q says", u.Loaded, secret)
	}
}

// logs is where a pod says more: its gate, and without one the application that asks for the password itself.
func logs(p *live.Pod) string {
	command := "kubectl logs -n " + p.Namespace + " " + p.Name
	if live.Gate(p.Pod) != nil {
		command += " -c " + gateconf.ContainerName
	}
	return command + " may say why"
}

// refuses reports on whether a gate keeps strangers out.
func (v *verifier) refuses(s *subject, p *live.Pod, ref string, a *answer) {
	const name = "knock"
	want := http.StatusUnauthorized
	if s.Config.RequireHeader != "" {
		want = http.StatusForbidden
	}
	fail := func(hint, format string, args ...any) { v.add(userstore.Fail, ref, name, hint, format, args...) }
	wrong := "replace the gate: helm upgrade with --post-renderer kauth, then delete the pod"
	if s.Mode == config.ModeNative {
		wrong = anew
	}
	switch realm, basic := challenge(a.plain.header); {
	case a.plain.err != nil:
		fail(logs(p), "no answer: %v", a.plain.err)
		return
	case a.plain.code == http.StatusServiceUnavailable:
		fail("add a user with kubectl basicauth user add", "answers 503: nobody gets in")
		return
	case a.plain.code != want && a.plain.code < 400:
		fail(wrong, "lets everybody in: %d without a password", a.plain.code)
		return
	case a.plain.code != want:
		fail(logs(p), "answers %d without a password, not %d", a.plain.code, want)
		return
	case want == http.StatusUnauthorized && !basic:
		fail(wrong, "answers 401, but asks for no Basic password")
		return
	case want == http.StatusUnauthorized && s.Mode == config.ModeSidecar && realm != s.Config.Realm:
		fail(wrong, "asks for a password of realm %q, but its arguments say %q", realm, s.Config.Realm)
		return
	case a.headed.code != 0 && s.Config.Auth != gateconf.AuthNone && a.headed.code < 400:
		fail(wrong, "lets everybody in who has the header: %d without a password", a.headed.code)
		return
	case a.headed.code == http.StatusForbidden:
		fail("see whether the pod has the Secret's values yet", "refuses an accepted value of header %s with 403", s.Config.RequireHeader)
		return
	case a.headed.code != 0 && a.headed.code != http.StatusUnauthorized && s.Config.Auth != gateconf.AuthNone:
		fail(logs(p), "answers %d with header %s and without a password, not 401", a.headed.code, s.Config.RequireHeader)
		return
	case a.wrong.code != 0 && a.wrong.code < 400:
		fail(wrong, "lets everybody in: %d with a password that nobody has", a.wrong.code)
		return
	case a.wrong.code != 0 && !refusal[a.wrong.code]: // what it is may come from behind the gate
		fail(logs(p), "answers %d to a password that nobody has, not 401", a.wrong.code)
		return
	}
	v.keepsOut(s, p, ref, a)
}

// refusal are the codes with which a password is refused: by a gate, for want of its header, after failures, and by some
// applications of their own.
var refusal = map[int]bool{http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusTooManyRequests: true}

// keepsOut reports on a gate that let no stranger in: how far it was asked, and its health.
func (v *verifier) keepsOut(s *subject, p *live.Pod, ref string, a *answer) {
	const name = "knock"
	status, hint, message := userstore.Pass, "", fmt.Sprintf("%d without a password", a.plain.code)
	if header := s.Config.RequireHeader; header != "" {
		message = "403 without header " + header
		switch {
		case a.headed.err != nil:
			status, hint = userstore.Warn, "verify again"
			message += fmt.Sprintf("; whether it asks for a password with the header is not known, for there was no answer: %v", a.headed.err)
		case a.headed.code != 0:
			message += fmt.Sprintf(", %d with it", a.headed.code)
		case s.Config.Auth != gateconf.AuthNone:
			status, hint = userstore.Warn, "ask for the right to get the Secret that holds them"
			message += "; whether it asks for a password with the header was not tried, for its values could not be read"
		}
	}
	if a.wrong.err != nil {
		status, hint = userstore.Warn, "verify again"
		message += fmt.Sprintf("; no answer to a wrong password: %v", a.wrong.err)
	}
	if realm, _ := challenge(a.plain.header); realm != "" {
		message += fmt.Sprintf(" (realm %q)", realm)
	}
	switch {
	case s.Config.HealthPath == "" || s.Mode != config.ModeSidecar:
		v.add(status, ref, name, hint, "%s", message)
	case a.health.err != nil:
		v.add(userstore.Fail, ref, name, logs(p), "%s; %s: no answer: %v", message, s.Config.HealthPath, a.health.err)
	case a.health.code != http.StatusOK:
		v.add(userstore.Fail, ref, name, "see whether the application is well", "%s; %s answers %d", message, s.Config.HealthPath, a.health.code)
	default:
		v.add(status, ref, name, hint, "%s; %s 200", message, s.Config.HealthPath)
	}
}

// letsIn reports on how a gate takes the password of --user.
func (v *verifier) letsIn(s *subject, ref string, r response) {
	name := fmt.Sprintf("user %q", v.User)
	switch {
	case r.err != nil:
		v.add(userstore.Fail, ref, name, "", "no answer: %v", r.err)
	case r.code == http.StatusForbidden && s.Config.RequireHeader != "":
		v.add(userstore.Warn, ref, name, "ask for the right to get the Secret that holds them", "not tried: the gate wants header %s, whose values may not be read", s.Config.RequireHeader)
	case r.code == http.StatusTooManyRequests:
		after := r.header.Get("Retry-After")
		if _, err := strconv.Atoi(after); err != nil {
			after = "some"
		}
		v.add(userstore.Fail, ref, name, "verify again in "+after+" s", "made to wait after failed passwords (429)")
	case r.code == http.StatusUnauthorized || r.code == http.StatusForbidden:
		v.add(userstore.Fail, ref, name, "", "refused with %d", r.code)
	case r.code >= http.StatusInternalServerError:
		v.add(userstore.Fail, ref, name, "see whether the application is well", "let in, or not: the answer was %d", r.code)
	default:
		v.add(userstore.Pass, ref, name, "", "let in (%d)", r.code)
	}
}

// challenge returns the realm of a Basic challenge among the headers.
func challenge(h http.Header) (realm string, basic bool) {
	for _, c := range h.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(c, " ")
		if !strings.EqualFold(scheme, "Basic") {
			continue
		}
		_, after, found := strings.Cut(rest, `realm="`)
		if !found {
			return "", true
		}
		var b strings.Builder
		for i := 0; i < len(after) && after[i] != '"'; i++ {
			if after[i] == '\\' && i+1 < len(after) {
				i++
			}
			b.WriteByte(after[i])
		}
		return b.String(), true
	}
	return "", false
}
