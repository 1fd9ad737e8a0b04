package userstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// keeper is a rotator whose changes are kept. At 01:00, alice came with password 1, and bob with 9.
func keeper(t *testing.T) *rotator {
	t.Helper()
	r := newRotator(t)
	r.Keep = keeping("change")
	r.at("01:00").edit(func(f *htpasswd.File) { f.Set("alice", numbered(t, 1)); f.Set("bob", numbered(t, 9)) })
	return r
}

func (r *rotator) expire(all bool) {
	r.Helper()
	if _, err := r.Expire(r.Context(), nil, all); err != nil {
		r.Fatal(err)
	}
}

// undo returns which passwords count again, which old ones still do, and which no more: the ends of their hashes.
func (r *rotator) undo(to string, force bool) (userstore.Undone, string) {
	r.Helper()
	u, err := r.Undo(r.Context(), to, force)
	if err != nil {
		r.Fatal(err)
	}
	told := ""
	for _, l := range u.Again {
		told += " +" + l.Hash.String()[len(l.Hash.String())-1:]
	}
	for _, l := range u.Stay {
		told += " =" + l.Hash.String()[len(l.Hash.String())-1:]
	}
	for _, l := range u.Gone {
		told += " -" + l.Hash.String()[len(l.Hash.String())-1:]
	}
	return u, strings.TrimPrefix(told, " ")
}

// Whatever is undone, old passwords come back with the end that they had.
func TestUndoBringsTheEndBack(t *testing.T) {
	const bob = "bob 9 01:00 -"
	rotate := func(n int, overlap time.Duration) func(*rotator) {
		return func(r *rotator) { r.rotate("alice", n, overlap) }
	}
	passwd := func(r *rotator) { r.edit(func(f *htpasswd.File) { f.Set("alice", numbered(t, 3)) }) }
	expire := func(r *rotator) { r.expire(true) }
	for name, test := range map[string]struct {
		before []func(*rotator) // at 02:00
		undo   string           // when
		told   string
		want   []string
	}{
		"rotate": {
			[]func(*rotator){rotate(2, time.Hour)}, "02:30", "-2", []string{"alice 1 01:00 -", bob},
		},
		"rotate, and its time is over": {
			[]func(*rotator){rotate(2, time.Hour)}, "04:00", "-2", []string{"alice 1 01:00 -", bob},
		},
		"expire": {
			[]func(*rotator){rotate(2, time.Hour), expire}, "02:30", "+1", []string{"alice 2 02:00 -", "alice 1 01:00 03:00", bob},
		},
		"expire, and its time is over": {
			[]func(*rotator){rotate(2, time.Hour), expire}, "04:00", "+1", []string{"alice 2 02:00 -", "alice 1 01:00 03:00", bob},
		},
		"passwd": {
			[]func(*rotator){rotate(2, time.Hour), passwd}, "02:30", "+2 +1 -3", []string{"alice 2 02:30 -", "alice 1 01:00 03:00", bob},
		},
		"another's change, and the time of an old password is over": {
			[]func(*rotator){rotate(2, time.Hour), func(r *rotator) { r.edit(func(f *htpasswd.File) { f.Remove("bob") }) }},
			"04:00",
			"+9",
			[]string{"alice 2 02:00 -", "alice 1 01:00 03:00", "bob 9 04:00 -"},
		},
		"a rotation with less time than the one before": {
			[]func(*rotator){rotate(2, 8*time.Hour), rotate(3, time.Hour)}, "02:30", "=1 -3", []string{"alice 2 02:00 -", "alice 1 01:00 10:00", bob},
		},
		"a rotation back to the old password": {
			[]func(*rotator){rotate(2, 8*time.Hour), rotate(1, time.Hour)}, "02:30", "=1", []string{"alice 2 02:00 -", "alice 1 02:00 10:00", bob},
		},
		"a removed user": {
			[]func(*rotator){rotate(2, time.Hour), func(r *rotator) { r.edit(func(f *htpasswd.File) { f.Remove("alice") }) }},
			"02:30",
			"+2 +1",
			[]string{"alice 2 02:30 -", "alice 1 01:00 03:00", bob},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := keeper(t)
			r.at("02:00")
			for _, do := range test.before {
				do(r)
			}
			_, told := r.at(test.undo).undo("", false)
			if diff := cmp.Diff(test.told, told); diff != "" {
				t.Error(diff)
			}
			r.want(test.want...)
			after, meta, err := r.Read(t.Context())
			if err != nil || len(meta.Warnings()) > 0 {
				t.Error(err, meta.Warnings())
			}
			u, _ := r.undo(entries(t, r.Store)[0].ID, false) // and back, which is undone in turn
			if u.Changed == false {
				t.Error("an undo was not taken back")
			}
			r.undo(entries(t, r.Store)[0].ID, false)
			if again, _, err := r.Read(t.Context()); err != nil || string(again.Bytes()) != string(after.Bytes()) {
				t.Errorf("%s, not %s, %v", again.Bytes(), after.Bytes(), err)
			}
			if r.now.Hour() == 4 && strings.Contains(strings.Join(test.want, ""), "03:00") { // it counts until the next change, not longer
				if gone := r.edit(func(f *htpasswd.File) { f.Set("carol", numbered(t, 5)) }).Removed; len(gone) != 1 {
					t.Errorf("%+v", gone)
				}
			}
		})
	}
}

