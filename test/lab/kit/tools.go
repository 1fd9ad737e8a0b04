//go:build linux

// Package kit owns what a lab is stocked with before it starts: the programs that a cluster is made of, kauth built from
// this tree in two versions, and container images of all that runs in pods.
package kit

import (
	"path/filepath"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// Tools are the programs that test/lab/build gets, as paths.
type Tools struct {
	Kube         string // all of Kubernetes and etcd, by its first argument
	Containerd   string // beside it: its shim, ctr, runc, and the network plugins in cni/
	CoreDNS      string
	Traefik      string
	CRDs         string // folder with the kinds that Traefik reads
	Operator     string // prometheus-operator; beside it prometheus-config-reloader and crds/
	Prometheus3  string
	Alertmanager string // beside it: templates/, which it wants to find below /usr/share
	Helm3, Helm4 string
}

// FindTools returns the Tools, or an error that names one that is missing and says how to get it.
func FindTools() (Tools, error) {
	var t Tools
	for name, path := range map[string]*string{
		"kube": &t.Kube, "containerd": &t.Containerd, "coredns": &t.CoreDNS, "traefik": &t.Traefik, "crds": &t.CRDs, "operator": &t.Operator,
		"prometheus3": &t.Prometheus3, "alertmanager": &t.Alertmanager, "helm3": &t.Helm3, "helm4": &t.Helm4,
	} {
		var err error
		if *path, err = testenv.FindTool(name); err != nil {
			return t, err
		}
	}
	_, err := testenv.FindTool("iptables") // which kube-proxy looks up by itself
	return t, err
}

// Beside returns the path of what came with a tool.
func Beside(tool, name string) string { return filepath.Join(filepath.Dir(tool), name) }
