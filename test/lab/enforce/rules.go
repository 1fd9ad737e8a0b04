//go:build linux

package enforce

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// chain is the enforcer's own, in the table that kube-proxy does not use for what it forwards.
const chain = "LAB-POLICY"

// state is what an API server knows of the network.
type state struct {
	policies   []*networkingv1.NetworkPolicy
	pods       []*corev1.Pod
	namespaces []*corev1.Namespace
}

// rules returns the input of iptables-restore: for each pod that a policy selects for ingress, who gets in where, and that
// nobody else does. What the node itself sends does not pass there, and gets in, as it must.
func (s state) rules() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*mangle\n:%s - [0:0]\n-A %s -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN\n", chain, chain)
	for _, pod := range s.pods {
		if !onNetwork(pod) {
			continue
		}
		isolated := false
		for _, policy := range s.policies {
			about, err := matches(&policy.Spec.PodSelector, pod.Labels)
			if err != nil {
				return "", fmt.Errorf("NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
			}
			if policy.Namespace != pod.Namespace || !about || !slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
				continue // the API server fills in the types
			}
			isolated = true
			for i := range policy.Spec.Ingress {
				if err := s.rule(&b, policy.Namespace, &policy.Spec.Ingress[i], pod); err != nil {
					return "", fmt.Errorf("NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
				}
			}
		}
		if isolated {
			fmt.Fprintf(&b, "-A %s -d %s -j DROP\n", chain, pod.Status.PodIP)
		}
	}
	b.WriteString("COMMIT\n")
	return b.String(), nil
}

// rule writes what one rule lets in to a pod.
func (s state) rule(b *strings.Builder, namespace string, rule *networkingv1.NetworkPolicyIngressRule, pod *corev1.Pod) error {
	sources, err := s.sources(namespace, rule.From)
	if err != nil {
		return err
	}
	for _, source := range sources {
		for _, port := range targets(rule.Ports, pod) {
			fmt.Fprintf(b, "-A %s -d %s%s%s -j RETURN\n", chain, pod.Status.PodIP, source, port)
		}
	}
	return nil
}

// sources are the matches of iptables for whom peers mean, each empty or with a blank before it. No peers mean everybody.
func (s state) sources(namespace string, peers []networkingv1.NetworkPolicyPeer) ([]string, error) {
	if len(peers) == 0 {
		return []string{""}, nil
	}
	var all []string
	for _, peer := range peers {
		if peer.IPBlock != nil {
			// One match takes one negation, so a block with exceptions is written as the parts that are left.
			parts, err := without(peer.IPBlock.CIDR, peer.IPBlock.Except)
			if err != nil {
				return nil, err
			}
			for _, part := range parts {
				all = append(all, " -s "+part)
			}
			continue
		}
		for _, pod := range s.pods {
			meant, err := s.means(namespace, peer, pod)
			if err != nil {
				return nil, err
			}
			if meant && onNetwork(pod) {
				all = append(all, " -s "+pod.Status.PodIP)
			}
		}
	}
	return all, nil
}

// means says whether a peer that is no block of addresses means a pod.
func (s state) means(namespace string, peer networkingv1.NetworkPolicyPeer, pod *corev1.Pod) (bool, error) {
	if peer.NamespaceSelector == nil && pod.Namespace != namespace {
		return false, nil
	}
	if peer.NamespaceSelector != nil {
		i := slices.IndexFunc(s.namespaces, func(n *corev1.Namespace) bool { return n.Name == pod.Namespace })
		if i < 0 {
			return false, nil
		}
		if meant, err := matches(peer.NamespaceSelector, s.namespaces[i].Labels); err != nil || !meant {
			return false, err
		}
	}
	return peer.PodSelector == nil || matchesOK(peer.PodSelector, pod.Labels), nil
}

// targets are the matches of iptables for the ports of a rule at a pod. No ports mean all.
func targets(ports []networkingv1.NetworkPolicyPort, pod *corev1.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var all []string
	for _, port := range ports {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		match := " -p " + strings.ToLower(string(protocol))
		switch {
		case port.Port == nil:
			all = append(all, match)
		case port.Port.StrVal != "":
			for _, number := range named(pod, port.Port.StrVal, protocol) {
				all = append(all, match+" --dport "+strconv.Itoa(number))
			}
		case port.EndPort != nil:
			all = append(all, fmt.Sprintf("%s --dport %d:%d", match, port.Port.IntVal, *port.EndPort))
		default:
			all = append(all, fmt.Sprintf("%s --dport %d", match, port.Port.IntVal))
		}
	}
	return all
}

// named are the container ports of a pod with this name.
func named(pod *corev1.Pod, name string, protocol corev1.Protocol) []int {
	var all []int
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		for _, port := range c.Ports {
			if port.Name == name && port.Protocol == protocol {
				all = append(all, int(port.ContainerPort))
			}
		}
	}
	return all
}

// onNetwork says whether a pod has an address of its own, now.
func onNetwork(pod *corev1.Pod) bool {
	return !pod.Spec.HostNetwork && pod.Status.PodIP != "" && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

func matches(selector *metav1.LabelSelector, of map[string]string) (bool, error) {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return false, err
	}
	return s.Matches(labels.Set(of)), nil
}

func matchesOK(selector *metav1.LabelSelector, of map[string]string) bool {
	ok, err := matches(selector, of)
	return ok && err == nil
}
