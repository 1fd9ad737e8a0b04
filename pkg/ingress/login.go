// Package ingress owns logins that ingress controllers check (mode ingress): at which spots each is told to ask, for which
// users, and who else is asked with that.
package ingress

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/finding"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/ingressauth"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/plan"
	"github.com/kauth-dev/kauth/pkg/program"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// asking is what an ingress controller is to ask for at one spot.
type asking struct {
	ingressauth.Spot
	logins []*plan.Login // whose workloads the ways lead to; all want the same, or there is an error
	keep   bool          // the header with the password must go on, since somebody behind asks for it too
}

// Logins is a Draft, and what ingress controllers are to ask for.
type Logins struct {
	*plan.Draft
	asked       []*asking // in the order of their ways
	asks        map[ingressauth.Spot]*asking
	middlewares map[middlewareKey]string // the names of those that are added
	traefik     string                   // the API group of those that are for Ingresses, once it is known
}

// New returns the logins of a draft, none of which is asked for yet.
func New(d *plan.Draft) *Logins {
	return &Logins{Draft: d, asks: map[ingressauth.Spot]*asking{}, middlewares: map[middlewareKey]string{}}
}

// dropUnasked leaves out the workloads that no way leads to on which somebody could ask, for nothing would guard them.
func (p *Logins) dropUnasked(allowNone bool) {
	if p.Failed() {
		return
	}
	var kept []*plan.Login
	var names []string
	for _, l := range p.Logins {
		if l.Mode != config.ModeIngress || len(l.Asks) > 0 {
			kept = append(kept, l)
			continue
		}
		names = append(names, l.Ref().Short())
		p.Find(finding.Warning, l.Workload.Object, nil, "put its routes into the stream, or "+ingressauth.OrSidecar, "left without a login, for no route of this stream leads to it where an ingress controller could ask")
	}
	if len(names) > 0 && len(p.Gates)+len(kept) == 0 && !allowNone {
		p.Findings = append(p.Findings, finding.Finding{
			Severity: finding.Error, Message: "nothing to gate: no route of this stream leads to " + strings.Join(names, " or ") + " where an ingress controller could ask",
			Hint: "put the routes into the stream, or use --allow-none where an open door is what you want",
		})
	}
	p.KeepLogins(kept)
}

// sayLogin says what the mode leaves open.
func (p *Logins) sayLogin(l *plan.Login) {
	o := l.Workload.Object
	if !l.Closed() {
		p.Find(finding.Info, o, nil, "keep untrusted pods out with --network-policy same-namespace, and let in the ingress controller and scrapers with allowFrom",
			"port %d stays open inside the cluster, where the ingress controller is not on the way", l.Port)
	}
	p.Find(finding.Info, o, nil, "have it ask inside the cluster, or use mode sidecar, whose gate has "+gateconf.HealthPath,
		"nothing outside can ask for the health of port %d without a password, for the ingress controller asks on each path", l.Port)
}

// Node refuses an application that anybody reaches at a port of its node, declared or not.
func (p *Logins) Node(l *plan.Login) {
	if way := program.OpenOnNode(l.Workload, l.Port); l.Mode == config.ModeIngress && way != nil && !l.Workload.Takes(l.Port) {
		p.RefuseWay(way, program.LoopbackHint, "port %d of %s is open on its node, past every ingress controller", l.Port, l.Ref().Short())
	}
}

// Way notes where the password is to be asked for on a way, or refuses it.
func (p *Logins) Way(way *topology.Way, l *plan.Login) {
	if ingressauth.BesidesLogin(way, l.Port) {
		p.sayBesides(way)
		return
	}
	spots, no := ingressauth.Spots(p.Model, way)
	for i := 0; i < len(spots) && no == nil; i++ {
		no = spots[i].Obstacle(p.Model, l.Realm())
	}
	if no != nil {
		p.refuseAsking(way, l, no)
		return
	}
	for _, s := range spots {
		a := p.asks[s]
		if a == nil {
			a = &asking{Spot: s}
			p.asks[s], p.asked = a, append(p.asked, a)
		}
		if !slices.Contains(a.logins, l) {
			a.logins = append(a.logins, l)
		}
		l.Asks[way] = s.Asker()
	}
	if way.Maybe {
		p.Find(finding.Info, way.Service.Object, manifest.P("spec", "selector"), "",
			"selects %s only when its pods get more labels at run time; it counts as a way in", l.Ref().Short())
	}
}

// refuseAsking makes a way on which nobody can ask an Error, or records that the user allows it.
func (p *Logins) refuseAsking(way *topology.Way, l *plan.Login, no *ingressauth.Obstacle) {
	what := "port " + way.PortText() + " of " + l.Ref().Short() + " " + no.What
	o := way.Object()
	if no.Field == nil || p.Allows(o) {
		p.RefuseWay(way, no.Hint, "%s", what)
		return
	}
	p.Find(finding.Error, o, no.Field, no.Hint+", or leave it open with --allow-open "+o.Kind+"/"+o.Name, "%s", what)
}

