package proxy

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clients finds out who sent a request.
type clients struct{ trusted []netip.Prefix }

// newClients takes CIDRs that gateconf has validated.
func newClients(cidrs []string) *clients {
	c := &clients{}
	for _, s := range cidrs {
		if p, err := netip.ParsePrefix(s); err == nil {
			c.trusted = append(c.trusted, p.Masked())
		}
	}
	return c
}

func (c *clients) isTrusted(a netip.Addr) bool {
	for _, p := range c.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// of returns the client of r: the peer, or behind trusted proxies the first address from the right of
// X-Forwarded-For that is not itself one of them. Whatever stands further left was written by who knows whom.
func (c *clients) of(r *http.Request) client {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return client{}
	}
	peer := ap.Addr().Unmap().WithZone("")
	if !c.isTrusted(peer) {
		return client{peer: peer, addr: peer}
	}
	found := client{peer: peer, addr: peer, trusted: true}
	lines := r.Header["X-Forwarded-For"]
	for _, line := range slices.Backward(lines) {
		for rest, more := line, true; more; {
			var item string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, item = rest[:comma], rest[comma+1:]
			} else {
				item, more = rest, false
			}
			addr, ok := parseHop(strings.TrimSpace(item))
			if !ok { // not an address: the last proxy that could be told is all that is known
				return found
			}
			found.addr = addr
			if !c.isTrusted(addr) {
				return found
			}
		}
	}
	return found
}

// parseHop reads one element of X-Forwarded-For. Some proxies (Azure's) add the port.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// source names the party that shares the hashing slot fairly with others: the client's address, of IPv6 the /64,
// which is the least that one party has and holds more addresses than could be told apart.
func (c *clients) source(r *http.Request) string {
	var who client
	if e := exchangeOf(r); e != nil {
		who = e.client
	} else {
		who = c.of(r)
	}
	if who.addr.Is6() {
		if p, err := who.addr.Prefix(64); err == nil {
			return p.Addr().String()
		}
	}
	return who.String()
}
