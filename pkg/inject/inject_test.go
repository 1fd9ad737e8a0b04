package inject

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/planner"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

const small = `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: prom
spec:
  template:
    metadata:
      labels: {app.kubernetes.io/name: prometheus, app.kubernetes.io/component: server}
    spec:
      containers:
      - name: server
        image: prom/prometheus
        ports:
        - containerPort: 9090
---
apiVersion: v1
kind: Service
metadata:
  name: prom
spec:
  selector: {app.kubernetes.io/name: prometheus}
  ports:
  - name: http
    port: 80
    targetPort: 9090
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: prom
  annotations:
    alb.ingress.kubernetes.io/healthcheck-path: /-/healthy # asked by the ALB
    alb.ingress.kubernetes.io/actions.f: '{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"prom","servicePort":"80","weight":1}]}}'
spec:
  defaultBackend: {service: {name: prom, port: {name: http}}}
  rules:
  - http:
      paths:
      - backend:
          service:
            name: f
            port:
              name: use-annotation
`

func run(t *testing.T, in string, o Options) (string, error) {
	t.Helper()
	s, _, err := Run([]byte(in), o)
	if err != nil {
		if s != nil {
			t.Error("an error, and a stream as well")
		}
		return "", err
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.String(), nil
}

func ejected(t *testing.T, in string) string {
	t.Helper()
	s, err := Eject([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, _ = s.WriteTo(&out)
	return out.String()
}

func TestRunTwiceAndBack(t *testing.T) {
	first, err := run(t, small, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"healthcheck-path: /health # asked by the ALB", `"servicePort":"8181","weight":1`, "port: {name: kauth}", "targetPort: kauth",
		"image: ghcr.io/kauth-dev/kauth-proxy:",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	again, err := run(t, first, Options{})
	if err != nil || again != first {
		t.Errorf("the second run differs from the first: %v\n%s", err, again)
	}
	if back := ejected(t, first); back != small {
		t.Errorf("eject does not give the input back:\n%s", back)
	}
	changed, err := run(t, first, Options{Options: planner.Options{Settings: config.Settings{Port: 9999, UsersSecret: "others"}}})
	if err != nil || !strings.Contains(changed, "--listen=:9999") || strings.Contains(changed, "8181") || !strings.Contains(changed, "secretName: others") {
		t.Errorf("a run with other options does not start afresh: %v\n%s", err, changed)
	}
}

func TestRefusedSaysAllAtOnce(t *testing.T) {
	in := small + `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec: {defaultBackend: {service: {name: nowhere, port: {number: 1}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: b}
spec: {defaultBackend: {service: {name: prom, port: {number: 81}}}}
`
	_, err := run(t, in, Options{})
	var refused *RefusedError
	if !errors.As(err, &refused) || len(refused.Findings) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{
		`Ingress a: spec.defaultBackend: no Service "nowhere" in this stream`, `Ingress b: spec.defaultBackend: Service "prom" has no port "81"; use one of 80 (http)`,
	} {
		if got := strings.Split(err.Error(), "\n")[i]; !strings.HasPrefix(got, want) {
			t.Errorf("line %d: got %q, want %q", i, got, want)
		}
	}
}

func TestIdentityTwice(t *testing.T) {
	_, err := run(t, small+"---\n"+strings.SplitN(small, "---\n", 2)[0], Options{})
	if err == nil || !strings.Contains(err.Error(), "StatefulSet prom: stands twice in this stream, at lines 1 and") {
		t.Errorf("got %v", err)
	}
}

func TestEjectRefusesAnEditedObject(t *testing.T) {
	first, err := run(t, small, Options{})
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(first, "  defaultBackend: {service: {name: prom, port: {name: kauth}}}\n", "", 1)
	if _, err := Eject([]byte(edited)); err == nil || !strings.Contains(err.Error(), `spec.defaultBackend.service.port.name: not there; this object was edited after kauth`) {
		t.Errorf("got %v", err)
	}
}

// seeds are small: whole charts are tried by TestChartsGiveTheInputBack, and would only slow the mutation down.
func seeds(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(strings.ReplaceAll(small, "\n", "\r\n")))
	f.Add([]byte(nativeIn))
	f.Add([]byte("kind: List\nitems:\n- " + strings.ReplaceAll(strings.SplitN(small, "---\n", 2)[0], "\n", "\n  ") + "\n"))
	f.Add([]byte(`{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "labels": {"app": "prometheus"}, "annotations": {"kauth.dev/gate": "enabled"}}, "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 9090}]}]}}`))
}

// modeOf tries mode native where it may do: in a stream that names a program of it.
func modeOf(in []byte) string {
	if bytes.Contains(in, []byte("prom/prometheus")) {
		return config.ModeNative
	}
	return config.ModeSidecar
}

// FuzzInjectTwice states that whatever the input, a run either refuses it or gives an output that a second run leaves
// as it is.
func FuzzInjectTwice(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		o := Options{Options: planner.Options{Settings: config.Settings{Mode: modeOf(in)}}}
		first, err := run(t, string(in), o)
		if err != nil {
			return
		}
		again, err := run(t, first, o)
		if err != nil {
			t.Fatalf("the output is refused: %v\ninput:\n%s\noutput:\n%s", err, in, first)
		}
		if again != first {
			t.Fatalf("twice differs from once\ninput:\n%s\nonce:\n%s\ntwice:\n%s", in, first, again)
		}
	})
}

// FuzzEjectAfterInject states that eject takes out all that a run put in: what comes back is resolved and planned like
// the input, and is the input itself where that had no trace of an earlier run.
func FuzzEjectAfterInject(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		o := Options{Options: planner.Options{AllowNone: true, Settings: config.Settings{Mode: modeOf(in)}}}
		first, err := run(t, string(in), o)
		if err != nil || bytes.Contains(in, []byte("kauth.dev/undo")) {
			return
		}
		back := ejected(t, first)
		if back == string(in) {
			return
		}
		// Formatting aside: the way there and back must at least be the same from then on.
		again, err := run(t, back, o)
		if err != nil || ejected(t, again) != back || strings.Contains(back, "kauth") != bytes.Contains(in, []byte("kauth")) {
			t.Fatalf("eject gives something else: %v\ninput:\n%s\nback:\n%s", err, in, back)
		}
	})
}

