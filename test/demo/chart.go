package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const chart = "charts/prometheus-alb"

// showChart renders the chart without and with kauth, shows who reaches what and what kauth would change, then how the
// two differ, and returns the second.
func (d *demo) showChart(ctx context.Context, dir string) ([]byte, error) {
	kauth := filepath.Join(d.bin, "kauth")
	template := []string{"template", "mon", chart, "--namespace", namespace}

	heading("1. A chart without a login")
	prompt("helm template mon " + chart + " | kauth explain")
	plain, err := output(ctx, nil, d.helm, template...)
	if err != nil {
		return nil, err
	}
	before, err := output(ctx, plain, kauth, "explain")
	if err != nil {
		return nil, err
	}
	indent(before)

	heading("2. The same chart, one flag more")
	prompt("helm template mon " + chart + " --post-renderer kauth")
	gated, err := output(ctx, nil, d.helm, append(template, "--post-renderer", kauth)...)
	if err != nil {
		return nil, err
	}
	changes, err := diff(ctx, dir, plain, gated)
	if err != nil {
		return nil, err
	}
	indent(changes)
	return gated, nil
}

// output runs a program and returns its standard output. Its standard error is in the error.
func output(ctx context.Context, stdin []byte, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// longest is the number of added lines in a row that are shown.
const longest = 16

// diff returns the changed lines, below the name of the file that each belongs to.
func diff(ctx context.Context, dir string, before, after []byte) ([]byte, error) {
	names := []string{filepath.Join(dir, "before.yaml"), filepath.Join(dir, "after.yaml")}
	for i, data := range [][]byte{before, after} {
		if err := os.WriteFile(names[i], data, 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, "diff", "-U1", names[0], names[1])
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: they differ
		return nil, fmt.Errorf("diff: %w", err)
	}
	return condense(string(out), strings.Split(string(before), "\n")), nil
}

// condense shortens what diff says: each hunk stands below the template that it is in, and long additions are cut.
func condense(hunks string, before []string) []byte {
	var shown bytes.Buffer
	file, added := "", 0
	for line := range strings.Lines(hunks) {
		if !strings.HasPrefix(line, "+") {
			if added > longest {
				fmt.Fprintf(&shown, "+     ... %d lines more\n", added-longest)
			}
			added = 0
		} else if added++; added > longest {
			continue
		}
		switch start := 0; {
		case strings.HasPrefix(line, "---") || strings.HasPrefix(line, "+++") || line == " ---\n":
		case strings.HasPrefix(line, "@@"):
			_, _ = fmt.Sscanf(line, "@@ -%d", &start)
			if source := sourceOf(before[:min(start, len(before))]); source != file {
				file = source
				fmt.Fprintf(&shown, "%s\n", file)
			} else {
				shown.WriteString("  ...\n")
			}
		default:
			shown.WriteString(line)
		}
	}
	return shown.Bytes()
}

// sourceOf returns Helm's comment that says which template the last line is from.
func sourceOf(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if strings.HasPrefix(line, "# Source: ") {
			return line
		}
	}
	return ""
}
