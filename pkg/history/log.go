package history

import (
	"cmp"
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// A Log is the history of one users Secret. Its methods need the verb get on the Secret of the history; to write, patch, and create
// while it is missing. Errors never contain anything of the data.
type Log struct {
	Client       clientcorev1.SecretsGetter
	Namespace    string
	Users        string // the name of the users Secret
	FieldManager string
	DryRun       secretstore.DryRun
	Verbs        string // that errors ask for; empty: "get and patch"
}

// UnkeptError is why a change cannot be kept, however often it is tried: for want of a right or of room, or because the Secret is
// not ours.
type UnkeptError struct{ Err error }

func (e *UnkeptError) Error() string { return e.Err.Error() }
func (e *UnkeptError) Unwrap() error { return e.Err }

// Ref names the Secret as errors do.
func (l *Log) Ref() string { return l.secret().Ref() }

func (l *Log) secret() *secretstore.Store {
	return &secretstore.Store{
		Client: l.Client, Namespace: l.Namespace, Name: l.Users + gateconf.HistorySecret, FieldManager: l.FieldManager, DryRun: l.DryRun,
		Advice: secretstore.Advice{Missing: "the next change of a user creates it", Verbs: cmp.Or(l.Verbs, "get and patch")},
	}
}

// owns says whether a Secret is the history of these users.
func (l *Log) owns(secret *corev1.Secret) bool {
	return secret.Labels[secretstore.ManagedByLabel] == secretstore.ManagedBy && secret.Annotations[gateconf.AnnotationHistoryOf] == l.Users
}

// Read returns the entries, each with what became of it. users is the users Secret with the text of this digest, or has no UID
// where it is missing. A history that is missing is an error that apierrors.IsNotFound recognises.
func (l *Log) Read(ctx context.Context, users *corev1.Secret, digest string) (*Chain, error) {
	secret, err := l.secret().Get(ctx)
	if err != nil {
		return nil, err
	}
	if !l.owns(secret) {
		return nil, l.foreign()
	}
	c := newChain(secret.Data)
	if users.UID == "" {
		digest = ""
	}
	c.judge(users.Annotations[gateconf.AnnotationChange], digest)
	return c, nil
}

func (l *Log) foreign() error {
	return l.secret().Errorf("no history that kubectl basicauth keeps, and is left as it is; rename or remove it")
}

func (l *Log) dryRun() []string {
	if l.DryRun == secretstore.DryRunServer {
		return []string{metav1.DryRunAll}
	}
	return nil
}
