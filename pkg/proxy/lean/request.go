package lean

import (
	"net/http"
	"net/textproto"
	"sync"

	"github.com/kauth-dev/kauth/pkg/proxy/octets"
)

// maxHead is how many bytes a request may have. The send buffer of an idle connection takes as many without waiting: who
// writes first and reads then would wait for ever on an upstream that answers a long request before it has read it.
const maxHead = 16 << 10

// Covers says whether a request is one that Send can send: without a body, harmless when sent twice, and with nothing in its
// target, Host or header that http.Transport would refuse or rewrite.
func Covers(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		(r.Body == nil || r.Body == http.NoBody) && len(r.Trailer) == 0 && r.URL != nil && r.Header != nil && plain(r.Header) && addressed(r)
}

// plain says whether a header can be sent as it stands: Transport refuses what is no token or has control characters.
func plain(h http.Header) bool {
	size := 0
	for name, values := range h {
		switch name {
		case "Connection", "Upgrade", "Expect":
			return false
		}
		if name == "" || !octets.Token.All(name) {
			return false
		}
		for _, v := range values {
			if !octets.Value.All(v) {
				return false
			}
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	return size <= maxHead
}

// addressed says whether host and target can be sent as they stand.
func addressed(r *http.Request) bool {
	host, target := hostOf(r), r.URL.RequestURI()
	return len(host)+len(target) <= maxHead && host != "" && octets.Host.All(host) && octets.Target.All(target)
}

func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// A head is a request as it goes over the wire.
type head struct{ out []byte }

var heads = sync.Pool{New: func() any { return new(head) }}

// set writes down what http.Transport would send of a request that Covers approves of.
func (h *head) set(r *http.Request) {
	agent := "Go-http-client/1.1"
	if said, ok := r.Header["User-Agent"]; ok { // ReverseProxy says by an empty one that there was none
		agent = ""
		if len(said) > 0 {
			agent = said[0]
		}
	}
	h.out = append(h.out[:0], r.Method...)
	h.out = append(h.out, ' ')
	h.out = append(h.out, r.URL.RequestURI()...)
	h.out = append(h.out, " HTTP/1.1\r\nHost: "...)
	h.out = append(h.out, hostOf(r)...)
	h.out = append(h.out, "\r\n"...)
	if agent != "" {
		h.out = append(h.out, "User-Agent: "...)
		h.out = append(h.out, textproto.TrimString(agent)...)
		h.out = append(h.out, "\r\n"...)
	}
	for name, values := range r.Header { // in any order, where http.Header sorts for a third of what a request's header costs
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer": // written otherwise, or not at all
			continue
		}
		for _, v := range values {
			h.out = append(h.out, name...)
			h.out = append(h.out, ": "...)
			h.out = append(h.out, textproto.TrimString(v)...)
			h.out = append(h.out, "\r\n"...)
		}
	}
	h.out = append(h.out, "\r\n"...)
}
