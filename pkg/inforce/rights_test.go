package inforce

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

const old = `{"loaded": 1, "fingerprint": "00"}`

// TestTwoAtOnce: two change the users and wait at once. The gates skip the first change, which both take for done.
func TestTwoAtOnce(t *testing.T) {
	p := newPods(t, testenv.APIServer(t))
	p.run("one", old, nil)
	p.run("two", old, nil)
	first, second := p.o, p.o
	p.write("second\n")
	second.Text = p.o.Text
	type end struct {
		result *Result
		err    error
	}
	ends := make(chan end, 2)
	both := make(chan struct{}, 2)
	for _, o := range []*Options{&first, &second} {
		o.Progress = func(done, _ int) {
			if done == 0 {
				both <- struct{}{}
			}
		}
		go func() {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("time is up"))
			defer cancel()
			result, err := Wait(ctx, *o)
			ends <- end{result, err}
		}()
	}
	<-both
	<-both // each has seen that the gates are behind
	p.tell("one", inForce("second\n"))
	p.tell("two", inForce("second\n"))
	for range 2 {
		if e := <-ends; e.err != nil || e.result.Gates != 2 {
			t.Errorf("%v, %+v", e.err, e.result)
		}
	}
}

// TestRightsTakenAway: while somebody waits, a right goes. No gate is said to be done for that, and the error names the right.
func TestRightsTakenAway(t *testing.T) {
	s := testenv.APIServer(t)
	for name, want := range map[string]string{
		"list":   "you may not list pods in namespace",
		"create": `Pod one: port-forward: `,
		"get":    `cannot get resource "secrets"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPods(t, s)
			p.run("one", "error: not yet", nil) // each question is a new connection, for which the right is asked anew
			if name == "get" {
				p.tell("one", old)
			}
			role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "waiter"}, Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}},
				{APIGroups: []string{""}, Resources: []string{"pods/portforward"}, Verbs: []string{"create"}},
				{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}},
			}}
			binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "waiter"}, Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: name}}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "waiter"}}
			roles := p.client.RbacV1().Roles(p.store.Namespace)
			if _, err := roles.Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.client.RbacV1().RoleBindings(p.store.Namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			config, err := clientcmd.BuildConfigFromFlags("", s.KubeconfigFor(t, name))
			if err != nil {
				t.Fatal(err)
			}
			config.QPS = -1
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			for err := errors.New("not asked yet"); err != nil && t.Context().Err() == nil; { // until the role is in force
				err = live.MayForward(t.Context(), config, p.store.Namespace)
			}
			p.o.Config, p.o.Store = config, &userstore.Store{Client: client.CoreV1(), Namespace: p.store.Namespace, Name: p.store.Name}
			p.o.Progress = func(int, int) {
				for i := range role.Rules {
					if role.Rules[i].Verbs[0] == name {
						role.Rules[i].Verbs[0] = "watch"
					}
				}
				if _, err := roles.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
					t.Error(err)
				}
			}
			_, err = p.wait(8 * time.Second)
			if behind := new(BehindError); !errors.As(err, &behind) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			t.Log(err)
		})
	}
}