// Ask plans what the spots get, once all ways are known. That there is nothing to gate in the end is no error with allowNone.
func (p *Logins) Ask(allowNone bool) {
	p.dropUnasked(allowNone)
	for _, l := range p.Logins {
		if l.Mode == config.ModeIngress {
			p.sayLogin(l)
		}
	}
	if len(p.asked) == 0 {
		return
	}
	through := p.waysThrough()
	for _, a := range p.asked {
		if !p.oneUsers(a) || !p.othersBehind(a, through[a.Spot]) {
			continue
		}
		if a.Asker() == ingressauth.NGINX {
			p.askNGINX(a)
		} else {
			p.askTraefik(a)
		}
		p.sayUsers(a)
		p.sayChallenges(a)
	}
	p.idsOfTraefik()
}

// oneUsers refuses a spot that is to ask for two things, for it can only ask for one.
func (p *Logins) oneUsers(a *asking) bool {
	first := a.logins[0]
	for _, l := range a.logins[1:] {
		if l.UsersSecret() != first.UsersSecret() || l.Realm() != first.Realm() {
			p.Find(finding.Error, a.Route.Object, a.Path(), "give both the same usersSecret and realm, or each a route of its own",
				"leads to %s and %s, which want different users or realms, but %s can ask for one password alone", first.Ref().Short(), l.Ref().Short(), a.Asker())
			return false
		}
	}
	return true
}

// waysThrough lists the ways that pass each spot, those to workloads without a login too.
func (p *Logins) waysThrough() map[ingressauth.Spot][]*topology.Way {
	through := map[ingressauth.Spot][]*topology.Way{}
	for _, way := range p.Model.Ways {
		if way.Route == nil {
			continue
		}
		spots, _ := ingressauth.Spots(p.Model, way)
		for _, s := range spots {
			through[s] = append(through[s], way)
		}
	}
	return through
}

// othersBehind says what becomes of those behind a spot who did not ask for a password there, and refuses it where a
// request would need two.
func (p *Logins) othersBehind(a *asking, ways []*topology.Way) bool {
	l, ok, meant := a.logins[0], true, map[*topology.Backend]bool{}
	for _, way := range ways {
		meant[way.Backend] = meant[way.Backend] || slices.Contains(a.logins, p.LoginOf(way.Workload))
	}
	for _, way := range ways {
		w := way.Workload
		g, other := p.GateOf(w), p.LoginOf(w)
		if other != nil && slices.Contains(a.logins, other) {
			continue
		}
		var secret string
		switch {
		case g != nil && g.Config.Auth != gateconf.AuthNone:
			secret = g.Config.UsersSecret
		case other != nil:
			secret = other.UsersSecret()
		default:
			if !meant[way.Backend] { // one Service may select others as well
				p.alsoAsked(a, way)
			}
			continue
		}
		if secret != l.UsersSecret() || !topology.SameNamespace(w.Object.Namespace, a.Route.Object.Namespace) {
			p.Find(finding.Error, a.Route.Object, way.Field(), "give it a route of its own, or all of them the same usersSecret",
				"leads to %s, which asks for a password too, from other users than the route for %s does, though a request has one", w.Object.Ref.Short(), l.Ref().Short())
			ok = false
			continue
		}
		a.keep = true
		p.Find(finding.Info, a.Route.Object, way.Field(), "", "leads to %s, which asks for a password too; %s now asks before it, for the same users", w.Object.Ref.Short(), a.Asker())
	}
	return ok
}

// alsoAsked warns of a way that leads to somebody else and asks for a password from now on.
func (p *Logins) alsoAsked(a *asking, way *topology.Way) {
	why := ""
	if a.Field == "" {
		why = ", since its annotations are for all its paths"
	}
	p.Find(finding.Warning, a.Route.Object, nil, "give that one a route of its own where it must stay open", "asks for a password before Service %q too%s", way.Backend.Service, why)
}

// sayUsers says, once for each Secret, what it takes to let somebody in.
func (p *Logins) sayUsers(a *asking) {
	l, namespace := a.logins[0], a.Route.Object.Namespace
	if !p.FirstTime("users " + namespace + "/" + l.UsersSecret()) {
		return
	}
	command, where := "kubectl basicauth user add NAME", ""
	if namespace != "" {
		command += " --namespace " + namespace
	}
	if l.UsersSecret() != gateconf.UsersSecret {
		command += " --secret " + l.UsersSecret()
	}
	if namespace != l.Ref().Namespace {
		where = " of namespace " + strconv.Quote(namespace) + ", that of the route,"
	}
	p.Find(finding.Info, l.Workload.Object, nil, command, "nobody gets in before Secret %q%s has a user", l.UsersSecret(), where)
}

// sayChallenges warns of certificates that would not be renewed.
func (p *Logins) sayChallenges(a *asking) {
	const key = "acme.cert-manager.io/http01-edit-in-place"
	if a.Route.Object.Kind == "Ingress" && a.Route.Annotations[key] == "true" {
		p.Find(finding.Warning, a.Route.Object, manifest.P("metadata", "annotations", key), "remove it, and cert-manager makes an Ingress of its own for them",
			"cert-manager answers HTTP-01 challenges by this Ingress, which asks for a password now, so certificates will not be renewed")
	}
}
