//go:build linux

package stories

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// restricted is what Pod Security "restricted" asks of the application; of the sidecar, kauth sees to it itself.
var restricted = []string{
	"--set", "podSecurityContext.runAsNonRoot=true", "--set", "podSecurityContext.seccompProfile.type=RuntimeDefault",
	"--set", "securityContext.allowPrivilegeEscalation=false", "--set", "securityContext.capabilities.drop={ALL}",
}

// A confined is a release whose pod says something about users and groups, and what this means for the sidecar.
type confined struct {
	name    string
	set     []string
	user    int // of the sidecar's process
	groups  string
	mode    os.FileMode // of the users file
	fileGID uint32
}

var confinements = []confined{
	{name: "plain", user: 65532, mode: 0o444},
	{name: "group", set: []string{"fsGroup=2000"}, user: 65532, groups: "2000", mode: 0o440, fileGID: 2000},
	{name: "user", set: []string{"runAsUser=12345", "runAsGroup=23456"}, user: 12345, groups: "23456", mode: 0o444},
	{name: "both", set: []string{"runAsUser=12345", "runAsGroup=23456", "fsGroup=2000"}, user: 12345, groups: "2000 23456", mode: 0o440, fileGID: 2000},
}

// In a namespace where Pod Security enforces "restricted", with and without an fsGroup, with and without a user of the
// pod's: the sidecar reads its users file, has no rights and cannot write to its root; and of a pod that Pod Security
// objects to, it never objects to the sidecar.
func TestPodSecurityRestricted(t *testing.T) {
	withEachHelm(t, 7, "pods in a restricted namespace", func(s *story, h *helm) {
		s.restrict()
		alice := login{"alice", "correct horse"}
		s.addUser(alice.user, alice.password)
		for _, c := range confinements {
			args := append([]string{"install", c.name, chart("web"), "--post-renderer", "kauth", "--set", "host=" + c.name + "." + s.host()}, restricted...)
			for _, set := range c.set {
				args = append(args, "--set", "podSecurityContext."+set)
			}
			h.run(args...)
		}
		s.figure("pods Ready", s.until("pods Ready", func() (err error) {
			for _, c := range confinements {
				err = errors.Join(err, s.podsReady("app="+c.name, 1))
			}
			return err
		}))
		for _, c := range confinements {
			page := "http://" + c.name + "." + s.host() + "/"
			s.until("a gate at "+page, answers(page, nobody, 401))
			s.must(s.refusedWithPage(page, login{alice.user, "wrong"}), answers(page, alice, 200))
			s.confined(c)
		}

		// And a pod that asks for nothing is refused for its own container alone.
		h.run("install", "loose", chart("web"), "--post-renderer", "kauth", "--set", "host=loose."+s.host())
		s.until("an objection", s.objectsTo("loose", "web")) // until nobody writes the Deployment's status between the question and the answer
	})
}

