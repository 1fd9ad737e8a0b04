//go:build linux

package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/test/lab/kit"
)

const containerdConfig = `version = 2
root = %[1]q
state = %[2]q
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = %[3]q
[plugins."io.containerd.internal.v1.opt"]
  path = %[4]q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[5]q
  restrict_oom_score_adj = true # a process without CAP_SYS_RESOURCE cannot lower its own, and every pod would end at once
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[6]q
    conf_dir = %[7]q
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = %[8]q
      SystemdCgroup = false
`

const cniConfig = `{"cniVersion": "0.4.0", "name": "lab", "plugins": [
  {"type": "bridge", "bridge": %q, "isGateway": true, "hairpinMode": true, "ipam": {"type": "host-local", "dataDir": %q,
   "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

func (c *Cluster) startContainerd(ctx context.Context, archives []string) error {
	beside := func(name string) string { return kit.Beside(c.tools.Containerd, name) }
	if _, err := c.write("cni/10-lab.conflist", fmt.Sprintf(cniConfig, bridge, c.path("cni-addresses"), podNet)); err != nil {
		return err
	}
	socket := c.socket()
	config, err := c.write("containerd.toml", fmt.Sprintf(containerdConfig, c.path("containerd"), filepath.Dir(socket), socket, c.path("containerd-opt"),
		kit.PauseImage, beside("cni"), c.path("cni"), beside("runc")))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return err
	}
	if err := c.start("containerd", c.tools.Containerd, "--config="+config); err != nil {
		return err
	}
	if err := c.await(ctx, "containerd", func(ctx context.Context) error {
		return kit.Run(ctx, beside("ctr"), "-a", socket, "version")
	}); err != nil {
		return err
	}
	for _, archive := range archives {
		if err := c.LoadImage(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}

// LoadImage loads a container image from an archive, so that pods can use it by the name that the archive gives.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	return kit.Run(ctx, kit.Beside(c.tools.Containerd, "ctr"), "-a", c.socket(), "-n", "k8s.io", "images", "import", archive)
}

func (c *Cluster) socket() string { return "/run/containerd/containerd.sock" } // the sandbox has a /run of its own

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %[1]s
healthzPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[2]s/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: %[2]s/node.crt
tlsPrivateKeyFile: %[2]s/node.key
containerRuntimeEndpoint: unix://%[3]s
cgroupDriver: cgroupfs
cgroupRoot: %[4]s
enforceNodeAllocatable: []
failCgroupV1: false # either version will do
failSwapOn: false
evictionHard: {} # a full disk is the machine's trouble, not the stories'
imageGCHighThresholdPercent: 100
makeIPTablesUtilChains: false
clusterDomain: cluster.local
clusterDNS: [%[5]s]
resolvConf: %[6]s
podLogsDir: %[7]s/logs
volumePluginDir: %[7]s/plugins
syncFrequency: 5s
nodeStatusUpdateFrequency: 4s
configMapAndSecretChangeDetectionStrategy: Watch # the default
`

const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: %[1]s
clientConnection: {kubeconfig: %[2]s}
clusterCIDR: %[3]s
hostnameOverride: lab
mode: iptables
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s} # settings of the whole machine: left alone
`

func (c *Cluster) startNode(ctx context.Context) error {
	resolv, err := c.write("resolv.conf", "nameserver "+NodeIP+"\n")
	if err != nil {
		return err
	}
	config, err := c.write("kubelet/config.yaml", fmt.Sprintf(kubeletConfig, NodeIP, c.path("pki"), c.socket(), c.world.Cgroup, dnsIP, resolv, c.path("kubelet")))
	if err != nil {
		return err
	}
	if err := c.start("kubelet", c.tools.Kube, "kubelet", "--config="+config, "--kubeconfig="+c.kubeconfig("system:node:lab"),
		"--root-dir="+c.path("kubelet", "root"), "--cert-dir="+c.path("kubelet", "certs"), "--hostname-override=lab", "--node-ip="+NodeIP); err != nil {
		return err
	}
	if config, err = c.write("kube-proxy.yaml", fmt.Sprintf(proxyConfig, NodeIP, c.kubeconfig("system:kube-proxy"), podNet)); err != nil {
		return err
	}
	if err := c.start("kube-proxy", c.tools.Kube, "kube-proxy", "--config="+config); err != nil {
		return err
	}
	if err := c.startDNS(ctx); err != nil {
		return err
	}
	return c.await(ctx, "node Ready", func(ctx context.Context) error {
		if _, err := c.Client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err // without it no pod is admitted
		}
		return c.NodeReady(ctx)
	})
}

// NodeReady returns nil when the node says that it is Ready.
func (c *Cluster) NodeReady(ctx context.Context) error {
	node, err := c.Client.CoreV1().Nodes().Get(ctx, "lab", metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			if condition.Status == corev1.ConditionTrue {
				return nil
			}
			return fmt.Errorf("node lab: %s", condition.Message)
		}
	}
	return fmt.Errorf("node lab: says nothing about being ready")
}
