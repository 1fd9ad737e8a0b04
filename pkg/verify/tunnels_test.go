package verify

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/testenv"
)

// TestTunnelsOnce: who gets past the gates of all namespaces is said once; of each namespace there is what it adds. One
// namespace alone has both in one line.
func TestTunnelsOnce(t *testing.T) {
	s := testenv.APIServer(t)
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	one, two := s.CreateNamespace(t), s.CreateNamespace(t)
	for _, ns := range []string{one, two} {
		makePod(t, client, ns, hostilePod("web", ""), nil)
	}
	rbac, rules := client.RbacV1(), func(resources ...string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: resources, Verbs: []string{"create"}}}
	}
	user := func(name string) []rbacv1.Subject {
		return []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}
	}
	ref := func(kind, name string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	_, err = rbac.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "wide"}, Rules: rules("pods/exec")}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rbac.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "wide"}, Subjects: user("olga"), RoleRef: ref("ClusterRole", "wide")}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rbac.Roles(two).Create(t.Context(), &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "here"}, Rules: rules("pods/exec", "pods/attach")}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"olga", "bob"} {
		binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: user(name), RoleRef: ref("Role", "here")}
		if _, err := rbac.RoleBindings(two).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	const take = "; take the rights from those who need a password"
	for ns, want := range map[string]map[string]string{
		"": {
			"":                 "warn: get past the gates of all namespaces through the API server: User olga (pods/exec)" + take,
			"Namespace " + one: "pass: nobody else gets past the gates here through the API server",
			"Namespace " + two: "warn: also get past the gates here through the API server: User bob (pods/attach, pods/exec), User olga (pods/attach)" + take,
		},
		two: {"Namespace " + two: "warn: get past the gates through the API server: User bob (pods/attach, pods/exec), User olga (pods/attach, pods/exec)" + take},
	} {
		report, err := Run(t.Context(), options(s.Config, ns))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, c := range report.Checks {
			if c.Name == "tunnels" {
				got[c.Object] += string(c.Status) + ": " + c.String()
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("namespace %q: %s", ns, diff)
		}
	}
}
