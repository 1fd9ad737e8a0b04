//go:build linux

package stories

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// `kubectl basicauth verify` of a healthy release finds nothing wrong; then it is broken in each of the ways that people
// break it, by kubectl, and each is named with exit code 1. `verify --release` names what is open in a release that was
// installed without kauth.
func TestVerify(t *testing.T) {
	withEachHelm(t, 18, "is the door shut?", func(s *story, h *helm) {
		v := verified{s}
		s.addUser("alice", "correct horse")
		h.run("install", "web", chart("web"), "--set", "host="+s.host(), "--post-renderer", "kauth")
		s.until("pod Ready", func() error { return s.podsReady("app=web", 1) })

		start := time.Now()
		s.must(v.finds(0, "correct horse",
			`pass +Secret `+s.ns+`/kauth-users +password of "alice" +the password is right`,
			`pass +Deployment `+s.ns+`/web +gate +8181 -> http://127.0.0.1:8080, by kauth v0.9.1`,
			`pass +Pod \S+ +sidecar +ready; image and arguments as Deployment`,
			`pass +Pod \S+ +users +in force: 1, as Secret "kauth-users" says`,
			`pass +Pod \S+ +knock +401 without a password \(realm "Restricted"\); /health 200`,
			`pass +Pod \S+ +user "alice" +let in \(200\)`,
			`pass +Deployment \S+ +ways +all from outside lead to the gate: Ingress `+s.ns+`/web`,
			`warn +Deployment \S+ +inside +every pod of the cluster reaches port 8080 \(Service web:80\) past the gate: no NetworkPolicy`,
			`(pass|warn) +Namespace `+s.ns+` +tunnels`,
		))
		s.figure("verified in", time.Since(start))
		s.must(v.finds(1, "battery staple", `fail +Secret \S+ +password of "alice" +the password is wrong`, `fail +Pod \S+ +user "alice" +refused with 401`))
		v.broken()
		v.installed(h)
	})
}

// verified is a story about what chart "web" installs as release "web".
type verified struct{ *story }

// finds returns nil when verify ends with this exit code, and its lines include all these. With a password it is asked for
// alice.
func (v verified) finds(code int, password string, lines ...string) func() error {
	return func() error {
		args := []string{"verify"}
		if password != "" {
			args = append(args, "--user", "alice", "--password-stdin")
		}
		return v.says(code, password, args, lines...)
	}
}

func (v verified) says(code int, stdin string, args []string, lines ...string) error {
	out, stderr, err := command{stdin: stdin, args: append([]string{"kubectl", "basicauth", "-n", v.ns}, args...)}.run()
	got := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		return err
	}
	if got != code {
		return fmt.Errorf("exit code %d, want %d\n%s%s", got, code, out, stderr)
	}
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)^` + line).MatchString(out) {
			return fmt.Errorf("no line %q in\n%s", line, out)
		}
	}
	return nil
}

// broken breaks what is installed, a way at a time, and mends it.
func (v verified) broken() {
	v.Helper()
	healthy := v.finds(0, "")
	for _, b := range []struct{ what, make, want string }{
		{
			"a NodePort past the gate",
			"apiVersion: v1\nkind: Service\nmetadata: {name: past}\nspec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n",
			`fail +Service \S+/past +way +spec.ports\[0\]: leads to port 8080 \(http\) of Deployment \S+/web, past the gate`,
		}, {
			"an Ingress to the old port",
			"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: old}\nspec: {defaultBackend: {service: {name: web, port: {name: http}}}}\n",
			`fail +Ingress \S+/old +way +spec.defaultBackend\S*: leads to port 8080 \(http\) of Deployment \S+/web, past the gate`,
		}, {
			"a pod that only a label leads to",
			"apiVersion: v1\nkind: Service\nmetadata: {name: hand}\nspec: {type: NodePort, selector: {by: hand}, ports: [{port: 80, targetPort: 8080}]}\n",
			`fail +Service \S+/hand +way `,
		},
	} {
		v.kubectl("", "label", "pods", "-l", "app=web", "by=hand", "--overwrite")
		v.kubectl(b.make, "apply", "-f", "-")
		v.until(b.what+" named", v.finds(1, "", b.want))
		v.kubectl(b.make, "delete", "-f", "-")
		v.until("mended", healthy)
	}

	good, err := v.field("secret/kauth-users", "{.data.auth}")
	if err != nil {
		v.Fatal(err)
	}
	v.kubectl("", "patch", "secret", "kauth-users", "-p", `{"data":{"auth":"`+base64.StdEncoding.EncodeToString([]byte("no colon\n"))+`"}}`)
	v.until("a bad line named", v.finds(1, "", `fail +Secret \S+ +line 1 +no colon`, `fail +Pod \S+ +users +the last good users are in force, 1 of them, not the Secret's`))
	v.kubectl("", "patch", "secret", "kauth-users", "-p", `{"data":{"auth":"`+good+`"}}`)
	v.until("mended", healthy)

	pod := strings.TrimSpace(v.kubectl("", "get", "pods", "-l", "app=web", "-o", "name"))
	v.kubectl("", "set", "image", pod, "kauth-proxy=lab.local/web:1")
	v.until("another image named", v.finds(1, "", `fail +Pod \S+ +sidecar +differs from Deployment \S+: image \(lab.local/web:1, not ghcr.io/kauth-dev/kauth-proxy:v0.9.1\)`))
	v.kubectl("", "delete", pod, "--wait=false")
	v.until("mended", healthy)

	v.kubectl("", "patch", "deployment", "web", "-p", `{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null},"template":{"spec":{"containers":[{"name":"kauth-proxy",`+
		`"image":"lab.local/web:1","args":["-listen=:8181"],"readinessProbe":null,"livenessProbe":null}]}}}}`)
	v.until("an impostor named", v.finds(1, "", `fail +Deployment \S+ +gate +container kauth-proxy: `, `fail +Pod \S+ +knock +lets everybody in: 200 without a password`))
}

// installed looks at releases as Helm has stored them.
func (v verified) installed(h *helm) {
	v.Helper()
	v.must(func() error {
		return v.says(0, "", []string{"verify", "--release", "web"}, `pass +Deployment \S+/web +ways +all from outside lead to the gate: Ingress \S+/web`)
	})
	h.run("install", "open", chart("web"), "--set", "host=open."+v.host(), "--set", "replicas=0")
	v.must(func() error {
		return v.says(1, "", []string{"verify", "--release", "open"},
			`fail +Deployment \S+/open +gate +has no gate, which kauth would put there as the annotation of Deployment \S+/open asks`,
			`fail +Ingress \S+/open +way +spec.rules\[0\].http.paths\[0\].backend: leads to port 8080 \(http\) of Deployment \S+/open, which has no gate`)
	}, func() error { return v.says(2, "", []string{"verify", "--release", "nix"}) })
}

// verified returns nil when verify finds nothing wrong, and says all this.
func (s *story) verified(said ...string) func() error {
	return func() error {
		out, err := s.tryKubectl("", "basicauth", "verify")
		for _, text := range said {
			if err == nil && !strings.Contains(out, text) {
				err = fmt.Errorf("no %q in\n%s", text, out)
			}
		}
		return err
	}
}
