package ingress

import (
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/ingressauth"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// askNGINX plans the annotations of an Ingress of ingress-nginx.
func (p *Logins) askNGINX(a *asking) {
	l, r := a.logins[0], a.Route
	p.sayGuess(r, ingressauth.NGINX, topology.IngressNGINX)
	set := func(key, value string) {
		old, exists := r.Annotations[key]
		if exists && old == value {
			return
		}
		p.Annotations = append(p.Annotations, &plan.Annotation{Object: r.Object, Key: key, Value: value})
		if exists {
			p.Find(finding.Warning, r.Object, manifest.P("metadata", "annotations", key), "", "was %q, is now %q, for the users of Secret %q", old, value, l.UsersSecret())
		}
	}
	set(ingressauth.NGINXAuthType, "basic")
	set(ingressauth.NGINXAuthSecret, l.UsersSecret())
	if _, on := r.Annotations[ingressauth.NGINXSecretType]; on {
		set(ingressauth.NGINXSecretType, "auth-file")
	}
	set(ingressauth.NGINXAuthRealm, l.Realm())
	if r.Annotations[ingressauth.NGINXAuthURL] != "" {
		p.Find(finding.Warning, r.Object, manifest.P("metadata", "annotations", ingressauth.NGINXAuthURL), "remove one of the two", "asks for a login as well: who comes in needs both")
	}
	if !p.FirstTime("retired") {
		return
	}
	p.Find(finding.Warning, r.Object, nil, "move to another controller: "+ingressauth.OrSidecar+", and Traefik's provider for ingress-nginx reads these annotations too",
		"ingress-nginx is retired: since March 2026 nobody mends its weaknesses, and this login depends on it")
	p.Find(finding.Info, r.Object, nil, "", "ingress-nginx hands the passwords on to the application, and hashes them anew for each request")
}

// sayGuess warns where the controller of an Ingress is only guessed: another one would let everybody in.
func (p *Logins) sayGuess(r *topology.Route, who, controller string) {
	if r.Guess != "" && (who == ingressauth.NGINX || r.Class != "traefik") {
		p.Find(finding.Warning, r.Object, nil, "see that kubectl get ingressclass says "+controller+" for it, or put the IngressClass into the stream",
			"taken for one of %s %s; another controller would let everybody in", who, r.Guess)
	}
}
