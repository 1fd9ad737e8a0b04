// Package pkg owns the rules that hold for all packages: what each program links, which package may import which, and
// the shape of files. A new module or import means a new line here, with its reason, in the same change.
package pkg

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kauth-dev/kauth"

// The sidecar is small: what is not on this list does not get into it.
var proxyModules = map[string]string{
	module: "ours; see proxyPackages",

	"golang.org/x/crypto":                 "bcrypt",
	"golang.org/x/sys":                    "x/crypto asks it what the processor can do",
	"golang.org/x/time":                   "the rest after failed passwords",
	"github.com/prometheus/client_golang": "metrics",

	"github.com/KimMachineGun/automemlimit": "the container's memory limit",
	"github.com/pbnjay/memory":              "automemlimit: the machine's memory",

	"github.com/beorn7/perks":            "client_golang: quantiles",
	"github.com/cespare/xxhash/v2":       "client_golang: hashes of labels",
	"github.com/munnerz/goautoneg":       "client_golang: choice of the metrics format",
	"github.com/prometheus/client_model": "client_golang: the metrics data model",
	"github.com/prometheus/common":       "client_golang: the metrics text format",
	"github.com/prometheus/procfs":       "client_golang: metrics of the process",
	"google.golang.org/protobuf":         "client_golang: the metrics data model",
}

// Of ours, the sidecar links the proxy side of style.md's table only.
var proxyPackages = []string{
	"cmd/kauth-proxy", "pkg/cli/proxy", "pkg/proxy", "pkg/auth", "pkg/htpasswd", "pkg/reload",
	"pkg/gateconf", "pkg/version", "pkg/cpulimit", "pkg/sessionkey",
}

// What the other programs must never link, by the start of the import path.
var banned = map[string]map[string]string{
	"cmd/kauth": {
		"k8s.io/client-go":            "kauth never calls a cluster",
		"k8s.io/cli-runtime":          "kauth never calls a cluster",
		"k8s.io/apimachinery":         "kyaml, with its kube-openapi, is all of Kubernetes that kauth needs",
		"k8s.io/api":                  "kyaml, with its kube-openapi, is all of Kubernetes that kauth needs",
		"helm.sh/":                    "Helm starts kauth, not the other way round",
		"github.com/prometheus/":      "only the sidecar has metrics",
		module + "/pkg/proxy":         "the manifest side and the proxy side meet in gateconf only",
		module + "/pkg/auth":          "the manifest side and the proxy side meet in gateconf only",
		module + "/pkg/reload":        "the manifest side and the proxy side meet in gateconf only",
		module + "/pkg/userstore":     "only kubectl basicauth edits users",
		module + "/pkg/projection":    "kauth sees no password and no hash",
		module + "/pkg/secretstore":   "only kubectl basicauth edits Secrets",
		module + "/pkg/linenotes":     "only kubectl basicauth edits users",
		module + "/pkg/history":       "only kubectl basicauth edits Secrets",
		module + "/pkg/sessionkey":    "kauth sees no key",
		module + "/pkg/cli/basicauth": "another program",
		module + "/pkg/cli/proxy":     "another program",
		module + "/pkg/testenv":       "for tests",
		"github.com/google/go-cmp":    "for tests",
		"github.com/rogpeppe/":        "for tests",
		"github.com/creack/pty":       "for tests",
		"github.com/coder/websocket":  "for tests",
		"github.com/invopop/":         "for tests",
		"github.com/santhosh-tekuri/": "for tests",
		"golang.org/x/crypto/bcrypt":  "kauth sees no password and no hash",
		module + "/pkg/htpasswd":      "kauth sees no password and no hash",
	},
	"cmd/kubectl-basicauth": {
		"helm.sh/":                   "nothing of Helm is needed to edit a Secret",
		module + "/pkg/proxy":        "the proxy is another program",
		module + "/pkg/auth":         "the proxy is another program",
		module + "/pkg/reload":       "the proxy is another program",
		module + "/pkg/inject":       "kubectl basicauth changes no manifest",
		module + "/pkg/planner":      "kubectl basicauth changes no manifest",
		module + "/pkg/filters":      "kubectl basicauth changes no manifest",
		module + "/pkg/testenv":      "for tests",
		"github.com/google/go-cmp":   "for tests",
		"github.com/rogpeppe/":       "for tests",
		"github.com/creack/pty":      "for tests",
		"github.com/coder/websocket": "for tests",
	},
}

