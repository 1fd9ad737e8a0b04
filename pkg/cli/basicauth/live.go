package basicauth

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// live looks up what stands in the cluster and the kubeconfig now, for completion. What it cannot find out is nothing.
type live struct {
	*cluster
	ctx context.Context //nolint:containedctx // lives as long as one look
}

// most is how many objects of a kind are asked for: more than anybody looks through.
const most = 1000

func (l *live) kubeconfig() clientcmdapi.Config {
	config, err := l.config.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return clientcmdapi.Config{}
	}
	return config
}

func (l *live) contexts([]string) []string { return slices.Collect(maps.Keys(l.kubeconfig().Contexts)) }

func (l *live) clusters([]string) []string { return slices.Collect(maps.Keys(l.kubeconfig().Clusters)) }

func (l *live) kubeconfigUsers([]string) []string {
	return slices.Collect(maps.Keys(l.kubeconfig().AuthInfos))
}

// connect returns how to reach the cluster without asking, warning or waiting for long, and the namespace that is meant.
func (l *live) connect() (*rest.Config, string, bool) {
	namespace, _, err := l.config.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, "", false
	}
	config, err := l.config.ToRESTConfig()
	if err != nil {
		return nil, "", false
	}
	config.QPS = -1
	config.Timeout = patience
	config.WarningHandler = rest.NoWarnings{}
	if config.ExecProvider != nil {
		config.ExecProvider.StdinUnavailable = true // nobody is asked for a password while they type
	}
	return config, namespace, true
}

// objects lists what of each kind there is in a namespace, all kinds at once; "" is for kinds that have none. Only metadata
// is asked for: of Secrets, no data comes.
func (l *live) objects(kinds []kind, options metav1.ListOptions) []metav1.PartialObjectMetadata {
	config, namespace, ok := l.connect()
	if !ok {
		return nil
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil
	}
	options.Limit = most
	found := make([][]metav1.PartialObjectMetadata, len(kinds))
	var all sync.WaitGroup
	for i, k := range kinds {
		all.Go(func() {
			var lister metadata.ResourceInterface = client.Resource(k.resource)
			if k.resource.Resource != "namespaces" {
				lister = client.Resource(k.resource).Namespace(namespace)
			}
			if list, err := lister.List(l.ctx, options); err == nil {
				for _, object := range list.Items {
					object.Kind = k.name // lists say of their items nothing but that they are metadata
					found[i] = append(found[i], object)
				}
			}
		})
	}
	all.Wait()
	return slices.Concat(found...)
}

// A kind is a resource, by the name that people type before its objects'.
type kind struct {
	name     string
	resource schema.GroupVersionResource
}

var (
	namespaceKind = kind{"namespace", schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}}
	secretKind    = kind{"secret", schema.GroupVersionResource{Version: "v1", Resource: "secrets"}}
	workloadKinds = []kind{
		{"deployment", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}},
		{"statefulset", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}},
		{"daemonset", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"}},
		{"prometheus", schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1", Resource: "prometheuses"}},
		{"prometheusagent", schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1alpha1", Resource: "prometheusagents"}},
		{"alertmanager", schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1", Resource: "alertmanagers"}},
		{"thanosruler", schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1", Resource: "thanosrulers"}},
	}
)

func (l *live) namespaces([]string) []string {
	var names []string
	for _, o := range l.objects([]kind{namespaceKind}, metav1.ListOptions{}) {
		names = append(names, o.Name)
	}
	return names
}

// secrets are those that may hold users, or values of a header.
func (l *live) secrets([]string) []string {
	var names []string
	for _, o := range l.objects([]kind{secretKind}, metav1.ListOptions{FieldSelector: "type=Opaque"}) {
		if !strings.HasSuffix(o.Name, gateconf.SessionSecret) && o.Annotations[gateconf.AnnotationHistoryOf] == "" {
			names = append(names, o.Name)
		}
	}
	return names
}

// headerSecrets are the same without that of the users.
func (l *live) headerSecrets(args []string) []string {
	return slices.DeleteFunc(l.secrets(args), func(name string) bool { return name == l.secret })
}

// releases are those of Helm, which names them in labels of its Secrets.
func (l *live) releases([]string) []string {
	var names []string
	for _, o := range l.objects([]kind{secretKind}, metav1.ListOptions{LabelSelector: "owner=helm,status=deployed"}) {
		names = append(names, o.Labels["name"])
	}
	return names
}

func (l *live) workloads([]string) []string {
	var names []string
	for _, o := range l.objects(workloadKinds, metav1.ListOptions{}) {
		if len(o.OwnerReferences) == 0 { // what an operator made is gated by the operator's resource
			names = append(names, o.Kind+"/"+o.Name)
		}
	}
	return names
}

// client is for what stands in Secrets of the namespace that is meant.
func (l *live) client() (clientcorev1.SecretsGetter, string, bool) {
	config, namespace, ok := l.connect()
	if !ok {
		return nil, "", false
	}
	client, err := clientcorev1.NewForConfig(config)
	return client, namespace, err == nil
}

// data returns the data of a Secret.
func (l *live) data(name string) map[string][]byte {
	client, namespace, ok := l.client()
	if !ok {
		return nil
	}
	secret, err := client.Secrets(namespace).Get(l.ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return secret.Data
}

func (l *live) users([]string) []string {
	return htpasswd.Parse(l.data(l.secret)[gateconf.UsersKey]).Users()
}

// changes are the IDs of changes that can be undone.
func (l *live) changes([]string) []string {
	client, namespace, ok := l.client()
	if !ok {
		return nil
	}
	store := userstore.Store{Client: client, Namespace: namespace, Name: l.secret}
	chain, err := store.Changes(l.ctx)
	if err != nil {
		return nil
	}
	var ids []string
	for _, e := range chain.Entries {
		if e.Damage() == "" {
			ids = append(ids, e.ID+"\tbefore "+e.Command+", "+e.Who)
		}
	}
	return ids
}

// headerKeys are the data keys of the header's Secret that the command line names.
func (l *live) headerKeys(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	var staying []string
	for key := range l.data(args[0]) {
		if gateconf.IsHeaderFile(key) && !strings.Contains(key, ".until-") {
			staying = append(staying, key)
		}
	}
	return staying
}
