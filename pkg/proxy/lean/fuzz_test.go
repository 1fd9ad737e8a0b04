package lean

import (
	"net/http"
	"strings"
	"testing"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// What upstreams say.
var sayings = map[string]string{
	"length":                       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\nx: 2\r\n\r\nhello",
	"length, longer body":          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world",
	"length, shorter body":         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
	"length 0":                     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"length twice":                 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	"two lengths":                  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
	"lengths in a list":            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
	"negative length":              "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
	"signed length":                "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
	"empty length":                 "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello",
	"huge length":                  "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
	"chunked":                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
	"chunked, trailers":            "HTTP/1.1 200 OK\r\nTrailer: A, B\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: 1\r\nC: 3\r\n\r\n",
	"chunked, forbidden trailer":   "HTTP/1.1 200 OK\r\nTrailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"chunked, trailer cut":         "HTTP/1.1 200 OK\r\nTrailer: A\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: ",
	"chunked, trailer too long":    "HTTP/1.1 200 OK\r\nTrailer: A\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: " + strings.Repeat("a", 8<<10) + "\r\n\r\n",
	"chunked, no last chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	"chunked, no last CRLF":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
	"chunked, bad size":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
	"chunked, size 0x":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
	"chunked, LF only":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
	"chunked, more after it":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
	"chunked and length":           "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"chunked twice":                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"gzip, chunked":                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"identity":                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello",
	"HTTP/1.0 chunked":             "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.0":                     "HTTP/1.0 200 OK\r\n\r\nhello",
	"HTTP/1.0 length":              "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.0 keep-alive":          "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.0 keep-alive, endless": "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello",
	"to the end":                   "HTTP/1.1 200 OK\r\n\r\nhello",
	"Connection: close":            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
	"Connection: x, Close":         "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 5\r\n\r\nhello",
	"204":                          "HTTP/1.1 204 No Content\r\n\r\n",
	"204 with a body":              "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
	"204 chunked":                  "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"304 with a length":            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	"304 with a body":              "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
	"100":                          "HTTP/1.1 100 Continue\r\n\r\n" + ok,
	"103":                          "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok,
	"103 with a body":              "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + ok,
	"many 102":                     strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 20) + ok,
	"102 without end":              strings.Repeat("HTTP/1.1 102 Processing\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 100),
	"102 and the end":              "HTTP/1.1 102 Processing\r\n\r\n",
	"101":                          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello",
	"101 to nothing":               "HTTP/1.1 101 Switching Protocols\r\n\r\nhello",
	"099":                          "HTTP/1.1 099 Odd\r\nContent-Length: 5\r\n\r\nhello",
	"000":                          "HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n",
	"999":                          "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
	"status of two digits":         "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
	"negative status":              "HTTP/1.1 -10 OK\r\nContent-Length: 0\r\n\r\n",
	"no reason":                    "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/2":                       "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.10":                    "HTTP/1.10 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"no HTTP":                      "SSH-2.0-OpenSSH_9.9\r\n",
	"CRLF before":                  "\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"nothing":                      "",
	"half a line":                  "HTTP/1.1 20",
	"no end of the header":         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
	"long header":                  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: " + strings.Repeat("x", headerLimit-100) + "\r\n\r\nhello",
	"header too long":              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: " + strings.Repeat("x", headerLimit) + "\r\n\r\nhello",
	"header in many lines":         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + strings.Repeat("X: y\r\n", headerLimit/6) + "\r\nhello",
	"folded":                       "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\tc\r\nContent-Length: 5\r\n\r\nhello",
	"folded first":                 "HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 5\r\n\r\nhello",
	"LF only":                      "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
	"CR in a value":                "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 5\r\n\r\nhello",
	"NUL in a value":               "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 5\r\n\r\nhello",
	"blank in a name":              "HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 5\r\n\r\nhello",
	"blank before the colon":       "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
	"no colon":                     "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 5\r\n\r\nhello",
	"second answer":                ok + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
	"408 after it":                 ok + "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
	"a blank line after it":        ok + "\r\n",
	"large body":                   "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("0123456789", 20000),
}

func TestLikeTransport(t *testing.T) {
	for name, said := range sayings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				for _, hangUp := range []bool{false, true} {
					alike(t, method, said, ok, hangUp)
					alike(t, method, ok, said, hangUp)
				}
			}
		})
	}
}

// Whatever an upstream says, a caller of this package sees what a caller of http.Transport sees, also in the answer that
// follows. The one difference allowed is in ask: http.Transport hands out a 101 that nobody asked for, and its caller,
// ReverseProxy, refuses it, or not, when it names no protocol; here it is always an error.
func FuzzLikeTransport(f *testing.F) {
	for _, said := range sayings {
		if len(said) < 4<<10 {
			f.Add(said, ok, uint16(len(said)), false, false)
			f.Add(ok, said, uint16(len(ok)), true, false)
			f.Add(said, said, uint16(len(said)/2), false, true)
		}
	}
	f.Fuzz(func(t *testing.T, first, second string, cut uint16, head, hangUp bool) {
		// More than fits into one buffer may come late: an answer that nobody asked for and that comes just when somebody
		// asks for another is taken for it by any client of HTTP/1.1.
		first, second = first[:min(len(first), 4<<10)], second[:min(len(second), 4<<10)]
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		alike(t, method, first[:min(len(first), int(cut))], second, hangUp)
	})
}
