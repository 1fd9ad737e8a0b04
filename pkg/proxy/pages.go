package proxy

import (
	"crypto/sha256"
	_ "embed" // the built-in page
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/reload"
)

const maxPage = 1 << 20 // bytes of a page in --pages-dir

//go:embed pages/page.html
var pageTemplate string

// pageStatuses are the pages that --pages-dir may replace.
var pageStatuses = [...]int{
	http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
}

// page is one answer to a navigation, made at the start.
type page struct {
	body   []byte
	policy string // Content-Security-Policy
	custom bool   // from --pages-dir
}

// pages answers what the gate refuses: a page for people, a line of text for programs.
type pages struct {
	byStatus map[int]page
	texts    map[int]string

	// The Content-Security-Policy of built-in pages with a form, and of the one with a script.
	formPolicy, onwardPolicy string
}

// newPages takes the built-in pages, and those of the settings' directory in their place.
func newPages(cfg gateconf.Config) (*pages, error) {
	p := &pages{
		byStatus: map[int]page{}, texts: pageTexts(cfg),
		formPolicy: builtInPolicy("'self'"), onwardPolicy: builtInPolicy("'none'") + "; script-src " + hashSource(onward),
	}
	for status, c := range pageContents(cfg) {
		c.footer = "Status " + strconv.Itoa(status)
		p.byStatus[status] = page{body: []byte(p.compose(cfg.Realm, c)), policy: builtInPolicy("'none'")}
	}
	if cfg.PagesDir == "" {
		return p, nil
	}
	if _, err := os.ReadDir(cfg.PagesDir); err != nil {
		return nil, fmt.Errorf("--pages-dir: %w; name a directory that holds 401.html, 429.html, 502.html or 503.html", err)
	}
	for _, status := range pageStatuses {
		name := filepath.Join(cfg.PagesDir, strconv.Itoa(status)+".html")
		body, err := reload.File(name)()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("--pages-dir: %w", err)
		case len(body) == 0 || len(body) > maxPage || !utf8.Valid(body):
			return nil, fmt.Errorf("--pages-dir: %s: not a page; write 1 byte to 1 MiB of UTF-8", name)
		}
		// A page of the user's own may look as it likes, but it still loads nothing from elsewhere and runs nothing.
		p.byStatus[status] = page{body: body, custom: true, policy: "default-src 'none'; style-src 'unsafe-inline'; " +
			"img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
	}
	return p, nil
}

// pageContent is what differs between the built-in pages.
type pageContent struct {
	title, lead string // lead may be empty
	tone        string // calm, wait for what passes by itself, or shut
	content     string // HTML
	script      bool   // onward is in the content
	footer      string // may be empty
}

// compose makes a built-in page.
func (p *pages) compose(realm string, c pageContent) string {
	paragraph := func(kind, text string) string {
		if text == "" {
			return ""
		}
		return "<p class=\"" + kind + "\">" + html.EscapeString(text) + "</p>"
	}
	return strings.NewReplacer(
		"{{title}}", html.EscapeString(c.title),
		"{{lead}}", paragraph("lead", c.lead),
		"{{content}}", c.content,
		"{{footer}}", html.EscapeString(c.footer),
		"{{realm}}", html.EscapeString(realm),
		"{{tone}}", c.tone,
	).Replace(pageTemplate)
}

// builtInPolicy is the Content-Security-Policy of the built-in pages: nothing but their one style.
func builtInPolicy(formAction string) string {
	_, style, _ := strings.Cut(pageTemplate, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	return "default-src 'none'; style-src " + hashSource(style) + "; base-uri 'none'; form-action " + formAction + "; frame-ancestors 'none'"
}

// hashSource allows one text only, in a Content-Security-Policy.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func pageContents(cfg gateconf.Config) map[int]pageContent {
	command := "kubectl basicauth user add NAME --secret " + cfg.UsersSecret
	return map[int]pageContent{
		http.StatusUnauthorized: {
			title: "Sign in to continue", lead: "This page asks for a user name and a password.", tone: "calm",
			content: "<p>The browser asks for them when you try again. Whoever runs this application can give you access.</p>" +
				link("", "Sign in"),
		},
		http.StatusForbidden: {
			title: "Not this way", lead: "The gate did not let this request through.", tone: "shut",
			content: "<p>Open the application at its usual address. If another site sent you here, begin at the application itself.</p>",
		},
		http.StatusTooManyRequests: {
			title: "Too many attempts at once", lead: "Your password was not checked, because too many are waiting.", tone: "wait",
			content: "<p>Wait a few seconds, then try again. Those who are signed in are not affected.</p>" +
				link("", "Try again"),
		},
		http.StatusBadGateway: {
			title: "The application is not answering", lead: "You are signed in, but what is behind this page is not there.", tone: "wait",
			content: "<p>It may be starting or restarting. Try again in a moment.</p>" +
				link("", "Try again"),
		},
		http.StatusServiceUnavailable: {
			title: "Nobody can sign in yet", lead: "The gate is in place, but it has no users that it could let in.", tone: "wait",
			content: "<p>Whoever runs this application can add one, in its namespace:</p><pre><code>" + html.EscapeString(command) +
				"</code></pre><p>It takes effect within two minutes, without a restart.</p>" +
				link("", "Try again"),
		},
	}
}

func pageTexts(cfg gateconf.Config) map[int]string {
	return map[int]string{
		http.StatusUnauthorized:        "401 unauthorized: send a user and a password",
		http.StatusTooManyRequests:     "429 too many requests: too many passwords are waiting to be checked; try again later",
		http.StatusBadGateway:          "502 bad gateway: the application is not answering",
		http.StatusServiceUnavailable:  "503 service unavailable: the gate has no users; run: kubectl basicauth user add NAME --secret " + cfg.UsersSecret,
		http.StatusMethodNotAllowed:    "405 method not allowed",
		http.StatusBadRequest:          "400 bad request",
		http.StatusNotFound:            "404 not found",
		http.StatusForbidden:           "403 forbidden",
		http.StatusInternalServerError: "500 internal server error",
	}
}

// refuse writes the answer of a status: the page to a navigation, else one line of text.
func (p *pages) refuse(w http.ResponseWriter, r *http.Request, status int) {
	if page, ok := p.byStatus[status]; ok && isNavigation(r) {
		p.write(w, status, "text/html; charset=utf-8", page.policy, page.body)
		return
	}
	text, ok := p.texts[status]
	if !ok {
		text = strconv.Itoa(status) + " " + strings.ToLower(http.StatusText(status))
	}
	p.text(w, status, text)
}

func (p *pages) text(w http.ResponseWriter, status int, text string) {
	p.write(w, status, "text/plain; charset=utf-8", "default-src 'none'; frame-ancestors 'none'", []byte(text+"\n"))
}

func (p *pages) write(w http.ResponseWriter, status int, contentType, policy string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if h["Referrer-Policy"] == nil {
		h.Set("Referrer-Policy", "no-referrer")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// isNavigation says whether a person waits for the answer in a browser's window: GET or HEAD, and text/html is asked
// for by name. Programs send */* or nothing.
func isNavigation(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && acceptsHTML(r)
}

func acceptsHTML(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		for item := range strings.SplitSeq(line, ",") {
			kind, params, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
				q := strings.ReplaceAll(params, " ", "")
				return q != "q=0" && q != "q=0.0"
			}
		}
	}
	return false
}
