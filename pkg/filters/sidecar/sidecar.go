// Package sidecar owns the filter that puts the gate's container and the volumes with its Secrets into a pod.
package sidecar

import (
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
)

// Filter adds the container gateconf.ContainerName and a volume for each of Mounts to a workload. It changes nothing
// else of the pod: no other container, no pod-level security context.
type Filter struct {
	PodSpec   manifest.Path // where containers and volumes stand
	Config    gateconf.Config
	Port      int
	AdminPort int
	Image     string
	Mounts    []gateconf.Mount
	FileMode  int               // of the files in them, such as 0o440
	RunAsUser int               // 0: the pod's own user
	Resources *config.Resources // nil: kauth's own
	HostPort  int               // of the node, that leads to the gate; 0 for none
	HostIP    string            // with HostPort: the address of the node, "" for all
	Native    bool              // among the init containers, which the kubelet ends when the pod's work is done
}

var _ yaml.Filter = Filter{}

// Filter edits the workload's node.
func (f Filter) Filter(n *yaml.RNode) (*yaml.RNode, error) {
	list := "containers"
	if f.Native {
		list = "initContainers"
	}
	if err := manifest.Append(n.YNode(), f.PodSpec.With(list), f.container()); err != nil {
		return nil, err
	}
	for _, m := range f.Mounts {
		if err := manifest.Append(n.YNode(), f.PodSpec.With("volumes"), f.volume(m.Volume, m.Secret)); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (f Filter) container() *yaml.Node {
	text, number := manifest.Text, manifest.Number
	var args []*yaml.Node
	for _, arg := range f.Config.Args() {
		args = append(args, text(arg))
	}
	port := func(name string, number int) *yaml.Node {
		var hostPort, hostIP *yaml.Node
		if f.HostPort != 0 && number == f.Port {
			hostPort = manifest.Number(f.HostPort)
			if f.HostIP != "" {
				hostIP = text(f.HostIP)
			}
		}
		return manifest.Mapping("name", text(name), "containerPort", manifest.Number(number), "hostPort", hostPort, "hostIP", hostIP, "protocol", text("TCP"))
	}
	var scheme *yaml.Node
	if f.Config.TLSCertFile != "" {
		scheme = text("HTTPS") // the kubelet takes any certificate
	}
	probe := func(path, port string, more ...any) *yaml.Node {
		get := manifest.Mapping("path", text(path), "port", text(port))
		if port == gateconf.PortName {
			get = manifest.Mapping("path", text(path), "port", text(port), "scheme", scheme)
		}
		return manifest.Mapping(append([]any{"httpGet", get}, more...)...)
	}
	var mounts []*yaml.Node
	for _, m := range f.Mounts {
		mounts = append(mounts, manifest.Mapping("name", text(m.Volume), "mountPath", text(m.Dir), "readOnly", manifest.Flag(true)))
	}
	var restart *yaml.Node
	if f.Native {
		restart = text("Always")
	}
	return manifest.Mapping(
		"name", text(gateconf.ContainerName),
		"image", text(f.Image),
		"restartPolicy", restart,
		"args", manifest.Sequence(args...),
		"ports", manifest.Sequence(port(gateconf.PortName, f.Port), port(gateconf.AdminPortName, f.AdminPort)),
		// The gate is ready when the application is; it is alive when it answers at all.
		"readinessProbe", probe(f.Config.HealthPath, gateconf.PortName, "periodSeconds", number(5), "timeoutSeconds", number(3)),
		"livenessProbe", probe("/livez", gateconf.AdminPortName, "periodSeconds", number(10), "timeoutSeconds", number(3)),
		"startupProbe", probe("/livez", gateconf.AdminPortName, "periodSeconds", number(1), "failureThreshold", number(60)),
		// A gate takes 10 MiB; ten thousand idle connections of people who are signed in take 210 (docs/performance.md).
		"resources", resources(f.Resources),
		"securityContext", f.securityContext(),
		"volumeMounts", manifest.Sequence(mounts...),
	)
}

// resources prints what the container gets.
func resources(r *config.Resources) *yaml.Node {
	if r == nil {
		r = &config.Resources{Requests: map[string]config.Quantity{"cpu": "10m", "memory": "32Mi"}, Limits: map[string]config.Quantity{"memory": "320Mi"}}
	}
	amounts := func(m map[string]config.Quantity) *yaml.Node {
		if len(m) == 0 {
			return nil
		}
		n := manifest.Mapping()
		for _, name := range slices.Sorted(maps.Keys(m)) {
			n.Content = append(n.Content, manifest.Text(name), manifest.Text(string(m[name])))
		}
		return n
	}
	return manifest.Mapping("requests", amounts(r.Requests), "limits", amounts(r.Limits))
}

// securityContext is what Pod Security "restricted" asks for, and a read-only root.
func (f Filter) securityContext() *yaml.Node {
	var user *yaml.Node
	if f.RunAsUser != 0 {
		user = manifest.Number(f.RunAsUser)
	}
	return manifest.Mapping(
		"allowPrivilegeEscalation", manifest.Flag(false),
		"capabilities", manifest.Mapping("drop", manifest.Sequence(manifest.Text("ALL"))),
		"readOnlyRootFilesystem", manifest.Flag(true),
		"runAsNonRoot", manifest.Flag(true),
		"runAsUser", user,
		"seccompProfile", manifest.Mapping("type", manifest.Text("RuntimeDefault")),
	)
}

// volume mounts the whole Secret, for a subPath would never update, and does not insist on it: an application must
// start without its users, or its certificate, too.
func (f Filter) volume(name, secret string) *yaml.Node {
	return manifest.Mapping(
		"name", manifest.Text(name),
		"secret", manifest.Mapping(
			"secretName", manifest.Text(secret),
			"defaultMode", manifest.Number(f.FileMode),
			"optional", manifest.Flag(true),
		),
	)
}
