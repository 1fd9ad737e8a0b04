//go:build linux

package stories

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client makes a new connection for each request, so that none outlives a change of routes. It waits longer than the gate lets a
// password wait.
var client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// A login is a user's name and password; the zero login sends none.
type login struct{ user, password string }

var nobody login

// A reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// errUnrouted says that an answer is Traefik's own, which knows no pod just now, or one that is gone: neither the gate nor the
// application has answered.
var errUnrouted = errors.New("not routed by Traefik")

// unrouted says whether an answer is such a one.
func (r reply) unrouted() bool {
	switch r.status {
	case http.StatusNotFound:
		return r.body == "404 page not found\n"
	case http.StatusServiceUnavailable:
		return strings.HasPrefix(r.body, "no available server")
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return r.body == http.StatusText(r.status)
	default:
		return false
	}
}

// wrong is the error of an answer that should have been another one.
func (r reply) wrong(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if r.unrouted() {
		err = fmt.Errorf("%w: %w", errUnrouted, err)
	}
	return err
}

// get asks for a page, as that user.
func get(url string, as login) (reply, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Accept", "text/html, */*;q=0.5") // a browser's, which gets pages
	if as != nobody {
		req.SetBasicAuth(as.user, as.password)
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

// answers returns nil when a page is answered with this status.
func answers(url string, as login, status int) func() error {
	return func() error {
		r, err := get(url, as)
		if err == nil && r.status != status {
			err = r.wrong("%s as %q: %d, want %d: %.200s", url, as.user, r.status, status, strings.TrimSpace(r.body))
		}
		return err
	}
}

// must fails the story when one of the questions has another answer. Traefik's own is none: it may take some time after
// pods changed, the API server was away, or a node counted as lost, until it knows the pods again.
func (s *story) must(questions ...func() error) {
	s.Helper()
	for _, ask := range questions {
		err := ask()
		for start := time.Now(); errors.Is(err, errUnrouted) && time.Since(start) < patience; err = ask() {
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			s.Fatal(err)
		}
	}
}

// refusedWithPage returns nil when a page is refused as a browser wants it: 401, a challenge, and a page for people.
func (s *story) refusedWithPage(url string, as login) func() error {
	return func() error {
		r, err := get(url, as)
		if err != nil {
			return err
		}
		if r.status != 401 || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic realm=") || !strings.Contains(r.body, "<html") {
			return r.wrong("%s as %q: %d with %q and %.80q; want 401, a Basic challenge and a page", url, as.user, r.status, r.header.Get("WWW-Authenticate"), r.body)
		}
		return nil
	}
}

// refusedAll returns nil when the gate says that it lets nobody in, and what mends that.
func refusedAll(url string, as login) func() error {
	return func() error {
		r, err := get(url, as)
		if err == nil && (r.status != 503 || !strings.Contains(r.body, "kubectl basicauth")) {
			err = r.wrong("%s as %q: %d %.200q, want 503 and the command that mends it", url, as.user, r.status, r.body)
		}
		return err
	}
}

// prometheusSees returns nil when a query's first result has this value.
func (s *story) prometheusSees(base string, as login, query, value string) func() error {
	url := base[:strings.Index(base, "?")] + "?query=" + query
	return func() error {
		r, err := get(url, as)
		if err == nil && (r.status != 200 || !strings.Contains(r.body, `,"`+value+`"]`)) {
			err = fmt.Errorf("%s: %d %s, want value %s", url, r.status, r.body, value)
		}
		return err
	}
}
