package testenv

import (
	"crypto/x509/pkix"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfig writes dir/user.kubeconfig, readable by its owner only, and returns its path and what client-go makes of
// it. The client-side rate limit is off: the tests mean to press the server.
func (s *Server) kubeconfig(dir, user string, groups []string) (string, *rest.Config, error) {
	pair, err := s.authority.issue(pkix.Name{CommonName: user, Organization: groups})
	if err != nil {
		return "", nil, err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: s.URL, CertificateAuthorityData: s.authority.pem}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.cert, ClientKeyData: pair.key}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: user}
	config.CurrentContext = "test"
	path := filepath.Join(dir, filepath.Base(user)+".kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return "", nil, err
	}
	c, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return "", nil, err
	}
	c.QPS = -1
	return path, c, nil
}
