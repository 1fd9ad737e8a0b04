package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// A mount is a folder that holds a Secret as a kubelet mounts it: the files are links into ..data, which is itself a
// link that is swapped when the Secret changes, so that a reader sees all of one version.
type mount struct {
	dir, secret string
	version     int
}

func (m *mount) write(data map[string][]byte) error {
	m.version++
	version := fmt.Sprintf("..version-%d", m.version)
	if err := os.Mkdir(filepath.Join(m.dir, version), 0o700); err != nil {
		return err
	}
	for name, content := range data {
		if err := os.WriteFile(filepath.Join(m.dir, version, name), content, 0o600); err != nil {
			return err
		}
	}
	next := filepath.Join(m.dir, "..data_tmp")
	if err := os.Symlink(version, next); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(m.dir, "..data")); err != nil {
		return err
	}
	for name := range data {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

// secrets is the part of an API server that kubectl-basicauth needs: get, create and update of Secrets. That of the users, it
// mounts.
type secrets struct {
	mount  *mount
	server http.Server
	url    string

	mu      sync.Mutex
	stored  map[string]*corev1.Secret
	version int
}

func serveSecrets(m *mount) (*secrets, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &secrets{mount: m, url: "http://" + l.Addr().String(), stored: map[string]*corev1.Secret{}}
	mux := http.NewServeMux()
	path := "/api/v1/namespaces/" + namespace + "/secrets"
	mux.HandleFunc("GET "+path+"/{name}", s.get)
	mux.HandleFunc("POST "+path, s.put)
	mux.HandleFunc("PUT "+path+"/{name}", s.put)
	s.server.Handler = mux
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *secrets) close() { _ = s.server.Close() }

// kubeconfig writes a kubeconfig for this server below dir.
func (s *secrets) kubeconfig(dir string) (string, error) {
	path := filepath.Join(dir, "kubeconfig")
	return path, os.WriteFile(path, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: demo, cluster: {server: %q}}]
contexts: [{name: demo, context: {cluster: demo, user: demo}}]
users: [{name: demo, user: {}}]
current-context: demo
`, s.url), 0o600)
}

func (s *secrets) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.PathValue("name")
	if s.stored[name] == nil {
		answer(w, http.StatusNotFound, metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
			Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound, Message: "secrets \"" + name + "\" not found",
		})
		return
	}
	answer(w, http.StatusOK, s.stored[name])
}

func (s *secrets) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	secret := new(corev1.Secret)
	if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, secret); err != nil { // JSON or protobuf
		http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	secret.ResourceVersion = strconv.Itoa(s.version)
	if secret.Name == s.mount.secret {
		if err := s.mount.write(secret.Data); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	secret.APIVersion, secret.Kind = "v1", "Secret" // which protobuf keeps outside the object
	s.stored[secret.Name] = secret
	answer(w, http.StatusOK, secret)
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client sees that it is cut off
}
