package proxy

import (
	"html"
	"net/http"
)

// A problem is what is said about a form that was sent and not taken.
const (
	wrongPassword = "The user name or the password is not right."
	tooMany       = "Too many passwords are waiting to be checked, so yours was not. Wait a few seconds, then try again."
	staleForm     = "This page was open for too long, or comes from before a change. Try again."
	noCookie      = "Your browser did not send this page's cookie back, and nobody can stay signed in without. Such cookies need an address " +
		"that begins with https:// (or localhost)."
)

// signInForm is what differs between two showings of the sign-in page.
type signInForm struct {
	back    string // where to go afterwards
	user    string // that was typed in before
	problem string // one of the constants, or empty
}

// form answers with the sign-in page.
func (s *signIn) form(e *exchange, r *http.Request, status int, f signInForm) {
	token := s.check.FormToken(signInPage, s.keepNonce(e, r), "")
	// The password is what is missing when the name is there already.
	title, problem, about, focus := "Sign in", "", "", [2]string{" autofocus", ""}
	if f.problem != "" {
		title = "Not signed in"
		problem = `<p class="problem" id="problem" role="alert">` + html.EscapeString(f.problem) + `</p>`
		about = ` aria-describedby="problem"`
		if f.problem == wrongPassword {
			about += ` aria-invalid="true"`
		}
	}
	if f.user != "" {
		focus[0], focus[1] = focus[1], focus[0]
	}
	// Without an action, the form goes to the page's own address, and the fragment that the visitor wanted to see stays.
	s.write(e, status, pageContent{title: title, tone: "calm", lead: "", content: problem + `
<form method="post">
<label for="username">User name</label>
<input id="username" name="username" type="text" value="` + html.EscapeString(f.user) + `" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="255" required` + about + focus[0] + `>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required` + about + focus[1] + `>
<input type="hidden" name="return" value="` + html.EscapeString(f.back) + `">
<input type="hidden" name="token" value="` + html.EscapeString(token) + `">
<button class="go">Sign in</button>
</form>`})
}

// onward leaves the page that the form led to, for the fragment's sake, which no redirect of a page without scripts keeps.
const onward = `location.replace(document.querySelector("a.go").href + location.hash)`

// signedIn takes the visitor to where they wanted to go. A redirect would do, if the application were not to redirect as well:
// Chromium holds all redirects that follow a form against form-action, and would stop at one to another origin.
func (s *signIn) signedIn(back string) pageContent {
	return pageContent{
		title: "You are signed in", tone: "calm", script: true,
		content: link(back, "Continue") + `<script>` + onward + `</script>
<noscript><meta http-equiv="refresh" content="0; url=` + html.EscapeString(back) + `"></noscript>`,
	}
}

func (s *signIn) signOutForm(user, token string) pageContent {
	return pageContent{
		title: "Sign out?", tone: "calm", lead: "You are signed in as " + user + ".",
		content: `<form method="post">
<input type="hidden" name="token" value="` + html.EscapeString(token) + `">
<button class="go">Sign out</button>
<a class="back" href="` + html.EscapeString(s.prefix) + `/">Back to the application</a>
</form>`,
	}
}

func (s *signIn) signedOut() pageContent {
	return pageContent{
		title: "You are signed out", tone: "calm", lead: "This browser has no session here any more.",
		content: `<p>What the application itself keeps in this browser is still there.</p>` + link(s.own(signInPage), "Sign in again"),
	}
}

// ended answers a form of the application that was sent when the session was over.
func (s *signIn) ended() pageContent {
	return pageContent{
		title: "Your session has ended", tone: "wait", lead: "What you sent did not reach the application.",
		content: `<p>Go back to keep a copy of what you typed, then sign in and send it again.</p>` + link(s.own(signInPage), "Sign in"),
		footer:  "Status 401",
	}
}

// write answers with one of the pages that cannot be made at the start. Their forms go to the gate itself only, and the
// browser may say so in its Origin header.
func (s *signIn) write(e *exchange, status int, c pageContent) {
	p := s.gate.pages
	policy := p.formPolicy
	if c.script {
		policy = p.onwardPolicy
	}
	e.Header().Set("Referrer-Policy", "same-origin")
	p.write(e, status, "text/html; charset=utf-8", policy, []byte(p.compose(s.realm, c)))
}

// link is the button of a page without a form.
func link(to, text string) string {
	return `<a class="go" href="` + html.EscapeString(to) + `">` + html.EscapeString(text) + `</a>`
}
