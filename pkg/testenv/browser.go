package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/testenv/process"
)

// browserTimeout bounds the start of a browser, its end, and each thing that a Tab waits for.
const browserTimeout = 30 * time.Second

// A Browser is a headless Chromium of this process alone, driven through the DevTools protocol
// (https://chromedevtools.github.io/devtools-protocol/).
type Browser struct {
	process *process.Process
	own     *devtools // of the browser, not of one tab
	host    string    // where DevTools listens, host:port
}

// StartBrowser starts a Browser that keeps its files in dir, to be shared among a package's tests, which ask for the
// "chromium" of Tool first. The caller must Stop it; should the caller be killed, the browser dies too.
func StartBrowser(dir string) (*Browser, error) {
	program, err := FindTool("chromium")
	if err != nil {
		return nil, err
	}
	log := filepath.Join(dir, "chromium.log")
	p, err := process.Start(log, program, "--headless", "--remote-debugging-port=0", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--no-sandbox", // which does not work for root; the pages are our own
		"--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--password-store=basic",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions")
	if err != nil {
		return nil, err
	}
	b := &Browser{process: p}
	endpoint, err := b.endpoint()
	if err == nil {
		b.own, err = dialDevTools(endpoint)
	}
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("chromium: %w", err)
	}
	return b, nil
}

// endpoint waits until the browser says where DevTools listens.
func (b *Browser) endpoint() (string, error) {
	for end := time.Now().Add(browserTimeout); time.Now().Before(end); {
		said, err := b.process.Log()
		if err != nil {
			return "", err
		}
		if _, line, ok := bytes.Cut(said, []byte("DevTools listening on ")); ok {
			if line, _, ok := bytes.Cut(line, []byte("\n")); ok {
				u, err := url.Parse(string(bytes.TrimSpace(line)))
				if err != nil {
					return "", err
				}
				b.host = u.Host
				return u.String(), nil
			}
		}
		select {
		case <-b.process.Done():
			return "", b.process.Failure()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return "", fmt.Errorf("no DevTools after %s:\n%s", browserTimeout, b.process.Tail(10))
}

// Stop ends the browser and all its processes, which stop writing to its folder by then.
func (b *Browser) Stop() {
	// Killed, it would leave its other processes to find that out by themselves.
	_ = b.own.call("Browser.close", nil, nil)
	select {
	case <-b.process.Done():
	case <-time.After(browserTimeout):
	}
	b.process.Kill()
	b.own.close()
}

// NewTab opens an empty tab that shares nothing with others: no cookie, no login, no cache. It ends with the test.
func (b *Browser) NewTab(tb testing.TB) *Tab {
	tb.Helper()
	var context struct{ BrowserContextID string }
	var target struct{ TargetID string }
	err := b.own.call("Target.createBrowserContext", nil, &context)
	if err == nil {
		err = b.own.call("Target.createTarget", Params{"url": "about:blank", "browserContextId": context.BrowserContextID}, &target)
	}
	if err != nil {
		tb.Fatal(err)
	}
	page, err := dialDevTools("ws://" + b.host + "/devtools/page/" + target.TargetID)
	if err != nil {
		tb.Fatal(err)
	}
	t := &Tab{tb: tb, page: page}
	tb.Cleanup(func() {
		page.close()
		if err := b.own.call("Target.disposeBrowserContext", Params{"browserContextId": context.BrowserContextID}, nil); err != nil && !errors.Is(err, errBrowserGone) {
			tb.Error(err)
		}
	})
	return t
}