func TestChartsGiveTheInputBack(t *testing.T) {
	shared := testenv.Shared(t)
	charts, err := filepath.Glob(filepath.Join(shared, "manifests/*/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	gates := []choice.Target{}
	for _, text := range []string{"Deployment/grafana", "Deployment/headlamp", "StatefulSet/pushgateway-prometheus-pushgateway"} {
		target, err := choice.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, target)
	}
	tried := 0
	for _, chart := range charts {
		if strings.HasSuffix(chart, ".values.yaml") {
			continue
		}
		tried++
		in, err := os.ReadFile(chart)
		if err != nil {
			t.Fatal(err)
		}
		for _, ending := range []string{"\n", "\r\n"} {
			text := strings.ReplaceAll(string(in), "\n", ending)
			var o Options
			for _, g := range gates {
				if strings.Contains(text, "kind: "+g.Kind+ending) && strings.Contains(text, "  name: "+g.Name+ending) {
					o.Targets = append(o.Targets, g)
				}
			}
			out, err := run(t, text, o)
			if err != nil {
				t.Errorf("%s: %v", chart, err)
				continue
			}
			if again, err := run(t, out, o); err != nil || again != out {
				t.Errorf("%s: twice differs from once: %v", chart, err)
			}
			if ejected(t, out) != text {
				t.Errorf("%s: eject does not give the input back", chart)
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d charts in %s", tried, shared)
	}
}