// A Secret that was deleted comes back with the ends of old passwords.
func TestUndoDeletedAfterRotate(t *testing.T) {
	r := keeper(t)
	remove := func() {
		t.Helper()
		if err := r.client.CoreV1().Secrets(r.Namespace).Delete(t.Context(), r.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	r.at("02:00").rotate("alice", 2, time.Hour)
	remove()
	if u, _ := r.at("02:20").undo("", false); u.Revived == nil || u.Revived != u.Entry {
		t.Errorf("%+v", u)
	}
	r.want("alice 1 02:20 -", "bob 9 02:20 -") // as before the rotation, which is not kept
	r.rotate("alice", 3, time.Hour)
	r.edit(func(f *htpasswd.File) { f.Set("carol", numbered(t, 4)) })
	remove()
	r.at("02:40").undo("", false)
	r.want("alice 3 02:40 -", "alice 1 02:20 03:20", "bob 9 02:40 -")
}

// Passwords that somebody put beside each other by hand have no end, and get none by an undo.
func TestUndoOfPasswordsWithoutEnd(t *testing.T) {
	r := keeper(t)
	r.byHand(replace("alice:", "alice:"+numbered(t, 7).String()+"\nalice:"))
	r.at("02:00").rotate("alice", 2, time.Hour)
	r.want("alice 2 02:00 -", "alice 7 - 03:00", "alice 1 01:00 03:00", "bob 9 01:00 -")
	r.at("04:00").undo("", false)
	r.want("alice 7 - -", "alice 1 01:00 -", "bob 9 01:00 -")
	if gone := r.edit(func(f *htpasswd.File) { f.Set("carol", numbered(t, 5)) }).Removed; len(gone) > 0 {
		t.Errorf("%+v", gone)
	}
}

// An old password that somebody has taken away by hand, with the annotation as it was, comes back with its end too.
func TestUndoOfAnEditByHand(t *testing.T) {
	r := keeper(t)
	r.at("02:00").rotate("alice", 2, time.Hour)
	r.edit(func(f *htpasswd.File) { f.Set("carol", numbered(t, 4)) })
	to := entries(t, r.Store)[0].ID
	r.undo("", false)
	r.byHand(replace("alice:"+numbered(t, 1).String()+"\n", ""))
	r.want("alice 2 02:00 -", "bob 9 01:00 -")
	if _, told := r.undo(to, true); told != "+1" {
		t.Error(told)
	}
	r.want("alice 2 02:00 -", "alice 1 01:00 03:00", "bob 9 01:00 -")
}

// What is damaged by hand, of the annotations and of the history, is in nobody's way, and lengthens no time that is known.
func TestUndoWithDamage(t *testing.T) {
	annotate := func(key, value string) func(*corev1.Secret) {
		return func(s *corev1.Secret) {
			if s.Annotations[key] = value; value == "" {
				delete(s.Annotations, key)
			}
		}
	}
	for name, damage := range map[string][]func(*corev1.Secret){
		"both broken":         {annotate(gateconf.AnnotationUsers, "v1:garbage"), annotate(gateconf.AnnotationChange, "20200101-000000-000-abcdef")},
		"both gone":           {annotate(gateconf.AnnotationUsers, ""), annotate(gateconf.AnnotationChange, "")},
		"notes broken":        {annotate(gateconf.AnnotationUsers, "v1:garbage")},
		"head of nothing":     {annotate(gateconf.AnnotationChange, "x after y")},
		"notes of a newer":    {annotate(gateconf.AnnotationUsers, "v2:abc")},
		"newer, without head": {annotate(gateconf.AnnotationUsers, "v2:abc"), annotate(gateconf.AnnotationChange, "")},
	} {
		t.Run(name, func(t *testing.T) {
			r := keeper(t)
			newer := strings.Contains(name, "newer")
			r.at("02:00").rotate("alice", 2, time.Hour)
			for _, do := range damage {
				r.byHand(do)
			}
			if !newer {
				r.undo("", false) // what was before the rotation is known
				if f, _, err := r.Read(t.Context()); err != nil || len(f.Entries()) != 2 {
					t.Errorf("%v, %s", err, f.Bytes())
				}
				r.rotate("alice", 3, time.Hour)
			}
			for _, do := range damage {
				r.byHand(do)
			}
			if r.edit(func(f *htpasswd.File) { f.Set("carol", numbered(t, 4)) }).Unkept != nil {
				t.Error("not kept")
			}
			for _, do := range damage {
				r.byHand(do)
			}
			u, _ := r.undo("", false)
			if diff := cmp.Diff([]string{"carol"}, u.Users.Removed); diff != "" {
				t.Error(diff)
			}
			if chain, err := r.Changes(t.Context()); err != nil || len(chain.Entries) < 3 {
				t.Error(chain, err)
			}
			if !newer {
				r.expire(true)
			}
		})
	}
}

// Where an entry does not say any more until when old passwords count, what stands there keeps its end, and of what comes back it is
// said that it has none.
func TestUndoWithoutEnds(t *testing.T) {
	r := keeper(t)
	r.at("02:00").rotate("alice", 2, time.Hour)
	r.rotate("bob", 8, time.Hour)
	if _, err := r.Expire(t.Context(), who("alice"), true); err != nil {
		t.Fatal(err)
	}
	id := entries(t, r.Store)[0].ID
	log := &userstore.Store{Namespace: r.Namespace, Name: r.Name + "-history"}
	secret := get(t, r.client, log)
	meta := secret.Data[id+".json"]
	_, ends, found := strings.Cut(string(meta), `"ends":"`)
	if !found || len(meta) > 700 {
		t.Fatalf("%s", meta)
	}
	ends, _, _ = strings.Cut(ends, `"`)
	secret.Data[id+".json"] = []byte(strings.Replace(string(meta), ends, "v1:garbage", 1))
	if _, err := r.client.CoreV1().Secrets(r.Namespace).Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	u, told := r.undo("", false)
	want := fmt.Sprintf("Secret %s/kauth-users-history: data.%s.json: ends: cannot be read: ", r.Namespace, id)
	if w := u.Warnings(); told != "+1" || len(w) != 1 || !strings.HasPrefix(w[0], want) {
		t.Errorf("%s, %q", told, w)
	}
	r.want("alice 2 02:00 -", "alice 1 02:00 -", "bob 8 02:00 -", "bob 9 01:00 03:00")
}
