package browser

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// nobody is an address at which no application answers.
const nobody = "http://127.0.0.1:1"

func setSize(tab *testenv.Tab, width, height int) {
	tab.Call("Emulation.setDeviceMetricsOverride", testenv.Params{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
	}, nil)
}

func setColors(tab *testenv.Tab, scheme string) {
	tab.Call("Emulation.setEmulatedMedia", testenv.Params{
		"features": []testenv.Params{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
}

// The page of a gate without users looks as it should under its own policy, and that policy holds.
func TestPolicy(t *testing.T) {
	gate := startGate(t, startUpstream(t), noUsers)
	tab := newTab(t)
	setSize(tab, 1280, 800)
	setColors(tab, "light")
	tab.Send("Page.navigate", testenv.Params{"url": gate + "/"})
	if status := loaded(tab); status != 503 || heading(tab) != "Nobody can sign in yet" {
		t.Errorf("status %d, heading %q", status, heading(tab))
	}
	if got := testenv.Evaluate[string](tab, `getComputedStyle(document.querySelector("main")).borderRadius`); got != "18px" {
		t.Errorf("the card's corners are %q: the policy refuses the page's own style", got)
	}
	type entry struct {
		Entry struct{ Source, Level, Text string }
	}
	for _, e := range testenv.Seen[entry](tab, "Log.entryAdded") {
		if e.Entry.Source == "security" || strings.Contains(e.Entry.Text, "Content Security Policy") {
			t.Errorf("the browser complains about the page: %s", e.Entry.Text)
		}
	}
	screenshot(t, tab, "503", 1280, 800)

	for what, script := range map[string]string{
		"script-src-elem": `{ const e = document.createElement("script"); e.textContent = "window.ran = true"; document.head.append(e) }`,
		"script-src-attr": `{ const e = document.createElement("div"); e.setAttribute("onclick", "window.ran = true"); document.body.append(e); e.click() }`,
		"style-src-elem":  `{ const e = document.createElement("style"); e.textContent = "main { display: none }"; document.head.append(e) }`,
		"style-src-attr":  `document.querySelector("main").setAttribute("style", "display: none")`,
		"img-src":         `new Image().src = "/logo.png"`,
		"connect-src":     `fetch("/api").catch(() => 0)`,
		"form-action":     `{ const e = document.createElement("form"); e.action = "/elsewhere"; document.body.append(e); e.submit() }`,
		"base-uri":        `{ const e = document.createElement("base"); e.href = "https://example.com/"; document.head.append(e) }`,
	} {
		refused := testenv.Evaluate[string](tab, `new Promise(done => {
			document.addEventListener("securitypolicyviolation", e => done(e.effectiveDirective), {once: true});
			setTimeout(() => done("nothing"), 3000);
			`+script+`
		})`)
		if refused != what {
			t.Errorf("the policy refused %s, want %s", refused, what)
		}
	}
	if testenv.Evaluate[bool](tab, `window.ran === true || getComputedStyle(document.querySelector("main")).display === "none"`) {
		t.Error("a script or a style that the policy forbids had its effect")
	}
}

// Every page follows the wish for dark colors, and fits a narrow screen however long the names on it are.
func TestPagesOnEveryScreen(t *testing.T) {
	long := func(c *gateconf.Config) {
		c.Realm = strings.Repeat("Überwachung", 12)
		c.UsersSecret = strings.Repeat("users-of-the-shop-", 11) + "staging"
	}
	for _, tt := range []struct {
		name   string
		change func(*gateconf.Config)
		login  func(*testenv.Tab, authRequired)
		status int
	}{
		{"401", long, cancel, 401},
		{"502", long, func(tab *testenv.Tab, asked authRequired) { logIn(tab, asked, password) }, 502},
		{"503", func(c *gateconf.Config) { long(c); noUsers(c) }, nil, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tab := newTab(t)
			answerLogins(tab)
			setSize(tab, 320, 640)
			setColors(tab, "light")
			open(tab, startGate(t, nobody, tt.change)+"/")
			if tt.login != nil {
				tt.login(tab, prompt(tab))
			}
			if status := loaded(tab); status != tt.status {
				t.Fatalf("status %d, want %d", status, tt.status)
			}
			everyScreen(t, tab, tt.name)
		})
	}
}

// everyScreen looks at the page in the tab on screens of several widths, in light and in dark colors.
func everyScreen(t *testing.T, tab *testenv.Tab, name string) {
	t.Helper()
	setColors(tab, "light")
	for _, width := range []int{320, 768} {
		setSize(tab, width, 640)
		if wide := testenv.Evaluate[int](tab, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("%d pixels wide on a screen of %d", wide, width)
		}
	}
	setSize(tab, 320, 640)
	light := screenshot(t, tab, name+"-narrow", 320, 640)
	setColors(tab, "dark")
	setSize(tab, 768, 640)
	dark := screenshot(t, tab, name+"-dark", 768, 640)
	if l, d := brightness(light, 4, 320), brightness(dark, 4, 320); l < 200 || d > 60 {
		t.Errorf("the ground's brightness is %d in light colors and %d in dark ones", l, d)
	}
	for _, colors := range []string{"light", "dark"} {
		setColors(tab, colors)
		for _, of := range []string{"h1", ".lead", ".realm", "main > p:not([class])", ".go", "footer", "label", "input[type=text]", ".problem", ".back"} {
			if ratio := contrast(tab, of); ratio < 4.5 { // WCAG 2.2, success criterion 1.4.3
				t.Errorf("%s: contrast of %s is %.1f, want 4.5", colors, of, ratio)
			}
		}
	}
}

// The pages of a gate that asks for the password itself, and those that a person meets in a flood or by the wrong way.
func TestOtherPagesOnEveryScreen(t *testing.T) {
	long := func(c *gateconf.Config) {
		withPage(newKey(t))(c)
		c.Realm = strings.Repeat("Überwachung", 12)
	}
	name := strings.Repeat("max.mustermann@example.com", 6)
	for _, tt := range []struct {
		name   string
		change func(*gateconf.Config)
		come   func(tab *testenv.Tab, gate string) int
		status int
	}{
		{"sign-in", long, func(tab *testenv.Tab, gate string) int { return visit(tab, gate) }, 200},
		{"sign-in-wrong", long, func(tab *testenv.Tab, gate string) int { visit(tab, gate); return enter(tab, name, "guessed") }, 403},
		{"sign-in-no-cookie", long, func(tab *testenv.Tab, gate string) int {
			visit(tab, gate)
			tab.Call("Network.clearBrowserCookies", nil, nil)
			return enter(tab, name, password)
		}, 403},
		{"sign-out", long, func(tab *testenv.Tab, gate string) int {
			visit(tab, gate)
			signIn(tab)
			return visit(tab, gate+"_kauth/sign-out")
		}, 200},
		{"signed-out", long, func(tab *testenv.Tab, gate string) int { return visit(tab, gate+"_kauth/sign-out") }, 200},
		{"403", func(c *gateconf.Config) {
			long(c)
			c.RequireHeader, c.HeaderValuesDir = "X-Origin-Verify", t.TempDir()
		}, func(tab *testenv.Tab, gate string) int { return visit(tab, gate) }, 403},
		{"429", func(c *gateconf.Config) { c.Realm, c.HashQueue = strings.Repeat("Überwachung", 12), 1 }, tooMany, 429},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gate := startGate(t, startUpstream(t), tt.change)
			tab := newTab(t)
			if tt.status == 429 {
				defer flood(t, gate)()
			}
			if status := tt.come(tab, gate+"/"); status != tt.status {
				t.Fatalf("status %d, want %d", status, tt.status)
			}
			everyScreen(t, tab, tt.name)
			complaints(t, tab)
		})
	}
}

// tooMany comes with a wrong password until there are too many.
func tooMany(tab *testenv.Tab, gate string) int {
	wrong := base64.StdEncoding.EncodeToString([]byte(user + ":guessed"))
	tab.Call("Network.setExtraHTTPHeaders", testenv.Params{"headers": testenv.Params{"Authorization": "Basic " + wrong}}, nil)
	status := 0
	for end := time.Now().Add(20 * time.Second); status != 429 && time.Now().Before(end); {
		status = visit(tab, gate)
	}
	return status
}

// contrast returns the ratio between the color of an element's text and that of what it stands on, as WCAG 2.2 has it.
func contrast(tab *testenv.Tab, selector string) float64 {
	return testenv.Evaluate[float64](tab, `(() => {
		const light = color => {
			const [r, g, b] = color.match(/[\d.]+/g).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
			return 0.2126 * r + 0.7152 * g + 0.0722 * b;
		};
		const text = document.querySelector("`+selector+`");
		if (!text) return 21;
		let ground = text;
		while (/rgba\(.*, 0\)/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
		const [a, b] = [light(getComputedStyle(text).color), light(getComputedStyle(ground).backgroundColor)];
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	})()`)
}
