package inject

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/planner"
)

// nativeLayouts are containers as people and charts write them, whose probe is replaced.
var nativeLayouts = map[string]string{
	"compact": `
      - name: p
        image: prom/prometheus:v3
        args: [--a]
        livenessProbe:
          httpGet: {port: 9090}
        ports: [{containerPort: 9090}]
`,
	"probe first": `
      - livenessProbe:
          httpGet:
            port: 9090
            path: /x
        name: p
        image: prom/prometheus:v3
        args:
        - --a
        ports: [{containerPort: 9090}]
`,
	"wide": `
          -   name: p
              image: prom/prometheus:v3
              args:
                  -   --a
              readinessProbe:
                      # one
                      httpGet:
                              # two
                              path: /x   # three
                              port: 9090      # four

                      # five
                      periodSeconds: 1
                      # six
              ports: [{containerPort: 9090}]
`,
	"blank lines": `
      - name: p
        image: prom/prometheus:v3
        args: [--a]
        readinessProbe:

          httpGet:

            port: 9090

          timeoutSeconds: 1


        ports: [{containerPort: 9090}]
`,
	"last": `
      - name: p
        image: prom/prometheus:v3
        ports: [{containerPort: 9090}]
        args: [--a]
        readinessProbe:
          timeoutSeconds: 1
          httpGet:
            port: 9090
            httpHeaders:
            - name: a
              value: |
                b
                 c
`,
	"multi flow": `
      - name: p
        image: prom/prometheus:v3
        ports: [{containerPort: 9090}]
        args: [--a]
        readinessProbe: {httpGet: {port: 9090,
           path: /x},   # c
           timeoutSeconds:  1 }
        livenessProbe: { httpGet:   {port: "9090"} }
`,
	"json": `
      - {"name":"p","image":"prom/prometheus:v3","ports":[{"containerPort":9090}],"args":["--a"],"readinessProbe":{"httpGet":{"port":9090}},"volumeMounts":[]}
`,
	"empty lists": `
      - name: p
        image: prom/prometheus:v3
        ports: [{containerPort: 9090}]
        args: [--a]
        volumeMounts: []
        readinessProbe:
          httpGet:
            port: 9090
      volumes: []
`,
	"null lists": `
      - name: p
        image: prom/prometheus:v3
        ports: [{containerPort: 9090}]
        args: [--a]
        volumeMounts:
        readinessProbe:
          httpGet:
            port: 9090
      volumes: null
`,
	"command only": `
      - name: p
        image: prom/prometheus:v3
        ports: [{containerPort: 9090}]
        command: [/bin/prometheus, --a]
        readinessProbe:
          httpGet:
            port: 9090
`,
	"quoted args": `
      - name: p
        image: 'prom/prometheus:v3'
        ports: [{containerPort: 9090}]
        args:
          - "--a"
          - '--b'
        "readinessProbe":
          "httpGet":
            "port": 9090
          ? periodSeconds
          : 3
`,
	"null host": `
      - name: p
        image: prom/prometheus:v3
        ports: [{name: w, containerPort: 9090}]
        args: [--a]
        readinessProbe:
          httpGet:
            host:
            port: w
`,
}

// However an application is written, the argument is put in and its probe replaced, twice is the same as once, and eject
// gives the bytes back, also where the last line has no ending.
func TestNativeGivesTheInputBack(t *testing.T) {
	const head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec:\n  template:\n    metadata: {labels: {app: prometheus}}\n    spec:\n      containers:"
	native := Options{Options: planner.Options{Settings: config.Settings{Mode: config.ModeNative}}}
	for _, name := range slices.Sorted(maps.Keys(nativeLayouts)) {
		text := head + nativeLayouts[name]
		for ending, in := range map[string]string{
			"LF": text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "none at the end": strings.TrimSuffix(text, "\n"),
		} {
			if name == "last" && ending == "none at the end" {
				continue // refused: a block scalar at the end of what may have been cut off
			}
			t.Run(name+" "+ending, func(t *testing.T) {
				first, err := run(t, in, native)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(strings.SplitAfter(first, "containers:")[1], "httpGet") || !strings.Contains(first, "--web.config.file=/etc/kauth/web/web.yml") {
					t.Errorf("not changed:\n%s", first)
				}
				if again, err := run(t, first, native); err != nil || again != first {
					t.Errorf("twice differs from once: %v\n%s", err, again)
				}
				if back := ejected(t, first); back != in {
					t.Errorf("eject gives\n%s", back)
				}
			})
		}
	}
}
