package topology

import (
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Port is a port as manifests write it: a number, or a name where Name is not "".
type Port struct {
	Name   string
	Number int
	Odd    bool // Name is a number that YAML 1.1, which Kubernetes reads, and YAML 1.2 may read differently, such as 0x50
}

// String is the port as it is written.
func (p Port) String() string {
	if p.Name != "" {
		return p.Name
	}
	return strconv.Itoa(p.Number)
}

// PortText is a port for people: its number, and its name where it has one.
func PortText(number int, name string) string {
	if name == "" {
		return strconv.Itoa(number)
	}
	return strconv.Itoa(number) + " (" + name + ")"
}

// ParsePort reads a port number in decimals, or a name.
func ParsePort(text string) Port {
	if n, ok := manifest.Decimal(text); ok {
		return Port{Number: n}
	}
	return Port{Name: text}
}

// scalar is the port that a field holds, in any of the ways that manifests write it; the zero Port where there is none.
func scalar(n *yaml.Node, path ...string) Port {
	v := manifest.Field(n, path...)
	text := manifest.String(v)
	if text == "" {
		return Port{}
	}
	port := ParsePort(text)
	port.Odd = port.Name != "" && v.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 && looksNumeric(text)
	return port
}

// looksNumeric says whether some reader of YAML may take plain text for a number.
func looksNumeric(text string) bool {
	text = strings.ReplaceAll(text, "_", "")
	if _, err := strconv.ParseInt(text, 0, 64); err == nil {
		return true
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

const (
	oddPort = "is a number that not every reader of YAML takes for the same"
	oddHint = "write it in plain decimals"
)

// oddKey returns a key of a mapping that YAML 1.1, which Kubernetes reads, does not take for the text that it looks
// like: 0x1 is the key "1" there, and on is "true". It returns "" where there is none.
func oddKey(n *yaml.Node) string {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.TaggedStyle) != 0 || k.Tag == yaml.MergeTag {
			continue
		}
		if looksNumeric(k.Value) || otherWords[strings.ToLower(k.Value)] {
			return k.Value
		}
	}
	return ""
}

var otherWords = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true, "null": true, "~": true, "": true,
}

// PortsText are ports for people: "80", or "80 and 443".
func PortsText(ports []int) string {
	var list []string
	for _, port := range ports {
		list = append(list, strconv.Itoa(port))
	}
	return strings.Join(list, " and ")
}
