package proxy

import (
	"strings"
	"testing"
)

// What is asked for reaches the upstream as it was written, or not at all: whoever makes another path of it is the upstream.
func TestTargetsOnTheWire(t *testing.T) { runShapes(t, targetShapes()) }

func targetShapes() []shape {
	var shapes []shape
	for _, tt := range []struct{ target, reached string }{
		{"//", "//"},
		{"//evil.example/a", "//evil.example/a"},
		{"///a//b", "///a//b"},
		{"/../../etc", "/../../etc"},
		{"/%2e%2e/%2E%2E/x", "/%2e%2e/%2E%2E/x"},
		{"/..%2fhealth", "/..%2fhealth"},
		{"/..;/health", "/..;/health"},
		{"/a;jsessionid=1;/b", "/a;jsessionid=1;/b"},
		{"/health;/../a", "/health;/../a"},
		{"/a%2Fb%5cc%5C..", "/a%2Fb%5cc%5C.."},
		{"/a\\..\\b", "/a%5C..%5Cb"}, // no URL has a backslash: RFC 3986
		{"/%00", "/%00"},
		{"/%0d%0aX-Forwarded-User:%20mallory", "/%0d%0aX-Forwarded-User:%20mallory"},
		{"/a%20b+c", "/a%20b+c"},
		{"/%25%32%65", "/%25%32%65"},
		{"/%c0%ae%c0%ae/", "/%c0%ae%c0%ae/"},
		{"/\u016f\xff", "/%C5%AF%FF"},
		{"/a\"<>^`{|}", "/a%22%3C%3E%5E%60%7B%7C%7D"},
		{"/a?", "/a?"},
		{"/a?b?c#d", "/a?b?c#d"},
		{"/a#b", "/a%23b"},
		{"/?x=http://evil/%zz;y&&=", "/?x=http://evil/%zz;y&&="},
		{"/?\"\xff", "/?\"\xff"},
		{"/health", "/health"}, // of a method that is not exempt
		{"/" + strings.Repeat("a", 20<<10), "/" + strings.Repeat("a", 20<<10)},
	} {
		method := "GET"
		if tt.target == "/health" {
			method = "DELETE"
		}
		rest := tt.target + " HTTP/1.1\r\n" + wireAuth + "X: y\r\nConnection: close\r\n\r\n"
		name := tt.target[:min(len(tt.target), 40)]
		shapes = append(
			shapes,
			shape{name, method + " " + rest, "200", []string{method + " " + tt.reached}},
			shape{name + ", no password", method + " " + strings.Replace(rest, "Authorization", "X-Kauth", 1), "401", nil},
		)
	}
	return shapes
}

// Request lines that are none, or of another protocol.
func TestRequestLinesOnTheWire(t *testing.T) { runShapes(t, lineShapes()) }

func lineShapes() []shape {
	const rest = "\r\n" + wireAuth + "Connection: close\r\n\r\n"
	shapes := []shape{
		{"a custom method", "REPORT /a HTTP/1.1" + rest, "200", []string{"REPORT /a"}},
		{"methods have case", "get /a HTTP/1.1" + rest, "200", []string{"get /a"}},
		{"an empty line before", "\r\nGET /a HTTP/1.1" + rest, "400", nil},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\n" + wireAuth + "\r\n", "200", []string{"GET /a"}},
		{"HTTP/1.0 without a host", "GET /a HTTP/1.0\r\nAuthorization: " + basicAuth + "\r\n\r\n", "200", []string{"GET /a"}},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "400", nil},
	}
	for line, status := range map[string]string{
		"PRI * HTTP/1.1":                   "400",
		"CONNECT 127.0.0.1:80 HTTP/1.1":    "405",
		"CONNECT http://app/ HTTP/1.1":     "405",
		"CONNECT * HTTP/1.1":               "405",
		"TRACE http://app/a HTTP/1.1":      "405",
		"GET * HTTP/1.1":                   "400",
		"GET  /a HTTP/1.1":                 "400",
		"GET /a  HTTP/1.1":                 "400",
		"GET\t/a\tHTTP/1.1":                "400",
		"GET /a\tHTTP/1.1":                 "400",
		" GET /a HTTP/1.1":                 "400",
		"GET /a b HTTP/1.1":                "400",
		"GET /a HTTP/1.1 HTTP/1.1":         "400",
		"GET /a HTTP/1.1 ":                 "400",
		"GET /a HTTP/1.1\rX":               "400",
		"GET /a\r HTTP/1.1":                "400",
		"GET /a\x00b HTTP/1.1":             "400",
		"GET /\x7f HTTP/1.1":               "400",
		"GET /%zz HTTP/1.1":                "400",
		"GET /% HTTP/1.1":                  "400",
		"GET a HTTP/1.1":                   "400",
		"GET ?a HTTP/1.1":                  "400",
		"GET #a HTTP/1.1":                  "400",
		"GET \\a HTTP/1.1":                 "400",
		"GET  HTTP/1.1":                    "400",
		"GET /a HTTP/1.2":                  "200",
		"GET /a HTTP/0.9":                  "505",
		"GET /a HTTP/2.0":                  "505",
		"GET /a HTTP/3.0":                  "505",
		"GET /a HTTP/1.01":                 "400",
		"GET /a HTTP/01.1":                 "400",
		"GET /a HTTP/1":                    "400",
		"GET /a HTTP/11":                   "400",
		"GET /a HTTP/1,1":                  "400",
		"GET /a http/1.1":                  "400",
		"GET /a HTTPS/1.1":                 "400",
		"G\x00T /a HTTP/1.1":               "400",
		"GET:/a HTTP/1.1":                  "400",
		"(GET) /a HTTP/1.1":                "400",
		"GET http://app:x/a HTTP/1.1":      "400",
		"GET http://[::1/a HTTP/1.1":       "400",
		"GET https://mallory@app HTTP/1.1": "400",
	} {
		var reached []string
		if status == "200" {
			reached = []string{"GET /a"}
		}
		shapes = append(shapes, shape{line, line + rest, status, reached})
	}
	return shapes
}
