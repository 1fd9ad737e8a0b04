//go:build linux

package stories

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// `kubectl basicauth user add` before and after install; password rotated: in force without a restart, time measured;
// user removed: refused within the same time; Secret deleted: everybody refused, Prometheus keeps scraping and
// alerting, health still true; Secret restored: in again.
func TestUsers(t *testing.T) {
	withEachHelm(t, 3, "users come and go", func(s *story, h *helm) {
		a := alerting{s}
		alice, bob, rotated := login{"alice", "correct horse"}, login{"bob", "battery"}, login{"bob", "staple"}
		a.addUser(alice.user, alice.password)
		a.must(a.both(nobody, 404)) // no way in yet

		h.run("install", "mon", chart("alerting"), "--set", "host="+s.host(), "--post-renderer", "kauth")
		a.until("gates through Traefik", a.both(nobody, 401))
		for _, app := range a.apps() {
			a.guard(app.gate + "/-/ready")
		}
		a.must(a.both(alice, 200), a.both(bob, 401)) // alice at once, bob not yet
		a.until("pods Ready", func() error { return s.podsReady("app.kubernetes.io/instance=mon", 2) })
		a.keepsWorking()
		containers := a.containers()

		// Asked as bob before the gate knows him, it would let him wait longer each time, as it does with all who fail.
		a.change("added user in", func() { a.addUser(bob.user, bob.password) }, func(app gatedApp) error {
			return errors.Join(app.hasUsers(2), app.answers(alice, 200))
		})
		a.until("in", a.both(bob, 200))

		a.change("old password refused", func() {
			a.kubectl(rotated.password+"\n", "basicauth", "user", "passwd", bob.user, "--password-stdin")
		}, func(app gatedApp) error { return app.answers(bob, 401) })
		a.figure("and the new one accepted after", a.until("in", a.both(rotated, 200)))
		a.must(a.both(alice, 200))

		a.change("removed user refused", func() { a.kubectl("", "basicauth", "user", "remove", bob.user) }, func(app gatedApp) error {
			return app.answers(rotated, 401)
		})
		a.must(a.both(alice, 200))

		saved := a.kubectl("", "get", "secret", "kauth-users", "-o", "yaml")
		a.change("all refused without Secret", func() { a.kubectl("", "delete", "secret", "kauth-users") }, func(app gatedApp) error {
			return app.answers(alice, 503)
		})
		a.must(a.saysHowToMend(nobody), a.saysHowToMend(alice), a.both(bob, 503))
		a.keepsWorking()
		a.healthIsTrue()
		a.must(a.both(alice, 503))

		a.change("in again with Secret", func() { a.kubectl(saved, "apply", "-f", "-") }, func(app gatedApp) error {
			return app.answers(alice, 200)
		})
		a.must(a.both(nobody, 401))
		a.until("bob still out", a.both(rotated, 401))
		a.until("pods Ready", func() error { return s.podsReady("app.kubernetes.io/instance=mon", 2) }) // both were stopped for a moment
		if now := a.containers(); now != containers {
			s.Fatalf("containers before:\n%s\nand now:\n%s", containers, now)
		}
	})
}

// inForce bounds the time from a change of users to its being in force: the kubelet here looks every 5 to 7.5 seconds,
// and elsewhere every minute or so.
const inForce = 15 * time.Second

// gateShare bounds how much of that is the gate's own, which promises to read a changed file within a second; the rest is
// for a busy machine.
const gateShare = 5 * time.Second

// alerting is a story about what chart "alerting" installs as release "mon": Prometheus and Alertmanager, both gated.
type alerting struct{ *story }

// A gatedApp is one of the two applications, and where to ask for it.
type gatedApp struct{ pod, gate, inside, admin string }

func (a alerting) apps() []gatedApp {
	domain := "." + a.ns + ".svc.cluster.local:"
	return []gatedApp{
		{
			"prometheus-mon-0", "http://" + a.host(), "http://mon-prometheus" + domain + "9090",
			"http://prometheus-mon-0.prometheus-operated" + domain + "8182",
		}, {
			"alertmanager-mon-0", "http://alertmanager." + a.host(), "http://mon-alertmanager" + domain + "9093",
			"http://alertmanager-mon-0.alertmanager-operated" + domain + "8182",
		},
	}
}

func (app gatedApp) answers(as login, status int) error {
	return answers(app.gate+"/-/ready", as, status)()
}

// hasUsers returns nil when the gate says that it goes by so many users.
func (app gatedApp) hasUsers(n int) error {
	r, err := get(app.admin+"/readyz", nobody)
	if err == nil && r.body != fmt.Sprintf("ok\nusers: %d\n", n) {
		err = fmt.Errorf("%s: %q, want %d users", app.admin, r.body, n)
	}
	return err
}

// both returns nil when both gates answer with this status.
func (a alerting) both(as login, status int) func() error {
	return func() error {
		var errs []error
		for _, app := range a.apps() {
			errs = append(errs, app.answers(as, status))
		}
		return errors.Join(errs...)
	}
}

