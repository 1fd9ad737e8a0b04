package front

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve runs a server with the short way in, or without, and returns its address. change may be nil.
func serve(t testing.TB, short bool, handler http.Handler, change func(*http.Server)) (string, *Listener) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	if change != nil {
		change(srv)
	}
	l := New(ln, srv)
	t.Cleanup(func() {
		srv.Close()
		l.Cut()
	})
	if short {
		go func() { _ = srv.Serve(l) }()
	} else {
		go func() { _ = srv.Serve(ln) }()
	}
	return ln.Addr().String(), l
}

// exchange sends raw on a connection of its own and returns all that comes back until the server closes it.
func exchange(t testing.TB, address, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", got, err)
	}
	return string(got)
}

func set(w http.ResponseWriter, fields ...string) {
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		w.Header().Add(name, value)
	}
}

func say(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text) }

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

var long = strings.Repeat("0123456789abcdef", 5000)

// answers are what handlers do.
var answers = map[string]func(http.ResponseWriter, *http.Request){
	"nothing":                   func(http.ResponseWriter, *http.Request) {},
	"a page":                    func(w http.ResponseWriter, _ *http.Request) { say(w, "<html>a page") },
	"a page in pieces":          func(w http.ResponseWriter, _ *http.Request) { say(w, "a "); say(w, ""); say(w, "page") },
	"a type":                    func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Type: text/css"); say(w, "<html>") },
	"no type":                   func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; say(w, "<html>") },
	"no type, encoded":          func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Encoding: gzip"); say(w, "<html>") },
	"a length":                  func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length: 3"); say(w, "abc") },
	"a long body with a length": func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length: 80000"); say(w, long) },
	"a long body without":       func(w http.ResponseWriter, _ *http.Request) { say(w, long) },
	"a long body in pieces":     func(w http.ResponseWriter, _ *http.Request) { say(w, "a"); say(w, long); say(w, "b"); say(w, long) },
	"2048 bytes":                func(w http.ResponseWriter, _ *http.Request) { say(w, long[:2048]) },
	"2048 bytes, half by half":  func(w http.ResponseWriter, _ *http.Request) { say(w, long[:1024]); say(w, long[:1024]) },
	"2049 bytes":                func(w http.ResponseWriter, _ *http.Request) { say(w, long[:1025]); say(w, long[:1024]) },
	"flushed before the body":   func(w http.ResponseWriter, _ *http.Request) { flush(w); say(w, "abc") },
	"flushed in it":             func(w http.ResponseWriter, _ *http.Request) { say(w, "abc"); flush(w); say(w, "def"); flush(w) },
	"flushed, with a length":    func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length: 3"); flush(w); say(w, "abc") },
	"too short":                 func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Length: 4"); say(w, "abc") },
	"too long": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Content-Length: 3")
		say(w, "abc")
		say(w, "def")
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Content-Length: 3", "X: y")
		w.WriteHeader(204)
		say(w, "abc")
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Content-Length: 3", "Content-Type: a/b", "Etag: x")
		w.WriteHeader(304)
	},
	"an unknown status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(799); say(w, "abc") },
	"switching":         func(w http.ResponseWriter, _ *http.Request) { set(w, "X: y"); w.WriteHeader(101) },
	"two statuses":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.WriteHeader(200); say(w, "abc") },
	"a header too late": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); set(w, "X: y"); say(w, "abc") },
	"closing":           func(w http.ResponseWriter, _ *http.Request) { set(w, "Connection: close"); say(w, "abc") },
	"hints": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Link: </a>")
		w.WriteHeader(103)
		w.WriteHeader(103)
		say(w, "abc")
	},
	"many of one name": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Set-Cookie: a", "Set-Cookie: b", "X: 1")
		say(w, "abc")
	},
	"names that are none": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["A b"] = []string{"c"}
		w.Header()[""] = []string{"c"}
		w.Header()["D\r\nE"] = []string{"c"}
	},
	"values that break lines": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X"] = []string{"a\r\nEvil: b", " c\t", "\xff"}
	},
	"an empty value": func(w http.ResponseWriter, _ *http.Request) { w.Header()["X"] = []string{""}; w.Header()["Y"] = nil },
	"a date":         func(w http.ResponseWriter, _ *http.Request) { set(w, "Date: then") },
	"no date":        func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil },
	"trailers": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Trailer: A, content-length, B")
		say(w, "abc")
		set(w, "A: 1", "A: 2", "B: 3", "C: 4")
	},
	"trailers that nobody named": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Trailer: A")
		say(w, "abc")
		flush(w)
		set(w, http.TrailerPrefix+"B: 3")
	},
	"trailers, with a length": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Trailer: A", "Content-Length: 3")
		say(w, "abc")
		set(w, "A: 1")
	},
	"a panic":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"a panic with words": func(w http.ResponseWriter, _ *http.Request) { say(w, "abc"); panic("oops") },
	"a panic in a body": func(w http.ResponseWriter, _ *http.Request) {
		flush(w)
		say(w, "abc")
		flush(w)
		panic(http.ErrAbortHandler)
	},
	"what it was asked": func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context().Err()
		fmt.Fprintln(w, r.Method, r.URL, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Header, r.Body == http.NoBody, r.ContentLength, r.TransferEncoding, r.Close, r.Host, r.Form, r.Trailer, r.RequestURI, r.TLS, ctx)
	},
}

