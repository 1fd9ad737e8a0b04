package pki

import (
	"crypto/x509/pkix"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfig writes a kubeconfig for the API server at url, readable by its owner only. Its client certificate
// says that the user is in the given groups; one without groups may do what RBAC grants to it by name or to
// system:authenticated.
func (a *Authority) WriteKubeconfig(path, url, user string, groups ...string) error {
	pair, err := a.Issue(pkix.Name{CommonName: user, Organization: groups})
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: url, CertificateAuthorityData: a.PEM}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: user}
	config.CurrentContext = "test"
	return clientcmd.WriteToFile(*config, path)
}
