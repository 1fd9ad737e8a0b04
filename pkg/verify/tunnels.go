package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientrbacv1 "k8s.io/client-go/kubernetes/typed/rbac/v1"

	"github.com/kauth-dev/kauth/pkg/userstore"
)

// tunnelRights lead past a gate through the API server: to the application's port, or into its pod.
var tunnelRights = []struct {
	resource, verb string
	until          int // the minor version of Kubernetes 1 from which it does no more; 0: it always does
}{
	{"pods/portforward", "create", 0},
	{"pods/exec", "create", 0},
	{"pods/attach", "create", 0},
	// WebSockets begin with a GET, for which get was enough before AuthorizePodWebsocketUpgradeCreatePermission.
	{"pods/portforward", "get", 35},
	{"pods/exec", "get", 35},
	{"pods/attach", "get", 35},
	{"pods/proxy", "get", 0},
	{"pods/proxy", "create", 0}, // a POST
	{"services/proxy", "get", 0},
	{"services/proxy", "create", 0},
	{nodeProxy, "get", 0}, // the kubelet's own port, which runs commands in pods
	{nodeProxy, "create", 0},
	{"pods/ephemeralcontainers", "update", 0},
	{"pods/ephemeralcontainers", "patch", 0},
}

// nodeProxy is a right that no namespace can give.
const nodeProxy = "nodes/proxy"

// tunnels reports on who gets past the gates of a namespace through the API server.
func (v *verifier) tunnels(ctx context.Context) {
	var spaces []string
	for _, s := range v.all {
		if s.Mode != "" {
			spaces = append(spaces, s.Ref.Namespace)
		}
	}
	if spaces = unique(spaces); len(spaces) == 0 {
		return
	}
	client, err := clientrbacv1.NewForConfig(v.Config)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, v.Patience, fmt.Errorf("no answer within %s", v.Patience))
	defer cancel()
	wide, missed := clusterGrants(ctx, client)
	once := len(spaces) > 1 && len(wide.grants) > 0 && len(missed) == 0 // not again of each namespace
	told := tunnelTexts{"get past the gates through the API server", "but for the cluster's own administrators nobody gets past the gates through the API server"}
	if once {
		v.tell("", tunnelTexts{some: "get past the gates of all namespaces through the API server"}, wide.grants, nil)
		told = tunnelTexts{"also get past the gates here through the API server", "nobody else gets past the gates here through the API server"}
	}
	for _, space := range spaces {
		grants, cannot := spaceGrants(ctx, client, wide, space)
		if once {
			grants = beyond(grants, wide.grants)
		}
		v.tell("Namespace "+space, told, grants, append(slices.Clip(missed), cannot...))
	}
}

// beyond is what grants give that others do not.
func beyond(grants, others map[string][]string) map[string][]string {
	more := map[string][]string{}
	for subject, rights := range grants {
		rights = slices.DeleteFunc(slices.Clone(rights), func(right string) bool { return slices.Contains(others[subject], right) })
		if len(rights) > 0 {
			more[subject] = rights
		}
	}
	return more
}

// tunnelTexts say that some get past the gates, and that none do.
type tunnelTexts struct{ some, none string }

// tell reports on one namespace, or with no object on all. What everybody may do comes first.
func (v *verifier) tell(object string, told tunnelTexts, grants map[string][]string, missed []error) {
	const (
		most = 8
		name = "tunnels"
		take = "take the rights from those who need a password"
	)
	var who []string
	for subject, rights := range grants {
		text := subject + " (" + strings.Join(unique(rights), ", ") + ")"
		if everybody[subject] {
			text = "! " + text
		}
		who = append(who, text)
	}
	slices.Sort(who)
	for i := range who {
		who[i] = strings.TrimPrefix(who[i], "! ")
	}
	switch {
	case len(who) > 0 && len(missed) > 0:
		v.add(userstore.Warn, object, name, take, "%s: %s; there may be others, for %v", told.some, few(who, most), missed[0])
	case len(missed) > 0:
		v.add(userstore.Warn, object, name, "docs/verify.md has a role for that", "who gets past the gates through the API server could not be seen: %v", missed[0])
	case len(who) > 0:
		v.add(userstore.Warn, object, name, take, "%s: %s", told.some, few(who, most))
	default:
		v.add(userstore.Pass, object, name, "", "%s", told.none)
	}
}

var everybody = map[string]bool{"Group system:authenticated": true, "Group system:unauthenticated": true, "Group system:serviceaccounts": true}

