package proxy

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/reload"
)

// Check writes to w what a gate with these settings would find in the files that they name, and returns what keeps it
// from letting anybody in. It opens no port and asks nothing of the upstream.
func Check(cfg gateconf.Config, w io.Writer) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	var errs []error
	say := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name+":", fmt.Sprintf(format, args...))
	}
	say("settings", "ok")
	say("upstream", "%s", cfg.Upstream)
	if cfg.UpstreamCAFile != "" {
		if _, n, err := readCAs(cfg.UpstreamCAFile); err != nil {
			errs = append(errs, err)
		} else {
			say("upstream CA", "%d certificates in %s", n, cfg.UpstreamCAFile)
		}
	}
	errs = append(errs, checkCertificate(cfg, say), checkOrigin(cfg, say), checkUsers(cfg, say))
	checkSessionKeys(cfg, say)
	pages, err := newPages(cfg)
	if err != nil {
		errs = append(errs, err)
	} else {
		say("pages", "%s", pages.describe())
	}
	return errors.Join(errs...)
}

func checkUsers(cfg gateconf.Config, say func(name, format string, args ...any)) error {
	if cfg.Auth == gateconf.AuthNone {
		say("users", "none are asked for")
		return nil
	}
	text, err := reload.File(cfg.UsersFile)()
	if err != nil {
		return fmt.Errorf("--users-file: %w; run kubectl basicauth user add NAME --secret %s", err, cfg.UsersSecret)
	}
	if err := countLines(text); err != nil {
		return fmt.Errorf("--users-file: %s: %w", cfg.UsersFile, err)
	}
	file := htpasswd.Parse(text)
	var errs []error
	for _, p := range file.Problems() {
		errs = append(errs, fmt.Errorf("--users-file: %s: %s", cfg.UsersFile, p))
	}
	if len(file.Users()) == 0 {
		errs = append(errs, fmt.Errorf("--users-file: %s: no users; run kubectl basicauth user add NAME --secret %s", cfg.UsersFile, cfg.UsersSecret))
		return errors.Join(errs...)
	}
	var order []htpasswd.Algorithm
	by := map[htpasswd.Algorithm]int{}
	for _, e := range file.Entries() {
		if by[e.Hash.Algorithm()]++; by[e.Hash.Algorithm()] == 1 {
			order = append(order, e.Hash.Algorithm())
		}
	}
	var hashes []string
	for _, a := range order {
		hashes = append(hashes, fmt.Sprintf("%d %s", by[a], a))
	}
	say("users", "%d in %s (%s)", len(file.Users()), cfg.UsersFile, strings.Join(hashes, ", "))
	for _, e := range file.Entries() {
		if why := e.Hash.Weak(); why != "" {
			say("warning", "line %d: user %q: %s; run kubectl basicauth user passwd %s", e.Line, e.User, why, e.User)
		}
	}
	return errors.Join(errs...)
}

func checkCertificate(cfg gateconf.Config, say func(name, format string, args ...any)) error {
	if cfg.TLSCertFile == "" {
		return nil
	}
	both, err := readPair(cfg.TLSCertFile, cfg.TLSKeyFile)
	if err != nil {
		return fmt.Errorf("--tls-cert-file: %w", err)
	}
	pair, err := parsePair(both)
	if err != nil {
		return fmt.Errorf("--tls-cert-file: %s, %s: %w", cfg.TLSCertFile, cfg.TLSKeyFile, err)
	}
	leaf := pair.Leaf
	say("certificate", "%v, until %s, %d in the chain", leaf.DNSNames, leaf.NotAfter.UTC().Format(time.RFC3339), len(pair.Certificate))
	if time.Now().After(leaf.NotAfter) {
		return fmt.Errorf("--tls-cert-file: %s: expired on %s; renew it", cfg.TLSCertFile, leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return nil
}

func checkOrigin(cfg gateconf.Config, say func(name, format string, args ...any)) error {
	if cfg.RequireHeader == "" {
		return nil
	}
	text, err := readValues(cfg.HeaderValuesDir)
	if err != nil {
		return fmt.Errorf("--header-values-dir: %w", err)
	}
	values, err := parseValues(text)
	if err != nil {
		return fmt.Errorf("--header-values-dir: %s: %w", cfg.HeaderValuesDir, err)
	}
	say("header", "%s, %d accepted values in %s", cfg.RequireHeader, len(values), cfg.HeaderValuesDir)
	return nil
}

// describe says where each page comes from.
func (p *pages) describe() string {
	var custom, builtIn []string
	for _, status := range pageStatuses {
		if p.byStatus[status].custom {
			custom = append(custom, strconv.Itoa(status))
		} else {
			builtIn = append(builtIn, strconv.Itoa(status))
		}
	}
	text := "built in: " + strings.Join(builtIn, ", ")
	if len(custom) == 0 {
		return text
	}
	if len(builtIn) == 0 {
		return "your own: " + strings.Join(custom, ", ")
	}
	return "your own: " + strings.Join(custom, ", ") + "; " + text
}
