package userstore_test

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kauth-dev/kauth/pkg/userstore"
)

// ed returns a store as its user ed sees it, who has no rights in its namespace but those of rules, and how ed reaches the API
// server, which may take a moment to know the rights.
func ed(t *testing.T, s *userstore.Store, admin kubernetes.Interface, rules ...rbacv1.PolicyRule) (userstore.Store, *rest.Config) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: "ed"}
	if _, err := admin.RbacV1().Roles(s.Namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := admin.RbacV1().RoleBindings(s.Namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: meta,
		Subjects:   []rbacv1.Subject{{Kind: "User", Name: "ed", APIGroup: rbacv1.GroupName}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", server(t).KubeconfigFor(t, "ed"))
	if err != nil {
		t.Fatal(err)
	}
	as := *s
	as.Client = client(t, config).CoreV1()
	return as, config
}
