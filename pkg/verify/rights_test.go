package verify

import (
	"errors"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clientrbacv1 "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/kauth-dev/kauth/pkg/stranger"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// documented is the ClusterRole of docs/verify.md.
func documented(t *testing.T) *rbacv1.ClusterRole {
	t.Helper()
	text, err := os.ReadFile("../../docs/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	block, _, found := strings.Cut(after, "```")
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict([]byte(block), role); err != nil || !found {
		t.Fatalf("docs/verify.md has no ClusterRole: %v", err)
	}
	return role
}

// TestRights: with the role that the documentation names nothing is left out, and without it nothing is claimed.
func TestRights(t *testing.T) {
	s := testenv.APIServer(t)
	client, err := kubernetes.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	ns := s.CreateNamespace(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "kauth-users"}, Data: map[string][]byte{"auth": []byte("a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")}}
	if _, err := client.CoreV1().Secrets(ns).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "kauth-proxy", Image: "i", Args: []string{"--upstream=http://127.0.0.1:1", "--users-file=/x"}}}},
	}
	if _, err := client.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.KubeconfigFor(t, "auditor"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), options(config, ns)); !errors.Is(err, ErrNothing) {
		t.Errorf("without rights: %v", err)
	}
	role := documented(t)
	granted := map[string]bool{}
	for _, rule := range role.Rules {
		for _, group := range rule.APIGroups {
			granted[group] = true
		}
	}
	for _, group := range stranger.RouteGroups {
		if !granted[group] {
			t.Errorf("the role of docs/verify.md has no group %s", group)
		}
	}
	if _, err := client.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "auditor"}, Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "auditor"}},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	auditor := &verifier{Options: options(config, ns)}
	for err := errors.New("not asked yet"); err != nil && t.Context().Err() == nil; { // until the role is in force
		err = auditor.mayForward(t.Context(), ns)
	}
	for _, space := range []string{ns, ""} {
		report, err := Run(t.Context(), options(config, space))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		for _, c := range report.Checks {
			seen[c.Name] = string(c.Status) + " " + c.Message
			if c.Name == "rights" || strings.Contains(c.Message, "you may not") {
				t.Errorf("%s %s: %s", c.Object, c.Name, c.Message)
			}
		}
		if got := minor(t.Context(), clientrbacv1.NewForConfigOrDie(config)); got < 30 {
			t.Errorf("Kubernetes 1.%d", got)
		}
		if report.Gates != 1 || !strings.Contains(seen["tunnels"], "User auditor (pods/portforward)") || !strings.HasPrefix(seen["key"], "pass") {
			t.Errorf("%d gates; %v", report.Gates, seen)
		}
	}
}

func options(config *rest.Config, namespace string) Options {
	return Options{Config: config, Namespace: namespace, Home: namespace, Secret: "kauth-users", Patience: Patience}
}