// change makes a change of the users and waits until it is in force at both gates, which must not take too long: from
// the end of the command, and from when the kubelet changed the file.
func (a alerting) change(what string, do func(), inForceAt func(gatedApp) error) {
	a.Helper()
	do()
	start, apps := time.Now(), a.apps()
	times, errs := make([]time.Time, len(apps)), make([]error, len(apps))
	var wg sync.WaitGroup
	for i, app := range apps {
		wg.Go(func() {
			for errs[i] = inForceAt(app); errs[i] != nil && time.Since(start) < patience; errs[i] = inForceAt(app) {
				time.Sleep(50 * time.Millisecond)
			}
			times[i] = time.Now()
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		a.Fatalf("%s: %v", what, err)
	}
	var total, share time.Duration
	for i, app := range apps {
		total, share = max(total, times[i].Sub(start)), max(share, times[i].Sub(a.delivered(app.pod)))
	}
	a.figure(what, total)
	a.figure("of which the gate", share)
	if total > inForce || share > gateShare {
		a.Errorf("%s: after %s, at most %s of them since the kubelet changed the file; want %s and %s", what, total, share, inForce, gateShare)
	}
}

// delivered is when the kubelet last changed the users in a pod.
func (a alerting) delivered(pod string) time.Time {
	a.Helper()
	uid, err := a.field("pod/"+pod, "{.metadata.uid}")
	if err != nil {
		a.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(theLab.Dir, "kubelet", "root", "pods", uid, "volumes", "kubernetes.io~secret", "kauth-users", "..data"))
	if err != nil {
		a.Fatal(err)
	}
	return info.ModTime()
}

// saysHowToMend returns nil when both gates refuse with a page that names the command which mends it.
func (a alerting) saysHowToMend(as login) func() error {
	return func() error {
		for _, app := range a.apps() {
			r, err := get(app.gate+"/", as)
			if err != nil {
				return err
			}
			if r.status != 503 || !strings.Contains(r.body, "<html") || !strings.Contains(r.body, "kubectl basicauth user add NAME --secret kauth-users") {
				return r.wrong("%s as %q: %d %s; want 503 and a page with the command", app.gate, as.user, r.status, r.body)
			}
		}
		return nil
	}
}

// keepsWorking waits until more was scraped and more alerts have come than now, and for some seconds no scrape went wrong.
func (a alerting) keepsWorking() {
	a.Helper()
	var scraped, alerts float64
	a.until("scrapes and alerts counted", func() (err error) {
		scraped, alerts, err = a.work()
		return err
	})
	a.until("scraped, and alerts received", func() error {
		s, r, err := a.work()
		if err == nil && (s < scraped+2 || r < alerts+2) {
			err = fmt.Errorf("last scrape at %.1f and %.0f alerts received; at first %.1f and %.0f", s, r, scraped, alerts)
		}
		return err
	})
	a.until("no scrape that went wrong", func() error { // on a busy machine one may take longer than the second that it has
		ups, err := a.query("min_over_time(up[4s])")
		if err == nil && (len(ups) != 2 || min(ups[0], ups[1]) != 1) {
			err = fmt.Errorf("up, at its least: %v; want two of 1", ups)
		}
		return err
	})
}

// work is when the later of the two applications was scraped last, in seconds, 0 before both were; and how many alerts came
// to Alertmanager.
func (a alerting) work() (scraped, alerts float64, err error) {
	at, err := a.query("timestamp(up)")
	if len(at) == 2 {
		scraped = min(at[0], at[1])
	}
	if err == nil {
		alerts, err = a.alertsReceived()
	}
	return scraped, alerts, err
}

// query asks Prometheus inside the cluster, where no gate is, for the values that a query has now.
func (a alerting) query(query string) (values []float64, err error) {
	var result struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	r, err := get(a.apps()[0].inside+"/api/v1/query?query="+url.QueryEscape(query), nobody)
	if err == nil {
		err = json.Unmarshal([]byte(r.body), &result)
	}
	for _, series := range result.Data.Result {
		text, _ := series.Value[1].(string)
		value, bad := strconv.ParseFloat(text, 64)
		values, err = append(values, value), errors.Join(err, bad)
	}
	if err != nil {
		return nil, fmt.Errorf("query %s: %w: %s", query, err, r.body)
	}
	return values, nil
}

// alertsReceived is how many alerts came to Alertmanager, by its own count.
func (a alerting) alertsReceived() (n float64, err error) {
	r, err := get(a.apps()[1].inside+"/metrics", nobody)
	if err == nil && r.status != 200 {
		err = fmt.Errorf("metrics of Alertmanager: %d %.200q", r.status, r.body)
	}
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(r.body) {
		if !strings.HasPrefix(line, `alertmanager_alerts_received_total{status="firing"`) {
			continue
		}
		value, err := strconv.ParseFloat(strings.Fields(line)[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", line, err)
		}
		n += value
	}
	return n, nil
}

// healthIsTrue stops each application for a moment: health says so, and is good again.
func (a alerting) healthIsTrue() {
	a.Helper()
	for _, app := range a.apps() {
		name, _, _ := strings.Cut(app.pod, "-")
		pid := a.container(name+"=mon", name).pid
		if pid == 0 {
			a.Fatalf("%s: no process of container %s", app.pod, name)
		}
		a.must(answers(app.gate+"/health", nobody, 200))
		// A signal, and not the freezer of control groups, in which a process cannot even be killed, nor a lab end.
		signal := func(sig syscall.Signal) func() error {
			return func() error { return syscall.Kill(pid, sig) }
		}
		a.must(signal(syscall.SIGSTOP))
		a.until("health of what does not answer", answers(app.gate+"/health", nobody, 503))
		a.must(signal(syscall.SIGCONT))
		a.until("health of what answers again", answers(app.gate+"/health", nobody, 200))
	}
}

// containers says of every container of the pods which it is and since when it runs.
func (a alerting) containers() string {
	a.Helper()
	out, err := a.field("pods", `{range .items[*]}{.metadata.uid}{range .status.containerStatuses[*]} {.name} {.containerID} {.restartCount} {.state.running.startedAt}{"\n"}{end}{end}`)
	if err != nil {
		a.Fatal(err)
	}
	return out
}
