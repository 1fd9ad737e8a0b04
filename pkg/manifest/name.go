package manifest

import (
	"fmt"
	"strings"
)

// ObjectName is an object that the user names: KIND/NAME or KIND/NAMESPACE/NAME.
type ObjectName struct {
	Kind      string
	Namespace string // "" for any
	Name      string
}

// ParseObjectName reads KIND/NAME or KIND/NAMESPACE/NAME. Kinds are as kubectl takes them.
func ParseObjectName(text string) (ObjectName, error) {
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if part == "" {
			parts = nil
		}
	}
	switch len(parts) {
	case 2:
		return ObjectName{Kind: parts[0], Name: parts[1]}, nil
	case 3:
		return ObjectName{Kind: parts[0], Namespace: parts[1], Name: parts[2]}, nil
	default:
		return ObjectName{}, fmt.Errorf("%q is not KIND/NAME or KIND/NAMESPACE/NAME, such as GRPCRoute/thanos or svc/monitoring/thanos", text)
	}
}

// String is the name as the user writes it.
func (n ObjectName) String() string {
	if n.Namespace != "" {
		return n.Kind + "/" + n.Namespace + "/" + n.Name
	}
	return n.Kind + "/" + n.Name
}

// Means says whether this is the object's name.
func (n ObjectName) Means(ref Ref) bool {
	return SameKind(n.Kind, ref.Kind) && n.Name == ref.Name && (n.Namespace == "" || n.Namespace == ref.Namespace)
}

// kindNames are the short names that kubectl knows.
var kindNames = map[string]string{
	"netpol": "networkpolicy", "networkpolicies": "networkpolicy",
	"deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "rs": "replicaset", "po": "pod", "rc": "replicationcontroller",
	"prom": "prometheus", "amgr": "alertmanager", "promagent": "prometheusagent", "ruler": "thanosruler",
	"svc": "service", "ing": "ingress", "vs": "virtualservice",
}

// SameKind says whether a kind as kubectl takes it, in any case, plural or short, is the kind want.
func SameKind(kind, want string) bool {
	kind, want = strings.ToLower(kind), strings.ToLower(want)
	if long, ok := kindNames[kind]; ok {
		kind = long
	}
	return kind == want || kind == want+"s" || kind == want+"es"
}
