package program

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// WebConfigFlag names the file with the users, in all programs of the table below.
const WebConfigFlag = "web.config.file"

// Program is one that checks passwords by prometheus/exporter-toolkit.
type Program struct {
	Name  string // as Names has it; "" for a program that is none of them
	Port  int    // that it listens on unless it is told another
	Since [3]int // the first version with the flag and without CVE-2022-46146, by which one got in without a password
	Args  bool   // its image brings arguments of its own, which args in a manifest would take the place of
	Early bool   // it accepts connections before it serves
}

// programs are the programs by the name of their image and of their binary, with dashes. The versions are those whose
// exporter-toolkit is at least 0.8.2: by the changelogs of Prometheus, Pushgateway, node_exporter and blackbox_exporter,
// which name the advisory, and by go.mod at their tags of the others. That the image brings arguments stands in each
// repository's Dockerfile.
var programs = map[string]Program{
	"prometheus":             {"prometheus", 9090, [3]int{2, 40, 4}, true, true},
	"alertmanager":           {"alertmanager", 9093, [3]int{0, 25, 0}, true, false},
	"pushgateway":            {"pushgateway", 9091, [3]int{1, 5, 1}, false, false},
	"node-exporter":          {"node-exporter", 9100, [3]int{1, 5, 0}, false, false},
	"blackbox-exporter":      {"blackbox-exporter", 9115, [3]int{0, 23, 0}, true, false},
	"mysqld-exporter":        {"mysqld-exporter", 9104, [3]int{0, 15, 0}, false, false},
	"postgres-exporter":      {"postgres-exporter", 9187, [3]int{0, 12, 0}, false, false},
	"snmp-exporter":          {"snmp-exporter", 9116, [3]int{0, 22, 0}, true, false},
	"memcached-exporter":     {"memcached-exporter", 9150, [3]int{0, 11, 0}, false, false},
	"elasticsearch-exporter": {"elasticsearch-exporter", 9114, [3]int{1, 6, 0}, false, false},
}

// programName is a file's or an image's name as the table spells it. Debian puts prometheus- before most, and Rancher
// names its mirrors after the organization too.
func programName(name string) string {
	name = strings.ReplaceAll(path.Base(name), "_", "-")
	for _, prefix := range []string{"prometheus-", "mirrored-prometheus-"} {
		if _, known := programs[strings.TrimPrefix(name, prefix)]; known {
			return strings.TrimPrefix(name, prefix)
		}
	}
	return name
}

// Of knows a container's program by the command that it runs, else by its image; without a Name where it does not.
func Of(c *topology.Container) Program {
	name := programName(ImageName(c.Image))
	if command := manifest.Items(c.Node, "command"); len(command) > 0 {
		name = programName(command[0].Value)
	}
	return programs[name]
}

var imageVersion = regexp.MustCompile(`:v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?:[-+._][^/]*)?$`)

// Version reads the version in an image's tag. A tag with fewer numbers, such as v3, stands for the newest of them.
func Version(image string) (version [3]int, known bool) {
	image, _, _ = strings.Cut(image, "@")
	m := imageVersion.FindStringSubmatch(image)
	if m == nil {
		return version, false
	}
	for i, text := range m[1:] {
		version[i] = 1 << 30
		if n, err := strconv.Atoi(text); err == nil {
			version[i] = n
		}
	}
	return version, true
}

// Older says whether version a is older than b.
func Older(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// WebPorts are the ports that a container's program serves its pages on, all of which ask for a password; an error where
// an argument does not tell.
func WebPorts(c *topology.Container) ([]int, error) {
	var ports []int
	for _, address := range ArgValues(c.Args, "web.listen-address") {
		port, ok := manifest.Decimal(address[strings.LastIndexByte(address, ':')+1:])
		if !ok {
			return nil, fmt.Errorf("%q tells no port", "--web.listen-address="+address)
		}
		ports = append(ports, port)
	}
	if len(ports) == 0 {
		ports = append(ports, Of(c).Port)
	}
	return ports, nil
}

// Names are the names of all programs of the table, for people.
func Names() string { return strings.Join(slices.Sorted(maps.Keys(programs)), ", ") }
