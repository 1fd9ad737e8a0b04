package sidecar_test

import (
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/filters/sidecar"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

const container = `- name: kauth-proxy
  image: example.com/kauth-proxy:v1
  args:
  - --upstream=http://127.0.0.1:9090
  - --users-file=/etc/kauth/users/auth
  - --users-secret=kauth-users
  - --listen=:8181
  - --admin-listen=:8182
  - --realm=Restricted
  - --health-path=/health
  ports:
  - name: kauth
    containerPort: 8181
    protocol: TCP
  - name: kauth-admin
    containerPort: 8182
    protocol: TCP
  readinessProbe:
    httpGet:
      path: /health
      port: kauth
    periodSeconds: 5
    timeoutSeconds: 3
  livenessProbe:
    httpGet:
      path: /livez
      port: kauth-admin
    periodSeconds: 10
    timeoutSeconds: 3
  startupProbe:
    httpGet:
      path: /livez
      port: kauth-admin
    periodSeconds: 1
    failureThreshold: 60
  resources:
    requests:
      cpu: 10m
      memory: 32Mi
    limits:
      memory: 320Mi
  securityContext:
    allowPrivilegeEscalation: false
    capabilities:
      drop:
      - ALL
    readOnlyRootFilesystem: true
    runAsNonRoot: true
    seccompProfile:
      type: RuntimeDefault
  volumeMounts:
  - name: kauth-users
    mountPath: /etc/kauth/users
    readOnly: true
`

const volume = `- name: kauth-users
  secret:
    secretName: kauth-users
    defaultMode: 288
    optional: true
`

func TestFilter(t *testing.T) {
	f := filter()
	user := f
	user.RunAsUser = 65532
	const head = "kind: Prometheus\nspec:\n"
	own := indent(container, "  ")
	vol := indent(volume, "  ")
	filtertest.Run(t, []filtertest.Case{
		{Name: "absent", Filter: f, In: head + "  replicas: 1\n", Want: head + "  replicas: 1\n  containers:\n" + own + "  volumes:\n" + vol},
		{Name: "null", Filter: f, In: head + "  containers:\n  volumes: null\n", Want: head + "  containers:\n" + own + "  volumes:\n" + vol},
		{Name: "empty", Filter: f, In: head + "  containers: []\n  volumes: []\n", Want: head + "  containers:\n" + own + "  volumes:\n" + vol},
		{
			Name: "after others, with comments", Filter: f,
			In:   head + "  containers:\n  # mine\n  - name: a # first\n    image: i\n  # end\n  volumes:\n  - name: v\n",
			Want: head + "  containers:\n  # mine\n  - name: a # first\n    image: i\n" + own + "  # end\n  volumes:\n  - name: v\n" + vol,
		},
		{
			Name: "two objects, one meant", Filter: f,
			In:   head + "  containers:\n---\n" + head + "  containers:\n",
			Want: head + "  containers:\n" + own + "  volumes:\n" + vol + "---\n" + head + "  containers:\n",
		},
		{
			Name: "a user of its own", Filter: user, In: head + "  replicas: 1\n",
			Want: head + "  replicas: 1\n  containers:\n" + strings.Replace(own, "runAsNonRoot: true\n", "runAsNonRoot: true\n      runAsUser: 65532\n", 1) + "  volumes:\n" + vol,
		},
		{Name: "alias", Filter: f, In: "kind: Prometheus\nx: &x [{name: a}]\nspec: {containers: *x}\n", Err: "spec.containers: a YAML alias (*x)"},
		{Name: "merge key", Filter: f, In: "kind: Prometheus\nx: &x {containers: [{name: a}]}\nspec:\n  <<: *x\n", Err: "spec.containers: comes from a YAML merge key"},
		{Name: "not a sequence", Filter: f, In: "kind: Prometheus\nspec: {containers: {name: a}}\n", Err: "spec.containers: expected a sequence"},
	})
}

func filter() sidecar.Filter {
	config := gateconf.Defaults()
	config.Upstream, config.UsersFile = "http://127.0.0.1:9090", gateconf.UsersFile
	return sidecar.Filter{
		PodSpec: manifest.P("spec"), Config: config, Port: 8181, AdminPort: 8182, Image: "example.com/kauth-proxy:v1", FileMode: 0o440,
		Mounts: []gateconf.Mount{{Volume: gateconf.VolumeName, Secret: gateconf.UsersSecret, Dir: gateconf.UsersDir}},
	}
}

func indent(text, by string) string {
	return by + strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\n"+by), by)
}
