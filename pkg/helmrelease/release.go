// Package helmrelease owns reading what Helm 3 and Helm 4 store of an installed release: the manifest, as it went to the
// cluster. Helm's own library would bring a hundred modules for what is base64, gzip and JSON
// (helm/helm:pkg/storage/driver/util.go and secrets.go, the same in v3.22.0 and v4.3.1).
package helmrelease

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// Release is one revision of a release.
type Release struct {
	Name      string
	Namespace string
	Version   int    // the revision
	Status    string // "deployed", or what else it is in
	Manifest  string // without hooks
	Ref       string // where it is stored: "Secret monitoring/sh.helm.release.v1.prom.v3"
	Later     string // the last revision and its status, where that came after this one: "revision 4 (failed)"
}

// ErrNone is the error where no release of the name is stored in Secrets or ConfigMaps.
var ErrNone = errors.New("no such release")

// The bounds of a release, and of the manifest in it, in bytes. Kubernetes takes 1 MB of it compressed, chart included. A
// manifest takes up to a hundred times its size to read.
const (
	most         = 256 << 20
	mostManifest = 16 << 20
)

// Read returns the revision that is deployed, or the last one where none is. Releases in an SQL database are not found.
// It needs the verbs list and get on secrets; where none is there, also on configmaps.
func Read(ctx context.Context, config *rest.Config, namespace, name string) (*Release, error) {
	none := fmt.Errorf("release %s/%s: %w; helm list -n %s names those that there are", namespace, name, ErrNone, namespace)
	if len(validation.IsValidLabelValue(name)) > 0 {
		return nil, none // Helm labels what it stores with the name
	}
	names, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	client, err := clientcorev1.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	r := &reader{names: names, client: client, namespace: namespace, name: name}
	for _, kind := range []string{"Secret", "ConfigMap"} {
		if found, err := r.read(ctx, kind); !errors.Is(err, ErrNone) {
			return found, err
		}
	}
	return nil, none
}

type reader struct {
	names           metadata.Interface // lists without what a release holds
	client          clientcorev1.CoreV1Interface
	namespace, name string
}

func (r *reader) read(ctx context.Context, kind string) (*Release, error) {
	resource := map[string]string{"Secret": "secrets", "ConfigMap": "configmaps"}[kind]
	labels := metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: map[string]string{"owner": "helm", "name": r.name}})
	list, err := r.names.Resource(corev1.SchemeGroupVersion.WithResource(resource)).Namespace(r.namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err != nil {
		return nil, fmt.Errorf("release %s/%s: %w", r.namespace, r.name, err)
	}
	if len(list.Items) == 0 {
		return nil, ErrNone
	}
	statusOf := func(m metav1.PartialObjectMetadata) string {
		return fmt.Sprintf("revision %s (%s)", m.Labels["version"], m.Labels["status"])
	}
	version := func(m metav1.PartialObjectMetadata) int { n, _ := strconv.Atoi(m.Labels["version"]); return n }
	rank := func(m metav1.PartialObjectMetadata) int {
		return map[bool]int{true: 1}[m.Labels["status"] == "deployed"]
	}
	chosen := slices.MaxFunc(list.Items, func(a, b metav1.PartialObjectMetadata) int {
		return cmp.Or(rank(a)-rank(b), version(a)-version(b))
	})
	last := slices.MaxFunc(list.Items, func(a, b metav1.PartialObjectMetadata) int { return version(a) - version(b) })
	ref := kind + " " + r.namespace + "/" + chosen.Name
	var stored []byte
	if kind == "Secret" {
		secret, err := r.client.Secrets(r.namespace).Get(ctx, chosen.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		stored = secret.Data["release"]
	} else {
		config, err := r.client.ConfigMaps(r.namespace).Get(ctx, chosen.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		stored = []byte(config.Data["release"])
	}
	found, err := decode(stored, most)
	if err != nil {
		return nil, fmt.Errorf("%s: data.release: %w", ref, err)
	}
	if found.Name != r.name {
		return nil, fmt.Errorf("%s: data.release: says that it is another release; it is none of Helm's, or of a version of Helm that kubectl basicauth does not know", ref)
	}
	found.Ref, found.Namespace = ref, r.namespace
	if version(last) > version(chosen) {
		found.Later = statusOf(last)
	}
	return found, nil
}

// decode reads base64 of JSON, gzipped or not, of at most so many bytes.
func decode(stored []byte, most int64) (*Release, error) {
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(stored)))
	n, err := base64.StdEncoding.Decode(raw, stored)
	if err != nil {
		return nil, fmt.Errorf("not Helm's base64: %w", err)
	}
	raw = raw[:n]
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b, 0x08}) {
		unzip, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("not Helm's gzip: %w", err)
		}
		if raw, err = io.ReadAll(io.LimitReader(unzip, most+1)); err != nil {
			return nil, fmt.Errorf("not Helm's gzip: %w", err)
		}
		if int64(len(raw)) > most {
			return nil, fmt.Errorf("more than %d MB unpacked", most>>20)
		}
	}
	var release struct {
		Name     string `json:"name"`
		Version  int    `json:"version"`
		Manifest string `json:"manifest"`
		Info     struct {
			Status string `json:"status"`
		} `json:"info"`
	}
	if err := json.Unmarshal(raw, &release); err != nil {
		return nil, errors.New("not a release of Helm's: no JSON of the fields that one has") // the parser's error quotes values
	}
	if len(release.Manifest) > mostManifest {
		return nil, fmt.Errorf("a manifest of more than %d MB", mostManifest>>20)
	}
	return &Release{Name: release.Name, Version: release.Version, Status: release.Info.Status, Manifest: release.Manifest}, nil
}
