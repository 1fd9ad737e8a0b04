package gateconf

import "strings"

// AnnotationPrefix starts every annotation key that kauth reads or writes.
const AnnotationPrefix = "kauth.dev/"

// The annotations. Users write the first group, kauth the second; AnnotationGate is in both.
const (
	// AnnotationGate on a workload, its pod template, its Service, or the Ingress or route that leads to it:
	// "enabled" gates the workload, "disabled" leaves it out. On a workload that is gated, kauth writes what it did:
	// "8181 -> http://127.0.0.1:9090".
	AnnotationGate = AnnotationPrefix + "gate"

	// AnnotationVersion on a gated workload: the version of kauth that gated it, such as "v0.3.1".
	AnnotationVersion = AnnotationPrefix + "version"
	// AnnotationAllowOpen on an object that opens a way past a gate, which --allow-open lets stay: the ways and where they
	// lead, such as "spec.ports[0]: leads to port 10901 (grpc) of Prometheus p, but the gate stands before port 9090".
	AnnotationAllowOpen = AnnotationPrefix + "allow-open"
	// AnnotationUndo on every object that kauth changed: what eject has to do, a line each, such as
	// "set spec.rules[0].http.paths[0].backend.service.port.number 9090". On an object that kauth added: UndoObject.
	AnnotationUndo = AnnotationPrefix + "undo"

	// AnnotationProjections on a users Secret: the projections that kubectl basicauth keeps of it, such as "prometheus-web",
	// separated by commas. LabelProjection on the Secret of a projection: its kind. AnnotationProjectionOf there: the users
	// Secret's name.
	AnnotationProjections  = AnnotationPrefix + "projections"
	LabelProjection        = AnnotationPrefix + "projection"
	AnnotationProjectionOf = AnnotationPrefix + "projection-of"

	// AnnotationUsers on a users Secret: since when each password is there, and until when an old one counts, without a name or a
	// hash, such as "v1:3q2+7wAAAABlkg...". pkg/linenotes writes it.
	AnnotationUsers = AnnotationPrefix + "users"
	// AnnotationChange on a users Secret: the name of its last change in the Secret of its history, whose AnnotationHistoryOf is the
	// users Secret's name. AnnotationBegun there: the change that was last begun, and the one before it: "ID after ID".
	AnnotationChange    = AnnotationPrefix + "change"
	AnnotationHistoryOf = AnnotationPrefix + "history-of"
	AnnotationBegun     = AnnotationPrefix + "begun"

	// AnnotationNudged on a pod: when kubectl basicauth last had its kubelet bring the users. It is not of AnnotationPrefix, whose
	// annotations kauth refuses where they mean nothing to it.
	AnnotationNudged = "basicauth.kauth.dev/nudged"

	// AnnotationRotation on a Secret with values of a required header, or with session keys: what kubectl basicauth knows of
	// those that it made or replaced, by name: {"1a2b3c4d":{"since":"2026-01-02T03:04:05Z","until":"2026-01-02T16:04:05Z"}}.
	AnnotationRotation = AnnotationPrefix + "rotation"
)

// IsOfSecrets says whether a key is one of the annotations and labels that kubectl basicauth puts on its Secrets. Whoever exports one
// into a chart has them there.
func IsOfSecrets(key string) bool {
	switch key {
	case AnnotationUsers, AnnotationProjections, AnnotationProjectionOf, LabelProjection, AnnotationRotation:
		return true
	}
	return false
}

// ProjectionWeb is the kind of projection that mode native mounts: Prometheus' web configuration.
const ProjectionWeb = "prometheus-web"

// What AnnotationUndo says on an object that is kauth's own: "object", or "object newline" where the document before it
// was given the newline at its end.
const (
	UndoObject  = "object"
	UndoNewline = "newline"
)

// The values of AnnotationGate that users write.
const (
	GateEnabled  = "enabled"
	GateDisabled = "disabled"
)

// GateDone returns the value of AnnotationGate on a workload that is gated on port, before the given upstream.
func GateDone(port, upstream string) string { return port + " -> " + upstream }

// IsGateDone says whether value is one that GateDone returns.
func IsGateDone(value string) bool { return strings.Contains(value, " -> ") }
