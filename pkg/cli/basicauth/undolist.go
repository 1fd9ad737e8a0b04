package basicauth

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kauth-dev/kauth/pkg/history"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// changeList is what -o json and -o yaml print of undo --list. There is no hash in it.
type changeList struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Namespace  string       `json:"namespace"`
	Secret     string       `json:"secret"`
	Items      []keptChange `json:"items"` // newest first
}

type keptChange struct {
	ID      string    `json:"id"`
	When    time.Time `json:"when"`
	Who     string    `json:"who,omitempty"`
	Command string    `json:"command,omitempty"`
	Users   int       `json:"users"`  // before it
	Status  string    `json:"status"` // done, undone, not made, unknown, damaged
	Message string    `json:"message,omitempty"`
}

func kept(e *history.Entry) keptChange {
	return keptChange{e.ID, e.When, e.Who, e.Command, len(htpasswd.Parse(e.Text).Users()), string(e.Status), e.Damage()}
}

func (o *undoOptions) printHistory(ctx context.Context) error {
	store, err := o.cluster.store(nil)
	if err != nil {
		return err
	}
	chain, err := store.Changes(ctx)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	list := changeList{outputAPIVersion, "ChangeList", store.Namespace, store.Name, []keptChange{}}
	rows := [][]string{{"ID", "WHEN", "WHO", "COMMAND", "USERS BEFORE", "STATUS"}}
	var ids strings.Builder
	if chain != nil {
		for _, e := range chain.Entries {
			item := kept(e)
			list.Items = append(list.Items, item)
			rows = append(rows, []string{e.ID, moment(e.When), cmp.Or(shown(e.Who), "-"), cmp.Or(shown(e.Command), "-"), strconv.Itoa(item.Users), item.Status})
			ids.WriteString(e.ID + "\n")
		}
	}
	if ok, err := o.output.structured(o.Out, list); ok {
		return err
	}
	for _, item := range list.Items {
		if item.Message != "" {
			warn(o.ErrOut, "%s: %s, so that change cannot be undone", store.History().Ref(), item.Message)
		}
	}
	switch {
	case o.output == "name":
		return emit(o.Out, ids.String())
	case len(list.Items) == 0:
		say(o.ErrOut, "%s: no change is kept yet, so there is nothing to undo\n", store.History().Ref())
		return nil
	}
	return table(o.Out, rows)
}
