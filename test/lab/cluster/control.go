//go:build linux

package cluster

import (
	"context"
	"crypto/x509/pkix"

	"github.com/kauth-dev/kauth/pkg/testenv/pki"
)

// The users that the cluster's own parts are, with their groups: what each may do is Kubernetes' own RBAC.
var users = map[string][]string{
	"admin":                          {"system:masters"},
	"system:kube-controller-manager": nil,
	"system:kube-scheduler":          nil,
	"system:kube-proxy":              nil,
	"system:node:lab":                {"system:nodes"},
}

// makeKeys makes the authority, what each server shows, and a kubeconfig for each user.
func (c *Cluster) makeKeys() (err error) {
	if c.authority, err = pki.NewAuthority(); err != nil {
		return err
	}
	server, err := c.authority.Issue(pkix.Name{CommonName: "kube-apiserver"},
		NodeIP, "10.96.0.1", "127.0.0.1", "localhost", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	node, err := c.authority.Issue(pkix.Name{CommonName: "lab"}, NodeIP, "127.0.0.1", "lab", "localhost")
	if err != nil {
		return err
	}
	toKubelet, err := c.authority.Issue(pkix.Name{CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"}})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"ca.crt": c.authority.PEM, "apiserver.crt": server.Cert, "apiserver.key": server.Key, "node.crt": node.Cert, "node.key": node.Key,
		"kubelet-client.crt": toKubelet.Cert, "kubelet-client.key": toKubelet.Key,
	} {
		if _, err := c.write("pki/"+name, string(data)); err != nil {
			return err
		}
	}
	for user, groups := range users {
		if err := c.WriteKubeconfig(c.kubeconfig(user), user, groups...); err != nil {
			return err
		}
	}
	c.Kubeconfig = c.kubeconfig("admin")
	return nil
}

// WriteKubeconfig writes a kubeconfig for a user in the given groups; what that user may do is for RBAC to say.
func (c *Cluster) WriteKubeconfig(path, user string, groups ...string) error {
	return c.authority.WriteKubeconfig(path, apiURL, user, groups...)
}

func (c *Cluster) kubeconfig(user string) string { return c.path("pki", user+".kubeconfig") }

func (c *Cluster) startControlPlane(ctx context.Context) error {
	pem := func(name string) string { return c.path("pki", name) }
	if err := c.start("etcd", c.tools.Kube, "etcd",
		"--data-dir="+c.path("etcd"), "--log-level=warn",
		"--unsafe-no-fsync", // what is stored need not survive the machine
	); err != nil {
		return err
	}
	if err := c.start("kube-apiserver", c.tools.Kube, "kube-apiserver",
		"--etcd-servers=http://127.0.0.1:2379", "--bind-address=0.0.0.0", "--advertise-address="+NodeIP, "--secure-port=6443",
		"--tls-cert-file="+pem("apiserver.crt"), "--tls-private-key-file="+pem("apiserver.key"), "--client-ca-file="+pem("ca.crt"),
		"--service-account-key-file="+pem("apiserver.crt"), "--service-account-signing-key-file="+pem("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range="+service,
		"--kubelet-client-certificate="+pem("kubelet-client.crt"), "--kubelet-client-key="+pem("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
	); err != nil {
		return err
	}
	if err := c.await(ctx, "API server ready", func(ctx context.Context) error {
		_, err := c.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	}); err != nil {
		return err
	}
	manager, scheduler := c.kubeconfig("system:kube-controller-manager"), c.kubeconfig("system:kube-scheduler")
	if err := c.start("kube-controller-manager", c.tools.Kube, "kube-controller-manager",
		"--kubeconfig="+manager, "--authentication-kubeconfig="+manager, "--authorization-kubeconfig="+manager, "--leader-elect=false",
		"--service-account-private-key-file="+pem("apiserver.key"), "--root-ca-file="+pem("ca.crt"), "--use-service-account-credentials",
		"--flex-volume-plugin-dir="+c.path("plugins"), // or it makes a folder below /usr
	); err != nil {
		return err
	}
	return c.start("kube-scheduler", c.tools.Kube, "kube-scheduler",
		"--kubeconfig="+scheduler, "--authentication-kubeconfig="+scheduler, "--authorization-kubeconfig="+scheduler, "--leader-elect=false")
}
