package yamltext

import (
	"bytes"
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want bool
	}{
		{"usual", "---\n# c\na: 1\nb:\n- c: d\n  e: \"f\" # g\n-   - h\nf: |-\n  x: {{ $y }}\n\n  z\ng: 'it''s'\nh: [a, \"b\"]\ni: {}\n", true},
		{"plain text goes on", "a: b {{ $labels.x }}\n  c\n\n  d\ne: f\n", true},
		{"null values", "a:\nb: # c\nc:\n  d:\n-\n", false},
		{"empty", "", true},
		{"only comments", "# a\n\n# b\n", true},
		{"tab in the indentation", "a:\n\tb: 1\n", false},
		{"tab in a literal", "a: |\n  b\tc\n", true},
		{"not utf-8", "a: \xff\n", false},
		{"overlong utf-8", "a: \xc0\x80\n", false},
		{"latin", "a: é\n", true},
		{"control", "a: \x01\n", false},
		{"bad indentation", "a:\n    b: 1\n  c: 2\n", false},
		{"value and block", "a: b\n  c: d\n", false},
		{"two colons", "a: b: c\n", false},
		{"open quote", "a: \"b\n", false},
		{"second document", "a: 1\n---\nb: 2\n", false},
		{"bad escape", `a: "\/"` + "\n", false},
		{"long key", strings.Repeat("k", 1100) + ": v\n", false},
		{"deep", strings.Repeat("- ", 200) + "a\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Lint([]byte(tt.in)); got != tt.want {
				t.Errorf("got %v for %q", got, tt.in)
			}
			if _, err := Parse([]byte(tt.in)); tt.want && err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLintCharts keeps Lint useful: what it is unsure of has to be parsed.
func TestLintCharts(t *testing.T) {
	sure, all := 0, 0
	for name, raw := range charts(t, "alb.yaml") {
		if !strings.HasPrefix(name, "kube-prometheus-stack/") {
			continue
		}
		all += len(raw)
		if Lint(raw) {
			sure += len(raw)
		} else {
			t.Logf("unsure of %s, %d bytes", name, len(raw))
		}
	}
	t.Logf("sure of %.2f%% of %d bytes", 100*float64(sure)/float64(all), all)
	if sure*100 < all*95 {
		t.Errorf("sure of %d of %d bytes", sure, all)
	}
}

func FuzzLintAgreesWithParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Add([]byte("---\n# c\na: 1\nb:\n- c: d\n  e: \"f\" # g\n-   - h\nf: |-\n  x: {{ $y }}\n\n  z\ng: 'it''s'\nh: [a, \"b\"]\ni: {}\n"))
	f.Add([]byte("a: b {{ $labels.x }}\n  c\n\n  d\ne: f\n# x\n  # y\n- z\n"))
	f.Add([]byte("a:\n  # c\n  b: |2+\n     x\n\n # d\n  c: >\n\n     \n    y\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !Lint(raw) {
			return
		}
		if _, err := Parse(raw); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}

func BenchmarkLint(b *testing.B) {
	var all [][]byte
	size := 0
	for name, raw := range charts(b, "alb.yaml") {
		if strings.HasPrefix(name, "kube-prometheus-stack/") {
			all = append(all, bytes.Clone(raw))
			size += len(raw)
		}
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, raw := range all {
			Lint(raw)
		}
	}
}
