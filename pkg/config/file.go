// Package config owns the settings of gates: the settings file with its strict reading, and how flags, file and
// defaults become the one value that a gate is planned from. It knows no cluster, no manifest and no plan.
package config

import "strings"

// What a settings file says of itself.
const (
	APIVersion = "kauth.dev/v1alpha1"
	Kind       = "Gates"
)

// File is a settings file, kauth.yaml, and the functionConfig of the KRM function.
type File struct {
	// The version of this format.
	APIVersion string `json:"apiVersion" jsonschema:"enum=kauth.dev/v1alpha1"`
	// The kind of this file.
	Kind string `json:"kind" jsonschema:"enum=Gates"`
	// Only used where this is the functionConfig of a KRM function: its name and annotations.
	Metadata map[string]any `json:"metadata,omitempty"`
	// The namespace of objects that name none, as Helm does not tell it. The flag is --namespace.
	Namespace *string `json:"namespace,omitempty"`
	// Nothing to gate is not an error, nor is a gate of this file that matches no workload. The flag is --allow-none.
	AllowNone *bool `json:"allowNone,omitempty"`
	// Settings of all gates, also of those that this file does not name.
	Defaults *Stated `json:"defaults,omitempty"`
	// Workloads to gate, with settings of their own. The first that matches a workload is the one that counts.
	Gates []Gate `json:"gates,omitempty"`

	name  string         // as errors and origins call it
	lines map[string]int // of fields, by their path; none in a functionConfig
}

// Gate is one entry of a settings file: which workloads it is for, and what their gates are told.
type Gate struct {
	// Which workloads are meant.
	Target Target `json:"target"`
	// Whether they get a gate; disabled leaves out those that would get one by default. The annotation kauth.dev/gate overrules this.
	Gate *string `json:"gate,omitempty" jsonschema:"enum=enabled,enum=disabled,default=enabled"`
	// No error where no workload matches, for a file that serves several charts.
	AllowNone *bool `json:"allowNone,omitempty"`
	Stated
}

// Target selects workloads. All that is given must hold; at least one of kind, name, namespace and labels is given.
type Target struct {
	// Kind of the workload as kubectl takes it, in any case: Deployment, deploy, StatefulSet, Prometheus. Without it, Deployments, StatefulSets, DaemonSets and the resources of prometheus-operator.
	Kind *string `json:"kind,omitempty" jsonschema:"minLength=1"`
	// Name of the workload, or a pattern of it: * for any text, ? for any character, [ab] for one of these.
	Name *string `json:"name,omitempty" jsonschema:"minLength=1"`
	// Namespace of the workload, or a pattern of it.
	Namespace *string `json:"namespace,omitempty" jsonschema:"minLength=1"`
	// Labels that the workload or its pods carry.
	Labels map[string]string `json:"labels,omitempty"`
	// Container port of the application, number or name, where kauth does not find it out or there are several.
	Port *PortRef `json:"port,omitempty"`
}

// Stated are settings as one place states them; nil says nothing. An empty text or list takes back what the defaults say,
// where there is no value that must be.
type Stated struct {
	// Who checks the passwords: a sidecar, the ingress controller, or the application itself by its --web.config.file.
	Mode *string `json:"mode,omitempty" jsonschema:"enum=sidecar,enum=ingress,enum=native,default=sidecar"`
	// What is asked for: basic, or none where requireHeader is enough.
	Auth *string `json:"auth,omitempty" jsonschema:"enum=basic,enum=none,default=basic"`
	// Name of the Secret with the users.
	UsersSecret *string `json:"usersSecret,omitempty" jsonschema:"minLength=1,maxLength=253,default=kauth-users"`
	// The realm that browsers show.
	Realm *string `json:"realm,omitempty" jsonschema:"minLength=1,default=Restricted"`
	// How people sign in: the browser's dialog, or a page of the gate.
	SignIn *string `json:"signIn,omitempty" jsonschema:"enum=dialog,enum=page,default=dialog"`
	// Port that the gate listens on, in the pod. Without it 8181, or the next free one.
	Port *int `json:"port,omitempty" jsonschema:"minimum=1,maximum=65535"`
	// Name of a header without which a request is refused, as a CDN adds it. Together with headerSecret.
	RequireHeader *string `json:"requireHeader,omitempty"`
	// Name of a Secret, each value of which is an accepted one of that header.
	HeaderSecret *string `json:"headerSecret,omitempty" jsonschema:"maxLength=253"`
	// Name of a Secret of type kubernetes.io/tls: the gate speaks HTTPS with its certificate.
	TLSSecret *string `json:"tlsSecret,omitempty" jsonschema:"maxLength=253"`
	// CIDRs of the load balancers in front, whose X-Forwarded headers are believed.
	TrustedProxies *[]string `json:"trustedProxies,omitempty"`
	// Who reaches the ports of the pods other than those that ask for a password (the gate's, or the application's own in mode native), by a NetworkPolicy that is added: the pods of the same namespace, or nobody but the pods of the workload itself. With none, no policy is added.
	NetworkPolicy *string `json:"networkPolicy,omitempty" jsonschema:"enum=none,enum=same-namespace,enum=gate-only,default=none"`
	// Who else reaches them, with networkPolicy; in mode ingress the ingress controller must be among them.
	AllowFrom *[]Peer `json:"allowFrom,omitempty"`
	// Path that answers, without a password, whether the application is healthy.
	HealthPath *string `json:"healthPath,omitempty" jsonschema:"minLength=2,default=/health"`
	// Path of the application that says whether it is healthy, where its probes do not say so.
	UpstreamHealthPath *string `json:"upstreamHealthPath,omitempty"`
	// Image of the sidecar. Without it, the one of this version of kauth.
	Image *string `json:"image,omitempty"`
	// Resources of the sidecar, in place of kauth's own.
	Resources *Resources `json:"resources,omitempty"`
}

// Resources of the sidecar's container. What is not given is not set; nothing is kept of kauth's own.
type Resources struct {
	// What the scheduler keeps for the sidecar: cpu, memory, ephemeral-storage.
	Requests map[string]Quantity `json:"requests,omitempty"`
	// What the sidecar gets at most.
	Limits map[string]Quantity `json:"limits,omitempty"`
}

// Quantity is an amount as Kubernetes writes it: 100m, 64Mi, 1.
type Quantity string

// PortRef is the number or the name of a port.
type PortRef string

// origin is where a field of the file stands.
func (f *File) origin(path string) Origin {
	for at := path; at != ""; at = at[:max(strings.LastIndexByte(at, '.'), 0)] { // what is not there is missed above
		if line := f.lines[at]; line > 0 {
			return Origin{Place: f.name + ":" + itoa(line), Field: path}
		}
	}
	return Origin{Place: f.name, Field: path}
}
