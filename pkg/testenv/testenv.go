// Package testenv owns what tests need from outside the module: a real API server, a real browser, the programs that
// test/lab/build gets, and the folder of real manifests and schemas. What is missing makes a test skip and say how to
// get it; where KAUTH_REQUIRE names it, the test fails instead.
package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Root returns the absolute path of the module's root folder, found from the working directory, which `go test` sets
// to the tested package's folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/kauth-dev/kauth\n") {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("working directory: not inside the kauth module; run go test from its tree")
		}
		dir = parent
	}
}

// Shared returns the folder with manifests/ and crds/: ../shared beside the module's root, or what KAUTH_SHARED names.
// A test that asks for it where it is absent skips, or fails when KAUTH_REQUIRE lists "shared".
func Shared(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("KAUTH_SHARED")
	if dir == "" {
		root, err := Root()
		if err != nil {
			tb.Fatal(err)
		}
		dir = filepath.Join(filepath.Dir(root), "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "manifests")); err != nil {
		missing(tb, "shared", fmt.Errorf("no folder %s; put it there or name it with KAUTH_SHARED", filepath.Join(dir, "manifests")))
	}
	return dir
}

// Tool returns the path of a program that test/lab/build knows: "kube" (etcd, kube-apiserver and kubectl in one),
// "helm3", "helm4", "kustomize", "prometheus", "nginx", "haproxy", "traefik", "gcc", "htpasswd", "openssl", "curl", "dot", "chromium",
// "zsh", "fish" or "bash_completion". A test that asks for one that is not there
// yet skips and says how to get it, or fails when KAUTH_REQUIRE, a comma separated list, names it, or names anything
// unknown. Tool itself builds nothing.
func Tool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := FindTool(name)
	if err != nil {
		missing(tb, name, err)
	}
	return path
}

// FindTool is Tool for a TestMain: it returns an error where Tool skips.
func FindTool(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(root, "test", "lab", "build"), "--path", name)
	out, err := cmd.Output()
	path := strings.TrimSpace(string(out))
	if err == nil {
		return path, nil
	}
	if path == "" {
		return "", fmt.Errorf("%s: not a tool that test/lab/build knows: %w", name, err)
	}
	return "", fmt.Errorf("%s: not at %s; run make tools, or test/lab/build %s", name, path, name)
}

// required says whether KAUTH_REQUIRE lists name, so that a test must fail where it would skip for want of it. A name
// there that nobody knows is an error: a slip of the pen must not let tests skip.
func required(name string) (bool, error) {
	list := strings.FieldsFunc(os.Getenv("KAUTH_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(list) == 0 {
		return false, nil
	}
	known, err := knownTools()
	if err != nil {
		return false, err
	}
	known = append(known, "shared")
	for _, entry := range list {
		if !slices.Contains(known, entry) {
			return false, fmt.Errorf("KAUTH_REQUIRE: %q is nothing that a test can lack; use %s", entry, strings.Join(known, ", "))
		}
	}
	return slices.Contains(list, name), nil
}

// knownTools returns the names that Tool takes.
func knownTools() ([]string, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(context.Background(), filepath.Join(root, "test", "lab", "build"), "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("test/lab/build --list: %w", err)
	}
	return strings.Fields(string(out)), nil
}

func missing(tb testing.TB, name string, lack error) {
	tb.Helper()
	switch must, err := required(name); {
	case err != nil:
		tb.Fatalf("%v (this test lacks %s)", err, name)
	case must:
		tb.Fatalf("KAUTH_REQUIRE lists %s: %v", name, lack)
	}
	tb.Skip(lack)
}