func TestSidecarLinksOnlyWhatIsAllowed(t *testing.T) {
	for _, p := range linked(t, "cmd/kauth-proxy") {
		switch _, known := proxyModules[p.module]; {
		case p.module == "": // the standard library
		case !known:
			t.Errorf("kauth-proxy links %s of module %s; do without it, or allow it in proxyModules with its reason", p.path, p.module)
		case p.module == module:
			name := strings.TrimPrefix(p.path, module+"/")
			if !slices.ContainsFunc(proxyPackages, func(allowed string) bool { return within(name, allowed) }) {
				t.Errorf("kauth-proxy links %s, which is not of the proxy side", p.path)
			}
		}
	}
}

func TestProgramsDoNotLinkWhatIsBanned(t *testing.T) {
	for _, program := range slices.Sorted(maps.Keys(banned)) {
		for _, p := range linked(t, program) {
			for ban, reason := range banned[program] {
				if within(p.path, ban) {
					t.Errorf("%s links %s: %s", program, p.path, reason)
				}
			}
		}
	}
}

// Which of our packages a package may import, tests aside; the table of style.md section 1. What is not listed may
// import none of ours. A name stands for the packages below it too.
var mayImport = map[string][]string{
	"cmd/kauth":             {"pkg/cli/kauth"},
	"cmd/kauth-proxy":       {"pkg/cli/proxy"},
	"cmd/kubectl-basicauth": {"pkg/cli/basicauth"},
	"pkg/cli/kauth":         {"pkg/manifest", "pkg/topology", "pkg/plan", "pkg/planner", "pkg/choice", "pkg/finding", "pkg/inject", "pkg/explain", "pkg/filters/eject", "pkg/config", "pkg/krm", "pkg/patches", "pkg/cli/screen"},
	"pkg/cli/proxy":         {"pkg/proxy", "pkg/auth", "pkg/reload", "pkg/htpasswd"},
	"pkg/cli/basicauth":     {"pkg/userstore", "pkg/secretstore", "pkg/rotation", "pkg/verify", "pkg/htpasswd", "pkg/projection", "pkg/inforce", "pkg/linenotes", "pkg/history", "pkg/cli/screen", "pkg/visible"},
	"pkg/topology":          {"pkg/manifest", "pkg/yamltext"},
	"pkg/manifest":          {"pkg/yamltext"},
	"pkg/config":            {"pkg/yamltext"},
	"pkg/finding":           {"pkg/manifest"},
	"pkg/program":           {"pkg/topology", "pkg/manifest"},
	"pkg/ingressauth":       {"pkg/topology", "pkg/manifest", "pkg/program"},
	"pkg/netpolicy":         {"pkg/topology", "pkg/manifest", "pkg/config"},
	"pkg/proof":             {"pkg/topology", "pkg/manifest", "pkg/config", "pkg/finding", "pkg/program", "pkg/ingressauth", "pkg/netpolicy"}, // not plan, whose result it checks
	"pkg/plan":              {"pkg/topology", "pkg/manifest", "pkg/config", "pkg/finding"},
	"pkg/client":            {"pkg/topology", "pkg/manifest"},
	"pkg/balancer":          {"pkg/topology", "pkg/manifest", "pkg/finding", "pkg/plan"},
	"pkg/closing":           {"pkg/topology", "pkg/manifest", "pkg/config", "pkg/finding", "pkg/plan", "pkg/program", "pkg/ingressauth", "pkg/netpolicy", "pkg/client"},
	"pkg/native":            {"pkg/topology", "pkg/manifest", "pkg/finding", "pkg/plan", "pkg/program", "pkg/client", "pkg/balancer"},
	"pkg/ingress":           {"pkg/topology", "pkg/manifest", "pkg/config", "pkg/finding", "pkg/plan", "pkg/program", "pkg/ingressauth"},
	"pkg/choice":            {"pkg/topology", "pkg/manifest", "pkg/config", "pkg/finding", "pkg/plan", "pkg/program"},
	"pkg/planner":           {"pkg/topology", "pkg/manifest", "pkg/config", "pkg/finding", "pkg/plan", "pkg/program", "pkg/client", "pkg/balancer", "pkg/closing", "pkg/native", "pkg/ingress", "pkg/choice", "pkg/stranger"},
	"pkg/filters":           {"pkg/manifest", "pkg/yamltext", "pkg/config"},
	"pkg/inject":            {"pkg/manifest", "pkg/topology", "pkg/plan", "pkg/planner", "pkg/finding", "pkg/proof", "pkg/config", "pkg/filters", "pkg/yamltext"},
	"pkg/krm":               {"pkg/manifest", "pkg/finding", "pkg/yamltext"},
	"pkg/patches":           {"pkg/manifest"},
	"pkg/explain":           {"pkg/plan", "pkg/finding", "pkg/topology", "pkg/manifest", "pkg/config"},
	"pkg/auth/basic":        {"pkg/auth", "pkg/htpasswd", "pkg/auth/mac", "pkg/cpulimit"},
	"pkg/auth/session":      {"pkg/auth", "pkg/htpasswd", "pkg/auth/mac", "pkg/sessionkey"},
	"pkg/proxy":             {"pkg/auth", "pkg/reload", "pkg/htpasswd", "pkg/proxy/front", "pkg/proxy/lean"},
	"pkg/proxy/front":       {"pkg/proxy/octets"},
	"pkg/proxy/lean":        {"pkg/proxy/octets"},
	"pkg/userstore":         {"pkg/htpasswd", "pkg/secretstore", "pkg/sessionkey", "pkg/projection", "pkg/linenotes", "pkg/history", "pkg/visible"},
	"pkg/linenotes":         {"pkg/htpasswd"},
	"pkg/history":           {"pkg/secretstore"},
	"pkg/projection":        {"pkg/htpasswd", "pkg/visible"},
	"pkg/rotation":          {"pkg/secretstore", "pkg/sessionkey"},
	"pkg/visible":           {},
	"pkg/inforce":           {"pkg/live", "pkg/userstore", "pkg/projection", "pkg/visible", "pkg/topology"}, // which Ingresses read users is topology's
	"pkg/stranger":          {"pkg/manifest"},
	"pkg/live":              {"pkg/topology", "pkg/manifest", "pkg/stranger"},
	"pkg/verify":            {"pkg/visible", "pkg/topology", "pkg/userstore", "pkg/manifest", "pkg/choice", "pkg/finding", "pkg/proof", "pkg/config", "pkg/live", "pkg/helmrelease", "pkg/htpasswd", "pkg/stranger", "pkg/sessionkey"},
	"test/kustomize":        {"pkg/manifest", "pkg/patches"},
	"test/demo":             {"pkg/userstore", "pkg/htpasswd"},
	"test/ways":             {}, // the second resolver is to make no mistake of the first
}