// parted returns the heads of what a server said with their lines in order, and the rest with its chunks joined.
func parted(all string) []string {
	var parts []string
	for strings.HasPrefix(all, "HTTP/1.1 ") {
		head, rest, _ := strings.Cut(all, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Date: ") && strings.HasSuffix(l, " GMT") })
		slices.Sort(lines[1:])
		chunked := slices.Contains(lines, "Transfer-Encoding: chunked")
		parts, all = append(parts, lines...), rest
		for chunked {
			var n int
			size, rest, _ := strings.Cut(all, "\r\n")
			if _, err := fmt.Sscanf(size, "%x", &n); err != nil || n+2 > len(rest) {
				break
			}
			if n == 0 {
				trailers, rest, _ := strings.Cut("\r\n"+rest, "\r\n\r\n")
				lines := strings.Split(trailers, "\r\n")
				slices.Sort(lines)
				parts, all = append(append(parts, "|"), lines...), rest
				break
			}
			parts, all = append(parts, strings.Split(rest[:n], "")...), rest[n+2:]
		}
		if next := strings.Index(all, "HTTP/1.1 "); next > 0 {
			parts, all = append(parts, all[:next]), all[next:]
		}
	}
	return append(parts, all)
}

// What a client gets is what it would get of net/http.
func TestAnswersAlike(t *testing.T) {
	for name, answer := range answers {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/last" {
				set(w, "Connection: close")
				say(w, "the end")
				return
			}
			answer(w, r)
		})
		slow, _ := serve(t, false, handler, nil)
		short, _ := serve(t, true, handler, nil)
		for _, method := range []string{"GET", "HEAD"} {
			raw := method + " /a?b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nAccept: c\r\naccept: d\r\nPragma: no-cache\r\n\r\n"
			raw += "GET /last HTTP/1.1\r\nHost: x\r\n\r\n"
			want, got := exchange(t, slow, raw), exchange(t, short, raw)
			if diff := cmp.Diff(parted(want), parted(got)); diff != "" {
				t.Errorf("%s, %s: (-net/http +here)\n%s", method, name, diff)
			}
		}
	}
}

// Where net/http passes on what a handler got wrong, a client gets what it can read.
func TestFramingIsOurs(t *testing.T) {
	for field, want := range map[string]string{
		"Content-Length: x": "Content-Length: 3", "Content-Length: -3": "Content-Length: 3", "Transfer-Encoding: gzip": "Content-Length: 3",
	} {
		address, _ := serve(t, true, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			set(w, field, "Connection: close")
			say(w, "abc")
		}), nil)
		for _, method := range []string{"GET", "HEAD"} {
			got := exchange(t, address, method+" / HTTP/1.1\r\nHost: x\r\n\r\n")
			if strings.Contains(got, field) || strings.Count(got, want) != 1 || strings.HasSuffix(got, "abc") != (method == "GET") {
				t.Errorf("%s, %s: %q", method, field, got)
			}
		}
	}
}

// A header that is adopted is sent as a copy of it would be, and only where there is none.
func TestAdopt(t *testing.T) {
	header := http.Header{"X": {"y"}, "Content-Length": {"3"}}
	address, _ := serve(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := w.(interface{ Adopt(http.Header) bool })
		if r.URL.Path == "/set" {
			set(w, "Z: 1")
		}
		adopted := own.Adopt(header)
		if want := r.URL.Path != "/set"; adopted != want {
			t.Errorf("%s: adopted %t", r.URL, adopted)
		}
		set(w, "Connection: close")
		say(w, "abc")
		if own.Adopt(header) {
			t.Errorf("%s: adopted after the header was sent", r.URL)
		}
	}), nil)
	for target, want := range map[string]bool{"/": true, "/set": false} {
		if got := exchange(t, address, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n"); strings.Contains(got, "\r\nX: y\r\n") != want || !bytes.HasSuffix([]byte(got), []byte("abc")) {
			t.Errorf("%s: %q", target, got)
		}
		delete(header, "Connection")
	}
}

// What a handler does after it has returned does no harm.
func TestWritesTooLate(t *testing.T) {
	late := make(chan http.ResponseWriter, 1)
	address, _ := serve(t, true, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case w := <-late:
			say(w, "too late")
			w.WriteHeader(500)
			flush(w)
		default:
		}
		late <- w
		say(w, "abc")
	}), func(srv *http.Server) { srv.IdleTimeout = 100 * time.Millisecond })
	two := strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2)
	if got := exchange(t, address, two); strings.Count(got, "HTTP/1.1 200 OK") != 2 || strings.Contains(got, "late") {
		t.Errorf("%q", got)
	}
}
