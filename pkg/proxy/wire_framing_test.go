package proxy

import (
	"strings"
	"testing"
)

// How long a body is, said in ways of which some reader has made something else: RFC 9112 sections 6 and 7. That no body
// hides a request is shown by the one that follows, or is within.
func TestFramingOnTheWire(t *testing.T) { runShapes(t, framingShapes()) }

func framingShapes() []shape {
	const (
		end   = "Connection: close\r\n\r\n"
		post  = "POST /a HTTP/1.1\r\n" + wireAuth
		get   = "GET /a HTTP/1.1\r\n" + wireAuth
		te    = post + "Transfer-Encoding: chunked\r\n\r\n"
		inner = "GET /inner/five HTTP/1.1\r\nHost: app\r\n\r\n" // 39 bytes, 27 in hexadecimal
	)
	return []shape{
		{"two equal lengths", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" + second, "200 401", []string{"POST /a abc"}},
		{"two equal lengths, one padded", post + "Content-Length: 3\r\nContent-Length:  3 \r\n\r\nabc" + second, "200 401", []string{"POST /a abc"}},
		{"two lengths, no password", "POST /a HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\nContent-Length: 39\r\n\r\n" + inner, "400", nil},
		{"two lengths of a GET", get + "Content-Length: 0\r\nContent-Length: 39\r\n\r\n" + inner, "400", nil},
		{"length with a 0 before", post + "Content-Length: 03\r\n\r\nabc" + second, "200 401", []string{"POST /a abc"}},
		{"length in hexadecimal", post + "Content-Length: 0x27\r\n\r\n" + inner, "400", nil},
		{"length with a fraction", post + "Content-Length: 3.0\r\n\r\nabc", "400", nil},
		{"length with a blank", post + "Content-Length: 3 9\r\n\r\n" + inner, "400", nil},
		{"length of no digit", post + "Content-Length: \r\n\r\n" + inner, "400", nil},
		{"length too large", post + "Content-Length: 18446744073709551619\r\n\r\nabc", "400", nil},
		{"length, folded", post + "Content-Length:\r\n 3\r\n\r\nabc" + second, "200 401", []string{"POST /a abc"}},
		{"length after a tab", post + "Content-Length:\t3\r\n\r\nabc" + second, "200 401", []string{"POST /a abc"}},
		{"length, blank before the colon", post + "Content-Length : 39\r\n\r\n" + inner, "400", nil},
		{"length with an underscore", post + "Content_Length: 39\r\n" + "Content-Length: 0\r\n" + end, "200", []string{"POST /a"}},
		{"GET with a length", get + "Content-Length: 39\r\n\r\n" + inner + second, "200 401", []string{"GET /a " + inner}},
		{"HEAD with a length", "HEAD /a HTTP/1.1\r\n" + wireAuth + "Content-Length: 39\r\n" + end + inner, "200", []string{"HEAD /a " + inner}},
		{"GET of length 0", get + "Content-Length: 0\r\n\r\n" + second, "200 401", []string{"GET /a"}},
		{"GET in chunks", get + "Transfer-Encoding: chunked\r\n\r\n27\r\n" + inner + "\r\n0\r\n\r\n" + second, "200", []string{"GET /a " + inner}},
		{"GET in no chunks", get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, "200", []string{"GET /a"}},
		{"CL.TE of a GET", get + "Content-Length: 45\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner, "200", []string{"GET /a"}},
		{"Connection names the length", post + "Connection: Content-Length, close\r\nContent-Length: 39\r\n\r\n" + inner, "200", []string{"POST /a " + inner}},
		{"Connection names the coding", post + "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n27\r\n" + inner + "\r\n0\r\n\r\n" + second, "200", []string{"POST /a " + inner}},
		{"Connection names Host", get + "Connection: Host, close\r\n\r\n", "200", []string{"GET /a"}},

		{"chunked in capitals", post + "transfer-encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + second, "200", []string{"POST /a abc"}},
		{"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner, "501", nil},
		{"chunked twice in a list", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + inner, "501", nil},
		{"chunked, then nothing", post + "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n" + inner, "501", nil},
		{"identity", post + "Transfer-Encoding: identity\r\nContent-Length: 39\r\n\r\n" + inner, "501", nil},
		{"no coding", post + "Transfer-Encoding: \r\nContent-Length: 39\r\n\r\n" + inner, "501", nil},
		{"coding, folded", post + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + inner, "200", []string{"POST /a"}},
		{"coding, blank before the colon", post + "Transfer-Encoding : chunked\r\nContent-Length: 39\r\n\r\n" + inner, "400", nil},
		{"coding with a form feed", post + "Transfer-Encoding: \fchunked\r\nContent-Length: 39\r\n\r\n" + inner, "400", nil},
		{"coding with NUL", post + "Transfer-Encoding: chunked\x00\r\nContent-Length: 39\r\n\r\n" + inner, "400", nil},
		{"coding with a parameter", post + "Transfer-Encoding: chunked;q=1\r\nContent-Length: 39\r\n\r\n" + inner, "501", nil},
		{"coding in quotes", post + "Transfer-Encoding: \"chunked\"\r\nContent-Length: 39\r\n\r\n" + inner, "501", nil},
		{"X: x, bare LF, coding", post + "Content-Length: 5\r\nX: x\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner, "200", []string{"POST /a"}},

		{"chunk extensions", te + "3;a;b=c;d=\"e;f\"\r\nabc\r\n0;x\r\n\r\n" + second, "200", []string{"POST /a abc"}},
		{"chunk size with zeros", te + "0003\r\nabc\r\n000\r\n\r\n" + second, "200", []string{"POST /a abc"}},
		{"chunk size in capitals", te + "A\r\n0123456789\r\n0\r\n\r\n" + second, "200", []string{"POST /a 0123456789"}},
		{"trailers nobody announced", te + "3\r\nabc\r\n0\r\nX-Forwarded-User: mallory\r\nContent-Length: 9\r\nX-B: c\r\n\r\n" + second, "200", []string{"POST /a abc"}},
		{"trailers of framing", post + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\nContent-Length: 39\r\n\r\n" + inner, "400", nil},
		{"trailers of forgeries", post + "Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-User, Remote_User, X-B\r\n\r\n0\r\nX-Forwarded-User: mallory\r\nRemote_User: mallory\r\nX-B: c\r\n\r\n" + second, "200", []string{"POST /a |X-B: c"}},
		{"Trailer without a body", get + "Trailer: X-Forwarded-User\r\n" + end, "200", []string{"GET /a"}},
		{"body in HTTP/1.0", "POST /a HTTP/1.0\r\n" + wireAuth + "Content-Length: 3\r\n\r\nabc" + second, "200", []string{"POST /a abc"}},
	}
}

// Bodies of which the end cannot be told reach the upstream at most in part, and nothing that follows is a request.
func TestBrokenChunksOnTheWire(t *testing.T) {
	w := startWire(t, wireAnswer)
	for _, way := range startWays(t, "http://"+w.ln.Addr().String(), nil) {
		for name, body := range map[string]string{
			"bare LF after the size":          "3\nabc\r\n0\r\n\r\n",
			"bare LF after the extension":     "3;x\nabc\r\n0\r\n\r\n",
			"bare LF in a quoted extension":   "3;x=\"\n\"\r\nabc\r\n0\r\n\r\n",
			"bare CR after the size":          "3\rabc\r\n0\r\n\r\n",
			"bare CR in the extension":        "3;\rx\r\nabc\r\n0\r\n\r\n",
			"bare LF after the data":          "3\r\nabc\n0\r\n\r\n",
			"bare CR after the data":          "3\r\nabc\r0\r\n\r\n",
			"signed size":                     "+3\r\nabc\r\n0\r\n\r\n",
			"negative size":                   "-3\r\nabc\r\n0\r\n\r\n",
			"size with 0x":                    "0x3\r\nabc\r\n0\r\n\r\n",
			"size with an underscore":         "0_3\r\nabc\r\n0\r\n\r\n",
			"size of nothing":                 "\r\nabc\r\n0\r\n\r\n",
			"size of an extension alone":      ";x\r\nabc\r\n0\r\n\r\n",
			"blank before the size":           " 3\r\nabc\r\n0\r\n\r\n",
			"shorter than said":               "5\r\nabc\r\n0\r\n\r\n",
			"size of 17 digits":               "10000000000000003\r\nabc\r\n0\r\n\r\n",
			"an extension without end":        "3;" + strings.Repeat("x", 100_000) + "\r\nabc\r\n0\r\n\r\n",
			"extensions larger than the body": strings.Repeat("1;"+strings.Repeat("x", 2000)+"\r\na\r\n", 100) + "0\r\n\r\n",
		} {
			t.Run(way.name+"/"+name, func(t *testing.T) {
				got := talk(t, way.Addr(), "POST /a HTTP/1.1\r\n"+wireAuth+"Transfer-Encoding: chunked\r\n\r\n"+body+second)
				if got != "400" {
					t.Errorf("the client got %q, want 400", got)
				}
				waitFor(t, "the end of the connections to the upstream", func() bool {
					way.upstream.transport.CloseIdleConnections()
					return w.open.Load() == 0
				})
				w.mu.Lock()
				defer w.mu.Unlock()
				for _, b := range w.conns {
					if raw := b.String(); strings.HasSuffix(raw, "0\r\n\r\n") || strings.Contains(raw, "second") || strings.Count(raw, "HTTP/1.1\r\n") != 1 {
						t.Errorf("the upstream got %q", raw)
					}
				}
				w.conns = nil
			})
		}
	}
}