func TestPackagesImportOnlyTheirRooms(t *testing.T) {
	for line := range strings.Lines(goList(t, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module+"/")
		if within(name, "pkg/testenv") {
			continue // may import anything, and is imported by tests only
		}
		for _, imported := range fields[1:] {
			if other, ours := strings.CutPrefix(imported, module+"/"); ours && !allowed(name, other) {
				t.Errorf("%s imports %s; move the code, or allow it in mayImport", name, other)
			}
		}
	}
}

// Whom anyone may import.
var everyone = []string{"pkg/gateconf", "pkg/version"}

// allowed looks the importing package up under its own name, then its parents'.
func allowed(name, imported string) bool {
	if slices.Contains(everyone, imported) {
		return true
	}
	for room := name; ; {
		if list, ok := mayImport[room]; ok {
			return slices.ContainsFunc(list, func(a string) bool { return within(imported, a) })
		}
		cut := strings.LastIndexByte(room, '/')
		if cut < 0 {
			return false
		}
		room = room[:cut]
	}
}

// within says whether path is root or below it. A root that ends in a slash has no package of its own.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

type linkedPackage struct{ path, module string }

// linked returns all packages that a program of ours is made of, for the platform that the image runs on.
func linked(t *testing.T, program string) []linkedPackage {
	t.Helper()
	var all []linkedPackage
	for line := range strings.Lines(goList(t, "-deps", "-f", `{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}`, "./"+program)) {
		path, mod, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		all = append(all, linkedPackage{path, mod})
	}
	return all
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	cmd.Env = append(cmd.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
