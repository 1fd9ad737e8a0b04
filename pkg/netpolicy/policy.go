// Package netpolicy owns the words of NetworkPolicies: their names, rules, ports and peers, as the settings file and the API
// have them, and past what a rule lets people.
package netpolicy

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Name is NAME-kauth. What is too long for a name (253 bytes, an RFC 1123 subdomain) is cut and told from others by
// the start of its hash.
func Name(name string) string {
	const suffix, most, hash = "-kauth", 253, 8
	name = strings.TrimRight(name, "-.") // of a generateName
	if len(name)+len(suffix) > most {
		sum := sha256.Sum256([]byte(name))
		name = strings.TrimRight(name[:most-len(suffix)-hash-1], "-.") + "-" + hex.EncodeToString(sum[:])[:hash]
	}
	return name + suffix
}

// Rule is a rule that lets peers in to ports; without peers everybody, without ports to all.
func Rule(peers []*yaml.Node, ports ...*yaml.Node) *yaml.Node {
	var from, to *yaml.Node
	if len(peers) > 0 {
		from = manifest.Sequence(peers...)
	}
	if len(ports) > 0 {
		to = manifest.Sequence(ports...)
	}
	return manifest.Mapping("from", from, "ports", to)
}

// Port is a port of a rule, by its number.
func Port(port int, protocol string) *yaml.Node {
	return manifest.Mapping("port", manifest.Number(port), "protocol", manifest.Text(protocol))
}

// Peers are the peers of a rule of the stream, to be put into another.
func Peers(rule topology.PolicyRule) []*yaml.Node {
	var all []*yaml.Node
	for _, peer := range rule.From {
		all = append(all, manifest.Copy(peer.Node))
	}
	return all
}
