package userstore

import (
	"fmt"
	"slices"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/linenotes"
	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// Status is the outcome of a Check.
type Status string

// The outcomes: as it should be; works but ought to be changed; does not work.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
)

// A Check is one line of a verification.
type Check struct {
	Status  Status `json:"status"`
	Name    string `json:"name"`    // what was looked at: "secret", "key", or `user "alice"`
	Message string `json:"message"` // what was found, and what to do unless it passed
}

// Beyond is what is wrong with a line of a user who has more than gates look at.
var Beyond = fmt.Sprintf("gates look at the first %d passwords of a user, and not at this one", gateconf.MaxPasswords)

// Checks says whether a gate can work with the Secret, and what each user's hash is worth, in the order of the file.
func Checks(file *htpasswd.File, meta Meta) []Check {
	checks := []Check{{Pass, "secret", meta.ref + " is there"}}
	for _, w := range meta.Warnings() {
		checks = append(checks, Check{Warn, "secret", w})
	}
	if meta.Immutable {
		checks = append(checks, Check{Warn, "secret", "immutable: its users cannot be changed"})
	}
	if !meta.HasKey {
		return append(checks, Check{Fail, "key", fmt.Sprintf("no key %q, so nobody gets in; add a user with kubectl basicauth user add", meta.key)})
	}
	lines := meta.Lines(file)
	if len(lines) == 0 {
		checks = append(checks, Check{Fail, "key", fmt.Sprintf("no user in key %q, so nobody gets in; add one with kubectl basicauth user add", meta.key)})
	} else {
		checks = append(checks, Check{Pass, "key", fmt.Sprintf("key %q; users: %d", meta.key, len(file.Users()))})
	}
	good, seen := map[int]bool{}, map[string]int{}
	for _, l := range lines {
		good[l.Line] = true
		check := Check{Pass, fmt.Sprintf("user %q", l.User), Describe(l.Hash)}
		weak, second := l.Hash.Weak(), seen[l.User] > 0
		seen[l.User]++
		switch {
		case seen[l.User] > gateconf.MaxPasswords:
			check.Status = Warn
			check.Message = fmt.Sprintf("%s (%s); kubectl basicauth user passwd %s leaves one", Beyond, Describe(l.Hash), visible.Argument(l.User))
		case l.Over(meta.at):
			check.Status = Warn
			check.Message = fmt.Sprintf("an old password counts, whose time was over at %s; take it away with kubectl basicauth user expire", l.Until.Format(time.RFC3339))
		case !l.Until.IsZero():
			check.Message = aged(l)
		case second:
			check.Status = Warn
			check.Message = fmt.Sprintf("one more password, and nothing says until when it counts (%s); kubectl basicauth user passwd %s leaves one", Describe(l.Hash), visible.Argument(l.User))
		case weak != "":
			check.Status = Warn
			check.Message = weak + "; set the password again with " + mend(meta, l)
		}
		checks = append(checks, check)
	}
	for _, p := range file.Problems() {
		check := Check{Fail, fmt.Sprintf("line %d", p.Line), p.Message}
		if p.User != "" {
			check.Message = fmt.Sprintf("user %q %s", p.User, p.Message)
		}
		if good[p.Line] {
			check.Status = Warn
		}
		checks = append(checks, check)
	}
	return checks
}

// mend is the command that gives the user of a weak line a better one that whoever reads the users can take.
func mend(meta Meta, l linenotes.Line) string {
	flags := ""
	if l.Hash.Algorithm() == htpasswd.SHA1 && slices.ContainsFunc(meta.Projections, projection.WantsSHA1) {
		flags = "--generate --algorithm sha1 "
	}
	return "kubectl basicauth user passwd " + flags + visible.Argument(l.User)
}

func aged(l linenotes.Line) string {
	return fmt.Sprintf("an old password, which counts until %s (%s)", l.Until.Format(time.RFC3339), Describe(l.Hash))
}

// Right says by which of a user's lines a password is right; empty: by none.
func Right(file *htpasswd.File, meta Meta, user, password string) string {
	for _, l := range meta.Lines(file) {
		switch {
		case l.User != user || !l.Hash.Match(password):
		case l.Until.IsZero():
			return fmt.Sprintf("the password is right (%s)", Describe(l.Hash))
		default:
			return "the password is right, but it is " + aged(l)
		}
	}
	return ""
}

// Describe names algorithm and cost: "bcrypt, cost 10", "sha512-crypt, 5000 rounds", "apr1".
func Describe(h htpasswd.Hash) string {
	switch {
	case h.Cost() == 0:
		return string(h.Algorithm())
	case h.Algorithm() == htpasswd.Bcrypt:
		return fmt.Sprintf("%s, cost %d", h.Algorithm(), h.Cost())
	}
	return fmt.Sprintf("%s, %d rounds", h.Algorithm(), h.Cost())
}
