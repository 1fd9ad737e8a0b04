package testenv

import (
	"strings"
	"testing"
)

func TestRequired(t *testing.T) {
	for _, tt := range []struct {
		list, name string
		want       bool
		wrong      string // the entry that the error names
	}{
		{"", "kube", false, ""},
		{"kube,helm3", "kube", true, ""},
		{"kube, helm3,", "helm3", true, ""},
		{"kube,helm3", "helm4", false, ""},
		{"shared", "shared", true, ""},
		{"kube,helm", "helm3", false, `"helm"`},
		{"apiserver,kube", "kube", false, `"apiserver"`},
		{"Chromium", "chromium", false, `"Chromium"`},
	} {
		t.Setenv("KAUTH_REQUIRE", tt.list)
		got, err := required(tt.name)
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) || !strings.Contains(err.Error(), "chromium") {
				t.Errorf("KAUTH_REQUIRE=%s: %v; want an error that names %s and what is known", tt.list, err, tt.wrong)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("KAUTH_REQUIRE=%s: required(%q) = %t, %v", tt.list, tt.name, got, err)
		}
	}
}

func TestFindToolNamesTheRemedy(t *testing.T) {
	t.Setenv("KAUTH_CACHE", t.TempDir())
	if _, err := FindTool("helm3"); err == nil || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("a tool that is not built: %v", err)
	}
	if _, err := FindTool("nonsense"); err == nil || !strings.Contains(err.Error(), "not a tool") {
		t.Errorf("a tool that nobody knows: %v", err)
	}
}
