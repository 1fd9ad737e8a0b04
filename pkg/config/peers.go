package config

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Peer is who else may reach the application past the gate, in the words of a NetworkPolicy: pods, or addresses.
type Peer struct {
	// Pods by their labels; {} means all. Without namespaceSelector, those of the workload's own namespace.
	PodSelector *LabelSelector `json:"podSelector,omitempty"`
	// Namespaces by their labels; {} means all. Every namespace has the label kubernetes.io/metadata.name.
	NamespaceSelector *LabelSelector `json:"namespaceSelector,omitempty"`
	// Addresses, of what is outside of the cluster or in the network of a node. Stands alone.
	IPBlock *IPBlock `json:"ipBlock,omitempty"`
}

// LabelSelector selects what has all these labels.
type LabelSelector struct {
	// Labels and their values.
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
	// Conditions, all of which must hold.
	MatchExpressions []Requirement `json:"matchExpressions,omitempty"`
}

// Requirement is a condition on one label.
type Requirement struct {
	// The label.
	Key string `json:"key"`
	// What must be so.
	Operator string `json:"operator" jsonschema:"enum=In,enum=NotIn,enum=Exists,enum=DoesNotExist"`
	// Values, with In and NotIn.
	Values []string `json:"values,omitempty"`
}

// IPBlock is a range of addresses.
type IPBlock struct {
	// Such as 10.0.0.0/16.
	CIDR string `json:"cidr"`
	// Ranges inside of it that are not meant.
	Except []string `json:"except,omitempty"`
}

// The values of Settings.NetworkPolicy besides PolicyNone.
const (
	PolicySameNamespace = "same-namespace"
	PolicyGateOnly      = "gate-only"
)

// Closes says whether a value of the setting networkPolicy asks for a policy.
func Closes(policy string) bool {
	return policy == PolicySameNamespace || policy == PolicyGateOnly
}

// Everyone says whether a peer lets in every pod of the cluster, or every address.
func (p Peer) Everyone() bool {
	if p.IPBlock != nil {
		return strings.HasSuffix(p.IPBlock.CIDR, "/0") && len(p.IPBlock.Except) == 0
	}
	return p.NamespaceSelector != nil && p.NamespaceSelector.empty() && (p.PodSelector == nil || p.PodSelector.empty())
}

// Namespace says whether a peer lets in every pod of the workload's own namespace.
func (p Peer) Namespace() bool {
	return p.Everyone() && p.IPBlock == nil || p.NamespaceSelector == nil && p.PodSelector != nil && p.PodSelector.empty()
}

// String is a peer for people: pods app=grafana in namespaces team=web.
func (p Peer) String() string {
	if p.IPBlock != nil {
		text := p.IPBlock.CIDR
		if len(p.IPBlock.Except) > 0 {
			text += " but " + strings.Join(p.IPBlock.Except, " and ")
		}
		return text
	}
	text := "pods"
	if s := p.PodSelector; s != nil && !s.empty() {
		text += " " + s.String()
	}
	if p.NamespaceSelector == nil {
		return text + " of its namespace"
	}
	if p.NamespaceSelector.empty() {
		return text + " of every namespace"
	}
	return text + " in namespaces " + p.NamespaceSelector.String()
}

// String is a selector as kubectl takes it: app=grafana,tier in (a,b).
func (s *LabelSelector) String() string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		all = append(all, key+"="+s.MatchLabels[key])
	}
	for _, e := range s.MatchExpressions {
		switch e.Operator {
		case "Exists":
			all = append(all, e.Key)
		case "DoesNotExist":
			all = append(all, "!"+e.Key)
		default:
			all = append(all, fmt.Sprintf("%s %s (%s)", e.Key, strings.ToLower(e.Operator), strings.Join(e.Values, ",")))
		}
	}
	return strings.Join(all, ",")
}

func (s *LabelSelector) empty() bool { return len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 }

// Labels as the API wants them: a name, with a domain before it or not, and a value (k8s.io/apimachinery
// pkg/util/validation IsQualifiedName, IsValidLabelValue).
var (
	labelName  = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValue = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`)
)

func validKey(key string) bool {
	domain, name, found := strings.Cut(key, "/")
	return !found && labelName.MatchString(key) || found && labelName.MatchString(name) && len(domain) <= 253 && secretName.MatchString(domain)
}

// peers validates a list of peers where it stands, for only the file can state it.
func (d *decoder) peers(s *Stated, at string) {
	if s == nil || s.AllowFrom == nil {
		return
	}
	for i, peer := range *s.AllowFrom {
		field := fmt.Sprintf("%s.allowFrom[%d]", at, i)
		switch {
		case peer == Peer{}:
			d.wrong(field, "lets nobody in; give podSelector, namespaceSelector or ipBlock")
		case peer.IPBlock != nil && (peer.PodSelector != nil || peer.NamespaceSelector != nil):
			d.wrong(field, "ipBlock stands alone; write the selectors as an entry of their own")
		}
		d.selector(peer.PodSelector, field+".podSelector")
		d.selector(peer.NamespaceSelector, field+".namespaceSelector")
		d.ipBlock(peer.IPBlock, field+".ipBlock")
	}
}

func (d *decoder) selector(s *LabelSelector, at string) {
	if s == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		d.label(join(at+".matchLabels", key), key, s.MatchLabels[key])
	}
	for i, e := range s.MatchExpressions {
		field := fmt.Sprintf("%s.matchExpressions[%d]", at, i)
		d.label(field, e.Key, e.Values...)
		switch listed := len(e.Values) > 0; e.Operator {
		case "In", "NotIn":
			if !listed {
				d.wrong(field, "%s without values; give some", e.Operator)
			}
		case "Exists", "DoesNotExist":
			if listed {
				d.wrong(field+".values", "%s takes none; leave them out", e.Operator)
			}
		default:
			d.wrong(field, "%q is not an operator; use In, NotIn, Exists or DoesNotExist", e.Operator)
		}
	}
}

func (d *decoder) label(at, key string, values ...string) {
	if !validKey(key) {
		d.wrong(at, "%q is not the name of a label", key)
	}
	for _, value := range values {
		if !labelValue.MatchString(value) {
			d.wrong(at, "%q is not the value of a label", value)
		}
	}
}

func (d *decoder) ipBlock(b *IPBlock, at string) {
	if b == nil {
		return
	}
	whole, err := netip.ParsePrefix(b.CIDR)
	if err != nil {
		d.wrong(at+".cidr", "%q is not a CIDR such as 10.0.0.0/16", b.CIDR)
		return
	}
	for i, text := range b.Except {
		// A real part of it, as the API has it.
		if part, err := netip.ParsePrefix(text); err != nil || !whole.Contains(part.Addr()) || part.Bits() <= whole.Bits() {
			d.wrong(fmt.Sprintf("%s.except[%d]", at, i), "%q is not a CIDR inside of %s", text, b.CIDR)
		}
	}
}