// minor returns the API server's minor version of Kubernetes 1; 0 where it does not tell.
func minor(ctx context.Context, client clientrbacv1.RbacV1Interface) int {
	var told struct{ Minor string } // "36", or "36+" of who builds their own
	if text, err := client.RESTClient().Get().AbsPath("/version").DoRaw(ctx); err != nil || json.Unmarshal(text, &told) != nil {
		return 0
	}
	number, _ := strconv.Atoi(strings.TrimRight(told.Minor, "+"))
	return number
}

// clusterRights is what ClusterRoles and ClusterRoleBindings say.
type clusterRights struct {
	minor  int                 // the version of Kubernetes 1
	roles  map[string][]string // tunnel rights by ClusterRole
	grants map[string][]string // by subject, in every namespace
}

func clusterGrants(ctx context.Context, client clientrbacv1.RbacV1Interface) (*clusterRights, []error) {
	c := &clusterRights{minor: minor(ctx, client), roles: map[string][]string{}, grants: map[string][]string{}}
	roles, err := client.ClusterRoles().List(ctx, metav1.ListOptions{})
	if err != nil {
		return c, []error{cannotList("clusterroles", "", err)}
	}
	for _, r := range roles.Items {
		c.roles[r.Name] = rightsOf(r.Rules, c.minor)
	}
	bindings, err := client.ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return c, []error{cannotList("clusterrolebindings", "", err)}
	}
	for _, b := range bindings.Items {
		grant(c.grants, "", b.Subjects, c.roles[b.RoleRef.Name])
	}
	return c, nil
}

func spaceGrants(ctx context.Context, client clientrbacv1.RbacV1Interface, wide *clusterRights, space string) (map[string][]string, []error) {
	grants := map[string][]string{}
	for subject, rights := range wide.grants {
		grants[subject] = slices.Clone(rights)
	}
	roles, err := client.Roles(space).List(ctx, metav1.ListOptions{})
	if err != nil {
		return grants, []error{cannotList("roles", space, err)}
	}
	bindings, err := client.RoleBindings(space).List(ctx, metav1.ListOptions{})
	if err != nil {
		return grants, []error{cannotList("rolebindings", space, err)}
	}
	own := map[string][]string{}
	for _, r := range roles.Items {
		own[r.Name] = rightsOf(r.Rules, wide.minor)
	}
	for _, b := range bindings.Items {
		rights := own[b.RoleRef.Name]
		if b.RoleRef.Kind == "ClusterRole" {
			rights = wide.roles[b.RoleRef.Name]
		}
		grant(grants, space, b.Subjects, rights)
	}
	return grants, nil
}

func cannotList(resource, namespace string, err error) error {
	where := "in all namespaces"
	if namespace != "" {
		where = "in namespace " + namespace
	}
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("you may not list %s.rbac.authorization.k8s.io %s", resource, where)
	}
	return fmt.Errorf("%s.rbac.authorization.k8s.io %s: %w", resource, where, err)
}

// rightsOf returns those of tunnelRights that rules give, by their resource.
func rightsOf(rules []rbacv1.PolicyRule, minor int) []string {
	var rights []string
	for _, rule := range rules {
		if !slices.Contains(rule.APIGroups, "") && !slices.Contains(rule.APIGroups, "*") {
			continue
		}
		for _, t := range tunnelRights {
			_, sub, _ := strings.Cut(t.resource, "/")
			resource := slices.Contains(rule.Resources, t.resource) || slices.Contains(rule.Resources, "*") || slices.Contains(rule.Resources, "*/"+sub)
			if t.until > 0 && minor >= t.until {
				continue
			}
			if resource && (slices.Contains(rule.Verbs, t.verb) || slices.Contains(rule.Verbs, "*")) {
				rights = append(rights, t.resource)
			}
		}
	}
	return unique(rights)
}

// grant notes rights by subject. The cluster's own parts, and whoever holds the certificate of an administrator, are no news.
func grant(grants map[string][]string, namespace string, subjects []rbacv1.Subject, rights []string) {
	if namespace != "" {
		rights = slices.DeleteFunc(slices.Clone(rights), func(right string) bool { return right == nodeProxy })
	}
	for _, s := range subjects {
		name := s.Kind + " " + s.Name
		if s.Kind == rbacv1.ServiceAccountKind {
			if s.Namespace == "" {
				s.Namespace = namespace
			}
			name = s.Kind + " " + s.Namespace + "/" + s.Name
		}
		own := strings.HasPrefix(s.Name, "system:") && !strings.HasPrefix(s.Name, "system:authenticated") && !strings.HasPrefix(s.Name, "system:unauthenticated") && !strings.HasPrefix(s.Name, "system:serviceaccount")
		if len(rights) > 0 && !own && s.Namespace != metav1.NamespaceSystem {
			grants[name] = append(grants[name], rights...)
		}
	}
}
