//go:build linux

package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const corefile = `. {
  bind %[1]s
  errors
  template IN A %[2]s {
    answer "{{ .Name }} 60 IN A %[1]s"
  }
  kubernetes cluster.local in-addr.arpa {
    kubeconfig %[3]s
  }
  cache 5
}
`

// startDNS answers for the cluster's services and, with the node's address, for every name below Domain; inside the
// sandbox as well as in pods.
func (c *Cluster) startDNS(ctx context.Context) error {
	config, err := c.write("Corefile", fmt.Sprintf(corefile, NodeIP, Domain, c.Kubeconfig))
	if err != nil {
		return err
	}
	if err := c.start("coredns", c.tools.CoreDNS, "-conf="+config); err != nil {
		return err
	}
	if err := c.useDNS(); err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Name: "kube-dns", Namespace: "kube-system", Labels: map[string]string{discoveryv1.LabelServiceName: "kube-dns"}}
	_, err = c.Client.CoreV1().Services(meta.Namespace).Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		ClusterIP: dnsIP,
		Ports:     []corev1.ServicePort{{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP}, {Name: "dns-tcp", Port: 53}},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	port, udp, tcp := int32(53), corev1.ProtocolUDP, corev1.ProtocolTCP
	_, err = c.Client.DiscoveryV1().EndpointSlices(meta.Namespace).Create(ctx, &discoveryv1.EndpointSlice{
		ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{NodeIP}}},
		Ports:     []discoveryv1.EndpointPort{{Name: new("dns"), Port: &port, Protocol: &udp}, {Name: new("dns-tcp"), Port: &port, Protocol: &tcp}},
	}, metav1.CreateOptions{})
	return err
}

// useDNS lets the sandbox's own programs ask the cluster's DNS.
func (c *Cluster) useDNS() error {
	resolv, err := c.write("resolv.conf.inside", "nameserver "+NodeIP+"\nsearch svc.cluster.local\noptions ndots:3\n")
	if err != nil {
		return err
	}
	const file = "/etc/resolv.conf"
	if target, err := os.Readlink(file); err == nil { // often to below /run, which is empty here
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(file), target)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, nil, 0o600); err != nil {
			return err
		}
	}
	if err := unix.Mount(resolv, file, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
