package netpolicy

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// PeerText is a peer of a rule for people.
func PeerText(peer topology.PolicyPeer) string {
	return Peer(peer).String()
}

// Same says whether two peers mean the same pods or addresses.
func Same(a, b config.Peer) bool { return a.String() == b.String() }

// Peer reads a peer of a rule as the settings file has it.
func Peer(peer topology.PolicyPeer) config.Peer {
	if peer.CIDR != "" {
		block := &config.IPBlock{CIDR: peer.CIDR}
		for _, n := range manifest.Items(peer.Node, "ipBlock", "except") {
			block.Except = append(block.Except, n.Value)
		}
		return config.Peer{IPBlock: block}
	}
	return config.Peer{PodSelector: configSelector(peer.Pods), NamespaceSelector: configSelector(peer.Namespaces)}
}

func configSelector(n *yaml.Node) *config.LabelSelector {
	if n == nil {
		return nil
	}
	s := &config.LabelSelector{MatchLabels: manifest.Map(n, "matchLabels")}
	for _, e := range manifest.Items(n, "matchExpressions") {
		r := config.Requirement{Key: manifest.String(e, "key"), Operator: manifest.String(e, "operator")}
		for _, value := range manifest.Items(e, "values") {
			r.Values = append(r.Values, value.Value)
		}
		s.MatchExpressions = append(s.MatchExpressions, r)
	}
	return s
}

// PeerNode writes a peer of the settings as a NetworkPolicy has it.
func PeerNode(peer config.Peer) *yaml.Node {
	var block *yaml.Node
	if b := peer.IPBlock; b != nil {
		block = manifest.Mapping("cidr", manifest.Text(b.CIDR), "except", manifest.TextList(b.Except))
	}
	return manifest.Mapping("podSelector", selectorNode(peer.PodSelector), "namespaceSelector", selectorNode(peer.NamespaceSelector), "ipBlock", block)
}

func selectorNode(s *config.LabelSelector) *yaml.Node {
	if s == nil {
		return nil
	}
	var expressions *yaml.Node
	for _, e := range s.MatchExpressions {
		if expressions == nil {
			expressions = manifest.Sequence()
		}
		expressions.Content = append(expressions.Content, manifest.Mapping(
			"key", manifest.Text(e.Key), "operator", manifest.Text(e.Operator), "values", manifest.TextList(e.Values)))
	}
	return manifest.Mapping("matchLabels", manifest.TextMap(s.MatchLabels), "matchExpressions", expressions)
}

// Lets says whether the peers that the settings allow mean a workload of the stream for sure.
func Lets(peers []config.Peer, w *topology.Workload, namespace string) bool {
	for _, peer := range peers {
		switch {
		case peer.IPBlock != nil:
		case peer.PodSelector != nil && !topology.Matches(selectorNode(peer.PodSelector), w.Labels):
		case peer.NamespaceSelector == nil && topology.SameNamespace(w.Object.Namespace, namespace),
			peer.NamespaceSelector != nil && inNamespace(peer.NamespaceSelector, w.Object.Namespace):
			return true
		}
	}
	return false
}

// inNamespace says whether a selector of namespaces means one by what every namespace is labelled with: its name.
func inNamespace(s *config.LabelSelector, namespace string) bool {
	return topology.Matches(selectorNode(s), map[string]string{"kubernetes.io/metadata.name": namespace})
}
