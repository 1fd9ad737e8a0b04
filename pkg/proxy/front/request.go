package front

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/kauth-dev/kauth/pkg/proxy/octets"
)

// A verdict is what the bytes of a connection begin with.
type verdict int

const (
	part  verdict = iota // what may become a plain request
	plain                // one
	odd                  // something else
)

const lineEnd = "\r\n"

var headEnd = []byte(lineEnd + lineEnd)

// parse returns the plain request that b begins with, and its size. All that base has it has too.
func parse(b []byte, base *http.Request) (*http.Request, int, verdict) {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		if promising(b) {
			return nil, 0, part
		}
		return nil, 0, odd
	}
	size := end + len(headEnd)
	line, lines, _ := strings.Cut(string(b[:end+len(lineEnd)]), lineEnd)
	r := new(http.Request)
	*r = *base
	if !setLine(r, line) || !setHeader(r, lines) {
		return nil, 0, odd
	}
	return r, size, plain
}

var methods = [...]string{http.MethodGet + " /", http.MethodHead + " /"}

// promising says whether more bytes could make a plain request of b. It must not wait for the end of what net/http already
// takes for a whole request, or refuses: there, lines may end without a CR.
func promising(b []byte) bool {
	for _, m := range methods {
		if n := min(len(m), len(b)); string(b[:n]) == m[:n] {
			for i, c := range b {
				if c == '\n' && (i == 0 || b[i-1] != '\r') {
					return false
				}
			}
			return true
		}
	}
	return false
}

// setLine reads the request line.
func setLine(r *http.Request, line string) bool {
	for _, m := range methods {
		if !strings.HasPrefix(line, m) {
			continue
		}
		method := m[:len(m)-len(" /")]
		target, ok := strings.CutSuffix(line[len(method)+1:], " HTTP/1.1")
		if !ok || !octets.Target.All(target) {
			return false
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return false
		}
		r.Method, r.RequestURI, r.URL = method, target, u
		return true
	}
	return false
}

// setHeader reads the header lines, each of which ends with lineEnd.
func setHeader(r *http.Request, lines string) bool {
	n := strings.Count(lines, lineEnd)
	header, space := make(http.Header, n), make([]string, n)
	hosts := 0
	for lines != "" {
		line, rest, _ := strings.Cut(lines, lineEnd)
		lines = rest
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || !octets.Token.All(name) || !octets.Value.All(value) {
			return false
		}
		name, value = textproto.CanonicalMIMEHeaderKey(name), textproto.TrimString(value)
		switch name {
		case "Host":
			if hosts++; value == "" || !octets.Host.All(value) {
				return false
			}
			r.Host = value
			continue
		case "Connection":
			if !strings.EqualFold(value, "keep-alive") {
				return false
			}
		case "Content-Length", "Transfer-Encoding", "Trailer", "Te", "Upgrade", "Expect", "Keep-Alive", "Proxy-Connection", "Http2-Settings":
			return false
		}
		if have := header[name]; have != nil {
			header[name] = append(have, value)
			continue
		}
		space[0] = value
		header[name], space = space[:1:1], space[1:]
	}
	// As net/http does it: RFC 7234 section 5.4.
	if said := header["Pragma"]; len(said) > 0 && said[0] == "no-cache" && header["Cache-Control"] == nil {
		header["Cache-Control"] = []string{"no-cache"}
	}
	r.Header = header
	return hosts == 1
}
