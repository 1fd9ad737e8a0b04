package testenv

import (
	"context"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func TestAPIServerEnforcesRBACAndConflicts(t *testing.T) {
	start := time.Now()
	s := APIServer(t)
	t.Logf("API server ready after %s", time.Since(start).Round(time.Millisecond))
	ctx := context.Background()
	admin := kubernetes.NewForConfigOrDie(s.Config)
	version, err := admin.Discovery().ServerVersion()
	if err != nil || version.GitVersion != "v1.36.3" {
		t.Fatalf("version %v, %v; the build must set it, or version checks of Helm and kubectl break", version, err)
	}
	ns := s.CreateNamespace(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "kauth-users"}, Data: map[string][]byte{"auth": []byte("a:b\n")}}
	if _, err := admin.CoreV1().Secrets(ns).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	secret.ResourceVersion = "1"
	if _, err := admin.CoreV1().Secrets(ns).Update(ctx, secret, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("update of an old version: %v, want a conflict", err)
	}

	config, err := clientcmd.BuildConfigFromFlags("", s.KubeconfigFor(t, "jo", "readers"))
	if err != nil {
		t.Fatal(err)
	}
	jo := kubernetes.NewForConfigOrDie(config)
	if _, err := jo.CoreV1().Secrets(ns).Get(ctx, "kauth-users", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("get without a role: %v, want forbidden", err)
	}
	if _, err := admin.RbacV1().Roles(ns).Create(ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "readers"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.RbacV1().RoleBindings(ns).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "readers"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "readers"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "readers"}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the authorizer watches
		_, err := jo.CoreV1().Secrets(ns).Get(ctx, "kauth-users", metav1.GetOptions{})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("get with a role of the group: %v", err)
		}
	}

	s.Stop()
	if response, err := http.Get(s.URL); err == nil {
		_ = response.Body.Close()
		t.Error("still answers after Stop")
	}
}

func TestFreePortsDiffer(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range ports {
		if seen[p] {
			t.Errorf("port %s twice", p)
		}
		seen[p] = true
	}
}
