package history

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

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

// Owns says whether a Secret is the history of these users.
func (l *Log) owns(secret *corev1.Secret) bool {
	return secret.Labels["app.kubernetes.io/managed-by"] == secretstore.ManagedBy && secret.Annotations[gateconf.AnnotationHistoryOf] == l.Users
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

// A Recording is the entry of one change, which is written anew each time that the change is tried.
type Recording struct {
	*Log
	ID    string // of the entry; empty: none is written
	tries int
	begun map[string]time.Time // changes of others that were seen to be about to be made, by ID, and since when
}

// Another change that has its entry and is not made yet is waited for as long as a change takes, not longer: its command may have been
// cut off. Where its entry says that it is older than lostAfter, by whatever clock, it is not waited for.
const (
	waitFor   = 300 * time.Millisecond
	lostAfter = 10 * time.Second
)

// Write keeps an entry, in place of the one that was written before, and prunes older ones. e.Parent is what the users Secret names as
// its last change. ID and When are set here. Who writes the history first, of those that have read the same, may write the users:
// the others are told by a race that they need not try. So two hundred writers take no longer than without a history; where the API
// server was to merge two hundred patches of this Secret instead, it did not answer in time. The error is an UnkeptError, or a race, or
// something that may pass; the users are not to be changed then, but for the first.
func (r *Recording) Write(ctx context.Context, e Entry) error {
	e.When = time.Now().UTC().Truncate(time.Millisecond)
	e.ID = newID(e.When)
	r.tries++
	if err := r.peek(ctx, &e); err != nil {
		return err
	}
	secret, err := r.Client.Secrets(r.Namespace).Get(ctx, r.secret().Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		err = r.create(ctx, &e)
	case err != nil:
		err = r.explain("get", err)
	default:
		err = r.add(ctx, secret, &e)
	}
	if err == nil {
		r.ID = e.ID
	}
	return err
}

func (r *Recording) add(ctx context.Context, secret *corev1.Secret, e *Entry) error {
	switch {
	case !r.owns(secret):
		return &UnkeptError{r.foreign()}
	case secret.Immutable != nil && *secret.Immutable:
		return &UnkeptError{r.secret().Errorf("immutable; delete it, and the next change begins another")}
	}
	c := without(secret.Data, r.ID) // of the attempt before
	if other := r.ahead(c, e); other != nil {
		return secretstore.Race(r.secret().Errorf("change %s is being made", other.ID))
	}
	data, size := map[string]any{}, 0
	for key, value := range e.data() {
		data[key], size = value, size+len(value)
	}
	if err := r.fits(size + c.others); err != nil {
		return err
	}
	room := maxBytes
	if r.tries > crowd {
		room = maxBytesInCrowd
	}
	remove := c.surplus(e.Parent, size, room)
	if r.ID != "" {
		remove = append(remove, &Entry{ID: r.ID})
	}
	for _, old := range remove {
		data[old.ID+textSuffix], data[old.ID+metaSuffix] = nil, nil
	}
	metadata := map[string]any{"resourceVersion": secret.ResourceVersion, "annotations": map[string]any{gateconf.AnnotationBegun: e.begun()}}
	return r.patch(ctx, map[string]any{"metadata": metadata, "data": data})
}

// ahead returns another change that was begun from the same users, and is made by now or about to be.
func (r *Recording) ahead(c *Chain, e *Entry) *Entry {
	if e.Missing { // the API server lets one of them create the Secret, and changes of one that is deleted are not waited for
		return nil
	}
	for _, other := range c.Entries {
		if other.Parent == e.Parent && other.Before == e.Before && other.damage == "" && r.waitsFor(other.ID, e.When) {
			return other
		}
	}
	return nil
}

func (r *Recording) waitsFor(other string, now time.Time) bool {
	if now.Sub(time.UnixMilli(milliseconds(other))).Abs() > lostAfter {
		return false
	}
	since, seen := r.begun[other]
	if !seen {
		if r.begun == nil {
			r.begun = map[string]time.Time{}
		}
		r.begun[other], since = now, now
	}
	return now.Sub(since) < waitFor
}

// peek asks for nothing but the metadata of the history whether another change is being made: where many write at the same time,
// the API server would do little else than send texts to those who will lose. It is for who has lost once.
func (r *Recording) peek(ctx context.Context, e *Entry) error {
	client, can := r.Client.(interface{ RESTClient() rest.Interface })
	if !can || r.tries == 1 || e.Missing {
		return nil
	}
	raw, err := client.RESTClient().Get().Namespace(r.Namespace).Resource("secrets").Name(r.secret().Name).
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").Do(ctx).Raw()
	var secret metav1.PartialObjectMetadata
	if err != nil || json.Unmarshal(raw, &secret) != nil {
		return nil //nolint:nilerr // who reads all of it is told what is wrong
	}
	id, parent, _ := strings.Cut(secret.Annotations[gateconf.AnnotationBegun], " after ")
	if parent == e.Parent && id != r.ID && r.waitsFor(id, e.When) {
		return secretstore.Race(r.secret().Errorf("change %s is being made", id))
	}
	return nil
}

// without is the chain of data less one entry.
func without(data map[string][]byte, id string) *Chain {
	rest := map[string][]byte{}
	for key, value := range data {
		if key != id+textSuffix && key != id+metaSuffix {
			rest[key] = value
		}
	}
	return newChain(rest)
}

func (r *Recording) fits(size int) error {
	if size <= corev1.MaxSecretSize {
		return nil
	}
	return &UnkeptError{r.secret().Errorf("data: what is to be kept has %d bytes, and Kubernetes takes %d in one Secret", size, corev1.MaxSecretSize)}
}

func (r *Recording) create(ctx context.Context, e *Entry) error {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: r.secret().Name, Namespace: r.Namespace,
			Labels:      map[string]string{"app.kubernetes.io/managed-by": secretstore.ManagedBy},
			Annotations: map[string]string{gateconf.AnnotationHistoryOf: r.Users, gateconf.AnnotationBegun: e.begun()},
		},
		Type: corev1.SecretTypeOpaque,
		Data: e.data(),
	}
	size := 0
	for _, value := range secret.Data {
		size += len(value)
	}
	if err := r.fits(size); err != nil {
		return err
	}
	_, err := r.Client.Secrets(r.Namespace).Create(ctx, secret, metav1.CreateOptions{FieldManager: r.FieldManager, DryRun: r.dryRun()})
	if apierrors.IsAlreadyExists(err) {
		return secretstore.Race(r.secret().Explain("create", err))
	}
	return r.explain("create", err)
}

