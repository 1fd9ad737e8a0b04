// Package kustomize owns the tests that run the real kustomize with what kauth writes for it, and with kauth as its
// function.
package kustomize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// scratch is removed when the package's tests are done.
var scratch string

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &scratch, nil)) }

// kauth builds the program once.
var kauth = sync.OnceValue(func() error { return testenv.Build(context.Background(), scratch, "./cmd/kauth") })

func program(t *testing.T) string {
	t.Helper()
	if err := kauth(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(scratch, "kauth")
}

// command runs a program in dir and returns what it prints.
func command(t *testing.T, dir, stdin, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &errs
	cmd.Env = append(os.Environ(), "KAUTH_CONFIG=", "KAUTH_REPORT=")
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func must(t *testing.T, dir, stdin, name string, args ...string) string {
	t.Helper()
	out, errs, err := command(t, dir, stdin, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, errs)
	}
	return out
}

// build runs kustomize, with functions allowed.
func build(t *testing.T, dir string) (stdout, stderr string, err error) {
	t.Helper()
	return command(t, dir, "", testenv.Tool(t, "kustomize"), "build", "--enable-exec", "--enable-alpha-plugins", ".")
}

// write puts files, a name and a text each, into a new folder.
func write(t *testing.T, files ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i := 0; i+1 < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// objects parses a stream as Kubernetes does, by identity. Fields without a value are left out, which mean
// nothing.
func objects(t *testing.T, text string) map[string]any {
	t.Helper()
	all := map[string]any{}
	d := yamlv3.NewDecoder(strings.NewReader(text))
	for {
		var doc yamlv3.Node
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		raw, err := yamlv3.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		var o map[string]any
		if err := yaml.Unmarshal(raw, &o); err != nil {
			t.Fatal(err)
		}
		if o == nil {
			continue
		}
		metadata, _ := o["metadata"].(map[string]any)
		id := fmt.Sprint(o["apiVersion"], " ", o["kind"], " ", metadata["namespace"], "/", metadata["name"])
		if all[id] != nil {
			t.Fatalf("%s stands twice", id)
		}
		all[id] = withoutNulls(o)
	}
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			empty, isMap := value.(map[string]any)
			if value == nil || key == "annotations" && isMap && len(empty) == 0 { // kustomize leaves these out
				delete(v, key)
				continue
			}
			v[key] = withoutNulls(value)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

// charts calls test with each of the real charts, and the flags that its gates want.
func charts(t *testing.T, test func(t *testing.T, text string, flags []string)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(testenv.Shared(t), "manifests/*/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".values.yaml") {
			continue
		}
		tried++
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var flags []string
		switch filepath.Base(filepath.Dir(name)) {
		case "grafana", "headlamp":
			flags = []string{"--gate", "Deployment/" + filepath.Base(filepath.Dir(name))}
		case "prometheus-pushgateway":
			flags = []string{"--gate", "StatefulSet/pushgateway-prometheus-pushgateway"}
		}
		t.Run(strings.Join(strings.Split(name, string(filepath.Separator))[len(strings.Split(name, string(filepath.Separator)))-2:], "/"), func(t *testing.T) {
			test(t, string(text), flags)
		})
	}
	if tried < 10 {
		t.Errorf("only %d charts", tried)
	}
}
