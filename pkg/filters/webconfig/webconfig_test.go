package webconfig_test

import (
	"testing"

	"github.com/kauth-dev/kauth/pkg/filters/filtertest"
	"github.com/kauth-dev/kauth/pkg/filters/webconfig"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

func TestFilter(t *testing.T) {
	f := webconfig.Filter{
		PodSpec: manifest.P("spec"), Container: manifest.P("spec", "containers", 0),
		Argument: "--web.config.file=/w/web.yml", Volume: "kauth-web", Secret: "kauth-users-web", Dir: "/w", FileMode: 0o444,
	}
	const (
		head   = "kind: Pod\nspec:\n  containers:\n  - name: app\n"
		mount  = "    volumeMounts:\n    - name: kauth-web\n      mountPath: /w\n      readOnly: true\n"
		volume = "  volumes:\n  - name: kauth-web\n    secret:\n      secretName: kauth-users-web\n      defaultMode: 292\n"
	)
	filtertest.Run(t, []filtertest.Case{
		{Name: "absent", Filter: f, In: head, Want: head + "    args:\n    - --web.config.file=/w/web.yml\n" + mount + volume},
		{Name: "null", Filter: f, In: head + "    args:\n", Want: head + "    args:\n    - --web.config.file=/w/web.yml\n" + mount + volume},
		{
			Name: "commented", Filter: f, In: head + "    args: # the flags\n    - --a # first\n    volumeMounts:\n    - name: v\n      mountPath: /v\n  volumes:\n  - name: v\n    emptyDir: {}\n",
			Want: head + "    args: # the flags\n    - --a # first\n    - --web.config.file=/w/web.yml\n    volumeMounts:\n    - name: v\n      mountPath: /v\n    - name: kauth-web\n      mountPath: /w\n      readOnly: true\n" +
				"  volumes:\n  - name: v\n    emptyDir: {}\n  - name: kauth-web\n    secret:\n      secretName: kauth-users-web\n      defaultMode: 292\n",
		},
		{
			Name: "flow style", Filter: f, In: "kind: Pod\nspec: {containers: [{name: app, args: [--a]}]}\n",
			Want: "kind: Pod\nspec: {containers: [{name: app, args: [--a, \"--web.config.file=/w/web.yml\"], volumeMounts: [{name: kauth-web, mountPath: /w, readOnly: true}]}], volumes: [{name: kauth-web, secret: {secretName: kauth-users-web, defaultMode: 292}}]}\n",
		},
		{
			Name: "two objects, one meant", Filter: f, In: head + "---\n" + head,
			Want: head + "    args:\n    - --web.config.file=/w/web.yml\n" + mount + volume + "---\n" + head,
		},
		{Name: "alias", Filter: f, In: "kind: Pod\nx: &x [--a]\nspec: {containers: [{args: *x}]}\n", Err: "args: a YAML alias (*x)"},
	})
}
