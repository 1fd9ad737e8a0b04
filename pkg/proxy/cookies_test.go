package proxy

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStripCookies(t *testing.T) {
	for _, tt := range []struct{ cookies, want []string }{
		{nil, nil},
		{[]string{"a=b"}, []string{"a=b"}},
		{[]string{"__Host-kauth=x"}, nil},
		{[]string{"__Host-kauth=x; a=b"}, []string{"a=b"}},
		{[]string{"a=b; __Host-kauth=x"}, []string{"a=b"}},
		{[]string{"a=b; __Secure-kauth=x; c=d"}, []string{"a=b; c=d"}},
		{[]string{"a=b;__Host-kauth-form=x;c=d"}, []string{"a=b;c=d"}},
		{[]string{"a = b ;  __Secure-kauth-form = x ;  c"}, []string{"a = b ;  c"}},
		{[]string{"__Host-kauth=x; __Host-kauth=y; __Secure-kauth=z"}, nil},
		{[]string{"__Host-kauth", "a=b; ;=;", "__Host-kauth=y"}, []string{"a=b; ;=;"}},
		{[]string{"; a=b;; __Host-kauth=x;; c=\"d;e\" "}, []string{"; a=b;;; c=\"d;e\" "}},
		// not the gate's
		{[]string{"kauth=x; __Host-kauths=y; x__Host-kauth=z; a=__Host-kauth=b; __host-kauth=c"}, []string{"kauth=x; __Host-kauths=y; x__Host-kauth=z; a=__Host-kauth=b; __host-kauth=c"}},
	} {
		h := http.Header{"Cookie": append([]string(nil), tt.cookies...), "X": {"y"}}
		if tt.cookies == nil {
			delete(h, "Cookie")
		}
		given := h["Cookie"]
		stripCookies(h)
		if diff := cmp.Diff(tt.want, h["Cookie"]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.cookies, diff)
		}
		if _, there := h["Cookie"]; there && len(h["Cookie"]) == 0 {
			t.Errorf("%q: an empty header is left", tt.cookies)
		}
		if diff := cmp.Diff(tt.cookies, given); diff != "" {
			t.Errorf("what was given has changed:\n%s", diff)
		}
	}
}

// Whatever stands in the header, what is left is made of the pairs that were there, in their order, without the gate's.
func FuzzStripCookies(f *testing.F) {
	for _, seed := range []string{"", ";", "a=b; __Host-kauth=x; c=d", "__Secure-kauth-form=;;=;", " \t__Host-kauth\t =", "a=\";__Host-kauth=x\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Cookie": {line}}
		stripCookies(h)
		var want []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			if !isOwnCookie(strings.Trim(name, " \t")) {
				want = append(want, strings.TrimLeft(pair, " \t"))
			}
		}
		var got []string
		for _, left := range h["Cookie"] {
			for pair := range strings.SplitSeq(left, ";") {
				got = append(got, strings.TrimLeft(pair, " \t"))
			}
		}
		if strings.Join(want, "") == "" && len(got) == 0 {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	})
}

// The gate's cookies stay between the browser and the gate, on each way to the upstream, whoever sends or sets them, and
// also where there is no sign-in page.
func TestOwnCookiesStayAtTheGate(t *testing.T) {
	rec := &recorder{}
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"__Host-kauth=evil; Path=/; Secure", "app=1", " __Secure-kauth-form = x"}
		if r.URL.Path == "/early" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		rec.ServeHTTP(w, r)
	})
	for name, g := range map[string]*runningGate{"dialog": startGate(t, up, nil), "page": startGate(t, up, withPage(t))} {
		for _, way := range []struct{ method, path, body, header string }{
			{"GET", "/", "", ""},                      // the short way
			{"GET", "/early", "", ""},                 //
			{"POST", "/", "x", ""},                    // ReverseProxy
			{"GET", "/early", "", "TE: trailers"},     //
			{"GET", "/", "", "Connection: Cookie"},    //
			{"GET", "/", "", "Upgrade: websocket"},    // refused by the upstream
			{"GET", "/", "", "Authorization: Bearer"}, // never gets there
		} {
			r := request(t, way.method, g.url+way.path, strings.NewReader(way.body), "Cookie: a=b; __Host-kauth=mine; c=d", "Cookie: __Secure-kauth=mine")
			if way.body == "" {
				r.Body, r.ContentLength = nil, 0
			}
			if header, value, ok := strings.Cut(way.header, ": "); ok {
				r.Header.Set(header, value)
			}
			if way.header == "Upgrade: websocket" {
				r.Header.Set("Connection", "Upgrade")
			}
			res, _ := send(t, r)
			got, _ := rec.take()
			for _, in := range got {
				if c := strings.Join(in.Header["Cookie"], "|"); c != "a=b; c=d" && way.header != "Connection: Cookie" || strings.Contains(c, "mine") {
					t.Errorf("%s, %+v: the upstream was given the cookies %q", name, way, c)
				}
			}
			if c := strings.Join(res.Header["Set-Cookie"], "|"); len(got) > 0 && c != "app=1" {
				t.Errorf("%s, %+v: the client was given the cookies %q", name, way, c)
			}
		}
	}
}

// Early hints come past the end of an answer's making.
func TestOwnCookiesInEarlyHints(t *testing.T) {
	g := startGate(t, startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "__Host-kauth=evil")
		w.WriteHeader(http.StatusEarlyHints)
	}), nil)
	for _, more := range []string{"", "TE: trailers\r\n"} {
		conn, err := net.Dial("tcp", g.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\nAuthorization: " + basicAuth + "\r\n" + more + "\r\n"))
		in := bufio.NewReader(conn)
		for _, want := range []int{http.StatusEarlyHints, http.StatusOK} {
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != want || len(res.Header["Set-Cookie"]) > 0 {
				t.Errorf("%q: %s with the cookies %q", more, res.Status, res.Header["Set-Cookie"])
			}
		}
	}
}