// patch sends a merge patch. With a resourceVersion, the API server refuses it where the Secret is another by now.
func (r *Recording) patch(ctx context.Context, change map[string]any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = r.Client.Secrets(r.Namespace).Patch(ctx, r.secret().Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: r.FieldManager, DryRun: r.dryRun()})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return secretstore.Race(r.secret().Explain("patch", err))
	}
	return r.explain("patch", err)
}

// explain tells an answer that comes again whenever it is asked for from a disturbance.
func (r *Recording) explain(verb string, err error) error {
	if err == nil {
		return nil
	}
	explained := r.secret().Explain(verb, err)
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Code < 500 && !apierrors.IsTooManyRequests(err) && !apierrors.IsUnauthorized(err) {
		return &UnkeptError{explained}
	}
	return fmt.Errorf("%w; nothing was changed", explained)
}

// Drop removes the entry of a change that was not made after all. What goes wrong is no harm: the entry says itself that it was not
// made.
func (r *Recording) Drop(ctx context.Context) {
	if r.ID == "" || r.DryRun != secretstore.DryRunNone {
		return
	}
	_ = r.patch(ctx, map[string]any{"data": map[string]any{r.ID + textSuffix: nil, r.ID + metaSuffix: nil}})
	r.ID = ""
}

func (l *Log) dryRun() []string {
	if l.DryRun == secretstore.DryRunServer {
		return []string{metav1.DryRunAll}
	}
	return nil
}
