package userstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/secretstore"
)

// Keeping says how the history names a change.
type Keeping struct {
	Command string                       // without secrets: "user add alice"
	Who     func(context.Context) string // who makes it; is asked once, while the users are read
}

// History is the Secret with what the users were before each change.
func (s *Store) History() *history.Log {
	return &history.Log{Client: s.Client, Namespace: s.Namespace, Users: s.Name, FieldManager: s.FieldManager, DryRun: s.DryRun, Verbs: s.Verbs("get and patch")}
}

// recorder keeps what the users were before one change of them, in the history, before it is made.
type recorder struct {
	store  *Store
	who    <-chan string
	entry  history.Entry // of the last attempt; Undid is set by who undoes
	log    *history.Recording
	unkept error // why it is not kept, though it is made
}

// record begins to keep a change; nil where that is not asked for. It needs a context that ends with the change.
func (s *Store) record(ctx context.Context) *recorder {
	if s.Keep == nil || s.DryRun == DryRunClient {
		return nil
	}
	who := make(chan string, 1)
	go func() { who <- s.Keep.Who(ctx) }() // takes as long as the first read
	return &recorder{store: s, who: who, entry: history.Entry{Command: s.Keep.Command}, log: &history.Recording{Log: s.History()}}
}

// before is secretstore.Store.Before. The users Secret gets a mark with the name of the entry, so that it can be told which of the
// entries were made, and in which order.
func (r *recorder) before(ctx context.Context, was, will *corev1.Secret) error {
	key := r.store.DataKey()
	if bytes.Equal(was.Data[key], will.Data[key]) {
		return nil
	}
	e := &r.entry
	if e.Who == "" {
		select {
		case e.Who = <-r.who:
		case <-ctx.Done():
			return r.store.secret().Errorf("interrupted; nothing was changed: %w", context.Cause(ctx))
		}
	}
	e.Text, e.Missing = was.Data[key], was.UID == ""
	e.Before, e.After = history.Digest(was.Data[key]), history.Digest(will.Data[key])
	e.Parent, e.Ends = was.Annotations[gateconf.AnnotationChange], r.store.ends(was)
	r.unkept = nil
	err := r.log.Write(ctx, *e)
	switch {
	case errors.As(err, new(*history.UnkeptError)):
		r.unkept = err
		return nil
	case err != nil:
		return err
	}
	metav1.SetMetaDataAnnotation(&will.ObjectMeta, gateconf.AnnotationChange, r.log.ID)
	return nil
}

// dropFor is how long a command that has failed tidies up.
const dropFor = 5 * time.Second

// end takes the entry away of a change that was surely not made.
func (r *recorder) end(ctx context.Context, err error) {
	if r == nil || err == nil || secretstore.InDoubt(err) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropFor)
	defer cancel()
	r.log.Drop(ctx)
}

// Warnings are those of Meta, and that the change cannot be undone.
func (r Result) Warnings() []string {
	warnings := r.Meta.Warnings()
	if r.Unkept != nil {
		warnings = append(warnings, fmt.Sprintf("%v; so kubectl basicauth undo cannot take this change back", r.Unkept))
	}
	return warnings
}
