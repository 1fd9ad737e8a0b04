package manifest

import (
	"bytes"
	"regexp"
	"strings"
)

// noPart are the kinds that neither lead to a workload nor are one. Every other kind is parsed, so that a kind nobody
// has heard of cannot hide a way in.
var noPart = map[string]bool{
	"APIService": true, "CertificateRequest": true, "Certificate": true, "ClusterIssuer": true, "ClusterRole": true,
	"ClusterRoleBinding": true, "ConfigMap": true, "CSIDriver": true, "CustomResourceDefinition": true,
	"HorizontalPodAutoscaler": true, "Issuer": true, "LimitRange": true, "MutatingWebhookConfiguration": true,
	"Namespace": true, "PersistentVolume": true, "PersistentVolumeClaim": true, "PodDisruptionBudget": true,
	"PodMonitor": true, "PriorityClass": true, "Probe": true, "PrometheusRule": true, "ResourceQuota": true,
	"Role": true, "RoleBinding": true, "ScrapeConfig": true, "Secret": true, "ServiceAccount": true,
	"ServiceMonitor": true, "StorageClass": true, "ValidatingAdmissionPolicy": true,
	"ValidatingAdmissionPolicyBinding": true, "ValidatingWebhookConfiguration": true, "VerticalPodAutoscaler": true,
}

func hasNoPart(kind string, raw []byte) bool {
	if kind != "ConfigMap" {
		return noPart[kind]
	}
	_, data, _ := bytes.Cut(raw, []byte("\ndata:"))
	return !numberedKey.Match(data)
}

// numberedKey finds a ConfigMap whose data begins with a number for a key: ingress-nginx reads ports and Services from such
// a one. Most ConfigMaps are settings and dashboards, of any length.
var numberedKey = regexp.MustCompile(`\A(\s|\{|#.*\n)*["']?[0-9]+["']?\s*:`)

// oddStarts are ways to begin a top-level entry that plainKind does not read; one of them may be another spelling of
// the key "kind".
var oddStarts = [][]byte{
	[]byte("\n\""), []byte("\n'"), []byte("\n?"), []byte("\n{"), []byte("\n["), []byte("\n<"), []byte("\n&"),
	[]byte("\n*"), []byte("\n!"), []byte("\nkind "), []byte("\nkind\t"),
}

// plainKind reads the top-level kind of a document that spells it plainly, once, in the first column; not ok
// otherwise. It relies on Lint for the rest of the document.
func plainKind(raw []byte) (kind string, ok bool) {
	for _, odd := range oddStarts {
		if bytes.Contains(raw, odd) {
			return "", false
		}
	}
	var value []byte
	if bytes.HasPrefix(raw, []byte("kind:")) {
		value = raw[len("kind:"):]
	} else if strings.ContainsAny(string(raw[:min(1, len(raw))]), "\"'?{[<&*!") {
		return "", false
	}
	for rest := raw; ; {
		at := bytes.Index(rest, []byte("\nkind:"))
		if at < 0 {
			break
		}
		if value != nil {
			return "", false // twice
		}
		rest = rest[at+len("\nkind:"):]
		value = rest
	}
	if value == nil || isMarker(raw, "---") && len(bytes.TrimSpace(firstLine(raw)[3:])) > 0 {
		return "", false
	}
	kind = strings.TrimSpace(string(firstLine(value)))
	for _, r := range kind {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return "", false
		}
	}
	return kind, kind != ""
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, newline)
	return line
}
