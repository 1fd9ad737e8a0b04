package front

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const host = "Host: a\r\n"

var requests = map[string]verdict{
	"GET / HTTP/1.1\r\n" + host + "\r\n":                                                  plain,
	"HEAD /a/../b?c=%zz;d HTTP/1.1\r\nhOST: a:80\r\n\r\n":                                 plain,
	"GET //a HTTP/1.1\r\n" + host + "Connection: Keep-Alive\r\n\r\nGET":                   plain,
	"GET / HTTP/1.1\r\n" + host + "Cookie: a\r\nAccept: b\r\ncookie: \t c \r\nX:\r\n\r\n": plain,
	"GET / HTTP/1.1\r\n" + host + "X: \xff\r\nPragma: no-cache\r\n\r\n":                   plain,
	"GET / HTTP/1.1\r\n" + host + "Pragma: no-cache\r\nCache-Control: max-age=1\r\n\r\n":  plain,
	"GET /\xff# HTTP/1.1\r\n" + host + "\r\n":                                             plain,
	"G": part, "GET": part, "GET /": part, "HEAD / HT": part, "GET / HTTP/1.1\r": part, "GET / HTTP/1.1\r\n" + host + "\r": part,
	"POST / HTTP/1.1\r\n" + host + "\r\n": odd,
	"P":                                   odd, "\r": odd, "\n": odd, "get / HTTP/1.1\r\n": odd, "GET  / HTTP/1.1\r\n" + host + "\r\n": odd, "\r\nGET / HTTP/1.1\r\n" + host + "\r\n": odd,
	"GET * HTTP/1.1\r\n" + host + "\r\n":                                              odd,
	"GET http://a/ HTTP/1.1\r\n" + host + "\r\n":                                      odd,
	"GET / HTTP/1.0\r\n" + host + "\r\n":                                              odd,
	"GET / HTTP/1.1 \r\n" + host + "\r\n":                                             odd,
	"GET / HTTP/1.1 HTTP/1.1\r\n" + host + "\r\n":                                     odd,
	"GET /%zz HTTP/1.1\r\n" + host + "\r\n":                                           odd,
	"GET /\x00 HTTP/1.1\r\n" + host + "\r\n":                                          odd,
	"GET / HTTP/1.1\r\n\r\n":                                                          odd,
	"GET / HTTP/1.1\r\nHost:\r\n\r\n":                                                 odd,
	"GET / HTTP/1.1\r\nHost: a b\r\n\r\n":                                             odd,
	"GET / HTTP/1.1\r\n" + host + host + "\r\n":                                       odd,
	"GET / HTTP/1.1\n" + host + "\r\n":                                                odd,
	"GET / HTTP/1.1\r\nHost: a\n":                                                     odd, // net/http may have a whole request soon, and this never
	"GET / HTTP/1.1\r\n" + host + "X: a\n\n":                                          odd,
	"GET / HTTP/1.1\r\n" + host + "X: a\nY: b\r\n\r\n":                                odd,
	"GET / HTTP/1.1\r\n" + host + "X: a\rY: b\r\n\r\n":                                odd,
	"GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n":                                odd,
	"GET / HTTP/1.1\r\n X: a\r\n" + host + "\r\n":                                     odd,
	"GET / HTTP/1.1\r\n" + host + "X : a\r\n\r\n":                                     odd,
	"GET / HTTP/1.1\r\n" + host + "X\r\n\r\n":                                         odd,
	"GET / HTTP/1.1\r\n" + host + ": a\r\n\r\n":                                       odd,
	"GET / HTTP/1.1\r\n" + host + "X: \x01\r\n\r\n":                                   odd,
	"GET / HTTP/1.1\r\n" + host + "X\xff: a\r\n\r\n":                                  odd,
	"GET / HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n":                         odd,
	"GET / HTTP/1.1\r\n" + host + "Connection: keep-alive, X-Forwarded-User\r\n\r\n":  odd,
	"GET / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n":                         odd,
	"GET / HTTP/1.1\r\n" + host + "content-length: 3\r\n\r\nabc":                      odd,
	"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n":       odd,
	"GET / HTTP/1.1\r\n" + host + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n": odd,
	"GET / HTTP/1.1\r\n" + host + "Expect: 100-continue\r\n\r\n":                      odd,
	"GET / HTTP/1.1\r\n" + host + "TE: trailers\r\n\r\n":                              odd,
	"GET / HTTP/1.1\r\n" + host + "Trailer: X\r\n\r\n":                                odd,
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                                odd,
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03":                                    odd,
}

func TestParse(t *testing.T) {
	for raw, want := range requests {
		if _, _, got := parse([]byte(raw), &http.Request{}); got != want {
			t.Errorf("%q: %d, want %d", raw, got, want)
		}
	}
}

// FuzzParse: what is taken for a plain request is one for net/http too, the same, and ends where that ends.
func FuzzParse(f *testing.F) {
	for raw := range requests {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, size, v := parse(raw, &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody})
		from := bytes.NewReader(raw)
		br := bufio.NewReader(from)
		want, err := http.ReadRequest(br)
		switch v {
		case part:
			if err == nil {
				t.Fatalf("%q: more is waited for, and net/http has a request", raw)
			}
			return
		case odd:
			return
		case plain:
		}
		if err != nil {
			t.Fatalf("%q: taken for a request, and net/http says: %v", raw, err)
		}
		// What a server does beside.
		if said := want.Header["Connection"]; len(said) > 0 && !strings.EqualFold(said[0], "keep-alive") {
			t.Errorf("%q: Connection: %q", raw, said)
		}
		if rest := from.Len() + br.Buffered(); len(raw)-rest != size {
			t.Errorf("%q: %d bytes, and net/http reads %d", raw, size, len(raw)-rest)
		}
		if n, _ := io.Copy(io.Discard, want.Body); n != 0 || want.ContentLength != 0 || want.Close {
			t.Errorf("%q: a body of %d bytes, length %d, close %t", raw, n, want.ContentLength, want.Close)
		}
		want.Body = r.Body
		ignore := cmpopts.IgnoreUnexported(http.Request{})
		if diff := cmp.Diff(want, r, ignore, cmpopts.IgnoreFields(http.Request{}, "Body")); diff != "" {
			t.Errorf("%q: (-net/http +here)\n%s", raw, diff)
		}
	})
}