// restrict makes the namespace one where Pod Security refuses what is not restricted, and says so to whoever asks for it.
func (s *story) restrict() {
	s.Helper()
	s.kubectl("", "label", "namespace", s.ns, "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
}

// confined looks at the sidecar of a release from its node: at its process, its files and its root.
func (s *story) confined(c confined) {
	s.Helper()
	pid := s.container("app="+c.name, "kauth-proxy").pid
	if pid == 0 {
		s.Fatalf("%s: no process of kauth-proxy", c.name)
	}
	proc := fmt.Sprintf("/proc/%d", pid)
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		s.Fatal(err)
	}
	id := fmt.Sprint(c.user)
	for key, want := range map[string]string{
		"Uid": strings.Join([]string{id, id, id, id}, " "), "NoNewPrivs": "1", "Seccomp": "2", // with a filter
		"CapInh": none, "CapPrm": none, "CapEff": none, "CapBnd": none, "CapAmb": none,
	} {
		if got := statusField(string(status), key); got != want {
			s.Errorf("%s: %s of kauth-proxy's process: %q, want %q", c.name, key, got, want)
		}
	}
	for group := range strings.FieldsSeq(c.groups) {
		if got := statusField(string(status), "Groups") + " " + statusField(string(status), "Gid"); !strings.Contains(" "+got+" ", " "+group+" ") {
			s.Errorf("%s: groups of kauth-proxy's process: %q, want %s", c.name, got, group)
		}
	}
	for _, dir := range []string{"", "/etc/kauth/users"} { // root may write where rights are all that is in the way
		if err := os.WriteFile(filepath.Join(proc, "root", dir, "attempt"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
			s.Errorf("%s: kauth-proxy's %s/: written to: %v, want %v", c.name, dir, err, syscall.EROFS)
		}
	}
	users, err := os.Stat(filepath.Join(proc, "root/etc/kauth/users/auth"))
	if err != nil {
		s.Fatal(err)
	}
	if owner := users.Sys().(*syscall.Stat_t); users.Mode() != c.mode || owner.Gid != c.fileGID {
		s.Errorf("%s: users file is %v of group %d, want %v of group %d", c.name, users.Mode(), owner.Gid, c.mode, c.fileGID)
	}
}

const none = "0000000000000000" // no capability at all

// statusField is a line of /proc/PID/status, its words one space apart.
func statusField(status, key string) string {
	for line := range strings.Lines(status) {
		if value, found := strings.CutPrefix(line, key+":"); found {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// objectsTo returns nil when Pod Security objects to a Deployment for the named container and for no other.
func (s *story) objectsTo(deployment, container string) func() error {
	return func() error {
		object := s.kubectl("", "get", "deployment", deployment, "-o", "json")
		_, warnings, err := command{stdin: object, args: []string{"kubectl", "replace", "--dry-run=server", "-f", "-"}}.run()
		if err != nil {
			return err
		}
		if !strings.Contains(warnings, "would violate PodSecurity") || !strings.Contains(warnings, fmt.Sprintf("%q", container)) || strings.Contains(warnings, "kauth") {
			return fmt.Errorf("Pod Security says %q, want an objection to container %q alone", warnings, container)
		}
		return nil
	}
}

// Hooks that look like what kauth gates, one of them with a native sidecar of its own, are in the stream that Helm 4 gives
// a post-renderer: they stay as they are and end, so that Helm, which waits for them, is done; the workload beside
// them has its gate.
func TestHooksEnd(t *testing.T) {
	withEachHelm(t, 7, "hooks of a gated release", func(s *story, h *helm) {
		s.restrict()
		alice := login{"alice", "correct horse"}
		s.addUser(alice.user, alice.password)
		page := "http://" + s.host() + "/"

		s.figure("installed with two hooks", s.took(func() {
			h.run("install", "shop", chart("hooks"), "--set", "host="+s.host(), "--post-renderer", "kauth", "--wait", "--timeout", patience.String())
		}))
		s.hooksEnded("job/shop-prepare prepare", "job/shop-migrate companion migrate")
		s.until("a gate at "+page, answers(page, nobody, 401))
		s.must(s.refusedWithPage(page, login{alice.user, "wrong"}), answers(page, alice, 200))

		s.figure("tested", s.took(func() { h.run("test", "shop", "--timeout", patience.String()) }))
		s.hooksEnded("pod/shop-test test")
		s.must(s.refusedWithPage(page, nobody), answers(page, alice, 200))
	})
}

// hooksEnded checks hooks, each an object's name and those of its containers: it has no others, and they ended well.
func (s *story) hooksEnded(hooks ...string) {
	s.Helper()
	for _, hook := range hooks {
		object, want, _ := strings.Cut(hook, " ")
		spec, ended := "{.spec.template.spec", "{.status.succeeded}"
		if strings.HasPrefix(object, "pod/") {
			spec, ended = "{.spec", "{.status.phase}"
		}
		names, err := s.field(object, spec+".initContainers[*].name} "+spec+".containers[*].name}")
		if err != nil || strings.TrimSpace(names) != want {
			s.Fatalf("%s: containers %q, %v; want %q", object, names, err, want)
		}
		if state, err := s.field(object, ended); err != nil || state != "1" && state != "Succeeded" {
			s.Fatalf("%s: %q, %v; want it to have ended well", object, state, err)
		}
	}
}

const gatedJob = `apiVersion: batch/v1
kind: Job
metadata: {name: report, annotations: {kauth.dev/gate: enabled}}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {app: report}}
    spec:
      restartPolicy: Never
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: report
          image: lab.local/web:1
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// A Job that is gated by its annotation has its gate while it works, and ends when its work is done.
func TestGatedJobEnds(t *testing.T) {
	t.Parallel()
	s := tell(t, 7, "a gated Job")
	s.restrict()
	alice := login{"alice", "correct horse"}
	s.addUser(alice.user, alice.password)
	out, _, err := command{stdin: gatedJob, args: []string{"kauth"}}.run()
	if err != nil {
		s.Fatal(err)
	}
	s.kubectl(out, "apply", "-f", "-")
	s.figure("Ready", s.until("Ready", func() error { return s.podsReady("app=report", 1) }))
	ip := s.podIP("app=report")
	s.must(s.refusedWithPage("http://"+ip+":8181/", nobody), answers("http://"+ip+":8181/", alice, 200))

	if r, err := get("http://"+ip+":8080/end", nobody); err == nil { // the work is done
		s.Fatalf("the application answered the request that ends it: %v", r)
	}
	s.figure("complete", s.took(func() {
		s.kubectl("", "wait", "--for=condition=Complete", "--timeout="+patience.String(), "job/report")
	}))
}
