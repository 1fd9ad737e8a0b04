//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kauth-dev/kauth/test/lab/kit"
)

const bridge = "labbr0"

// makeNetwork makes the bridge that all pods are on, with the node's own address, and lets packets through it meet
// kube-proxy's rules.
func (c *Cluster) makeNetwork(ctx context.Context) error {
	for _, line := range []string{
		"link add " + bridge + " type bridge",
		"addr add " + NodeIP + "/24 dev " + bridge,
		"link set " + bridge + " up",
		"route add " + service + " dev " + bridge, // kube-proxy's rules lead on, but only for what has a route at all
	} {
		if err := kit.Run(ctx, append([]string{"ip"}, strings.Fields(line)...)...); err != nil {
			return err
		}
	}
	const rules = "/proc/sys/net/bridge/bridge-nf-call-iptables"
	if _, err := os.Stat(rules); err != nil { // a module that most machines have in the kernel, or loaded
		if err := kit.Run(ctx, "modprobe", "br_netfilter"); err != nil {
			return fmt.Errorf("%s: not there; load the kernel module br_netfilter: %w", rules, err)
		}
	}
	return errors.Join(
		os.WriteFile(rules, []byte("1"), 0o600),
		os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600),
	)
}
