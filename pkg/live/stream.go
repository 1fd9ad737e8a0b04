package live

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/topology"
)

// Unread is an object that nobody can make sense of. It is not in the Model.
type Unread struct {
	Ref manifest.Ref
	Err error
}

// entry is an object on its way into the stream.
type entry struct {
	ref manifest.Ref
	raw []byte // JSON
}

// Model resolves what was seen. Every pod stands in it as a workload of its own, with the labels and ports that it
// really has, beside the workloads that pods are made from.
func (c *Cluster) Model() (*topology.Model, []Unread, error) {
	var all []entry
	var unread []Unread
	add := func(kind, namespace, name string, object any) {
		ref := manifest.Ref{Kind: kind, Namespace: namespace, Name: name}
		raw, err := json.Marshal(object)
		if err != nil {
			unread = append(unread, Unread{ref, err})
			return
		}
		all = append(all, entry{ref, escape(raw)})
	}
	for _, list := range [][]*unstructured.Unstructured{c.Workloads, c.Others} {
		for _, u := range list {
			add(u.GetKind(), u.GetNamespace(), u.GetName(), u.Object)
		}
	}
	for _, p := range c.Pods {
		add("Pod", p.Namespace, p.Name, bare(p.Pod))
	}
	m, err := resolve(all)
	if err == nil {
		return m, unread, nil
	}
	all = slices.DeleteFunc(all, func(e entry) bool { // find those that spoil it for all others
		_, err := resolve([]entry{e})
		if err != nil {
			unread = append(unread, Unread{e.ref, err})
		}
		return err != nil
	})
	m, err = resolve(all)
	return m, unread, err
}

func resolve(all []entry) (*topology.Model, error) {
	text := bytes.NewBufferString("# what is in the cluster\n")
	for _, e := range all {
		text.WriteString("---\n")
		text.Write(e.raw)
		text.WriteByte('\n')
	}
	s, err := manifest.Read(text.Bytes())
	if err != nil {
		return nil, err
	}
	return topology.Resolve(s, "")
}

// bare is what of a pod says who reaches it.
func bare(p *corev1.Pod) map[string]any {
	metadata := map[string]any{"name": p.Name, "namespace": p.Namespace}
	annotations := map[string]string{}
	for key, value := range p.Annotations {
		if strings.HasPrefix(key, gateconf.AnnotationPrefix) || key == manifest.HookAnnotation {
			annotations[key] = value
		}
	}
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	if len(p.Labels) > 0 {
		metadata["labels"] = p.Labels
	}
	spec := map[string]any{"hostNetwork": p.Spec.HostNetwork}
	for key, list := range map[string][]corev1.Container{"containers": p.Spec.Containers, "initContainers": p.Spec.InitContainers} {
		var containers []map[string]any
		for i := range list {
			c := &list[i]
			entry := map[string]any{"name": c.Name, "image": c.Image, "command": c.Command, "args": c.Args, "ports": c.Ports}
			if c.RestartPolicy != nil {
				entry["restartPolicy"] = string(*c.RestartPolicy)
			}
			containers = append(containers, entry)
		}
		spec[key] = containers
	}
	status := map[string]any{"podIPs": p.Status.PodIPs} // to know it by in EndpointSlices that people made
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
}
