package ways

import (
	"slices"
	"strings"
)

// A Pods is what one workload runs: pods that are alike, or are made by an operator.
type Pods struct {
	Workload *Object
	NS       string
	Labels   map[string]string
	Names    func(pod string) bool // whether a pod can have that name, and so the label with it; nil where pods get none
	Ports    []PodPort
	Host     bool // hostNetwork: the pod's ports are the node's
	Spec     entry
}

// A PodPort is a port that a container declares.
type PodPort struct {
	Container string
	Name      string
	Number    int
	Protocol  string
	HostPort  int
	at        string
}

// hook says whether the pods are those of a Helm hook, which come and go.
func (p *Pods) hook() bool { return p.Workload.annotation("helm.sh/hook") != "" }

const podName = "statefulset.kubernetes.io/pod-name"

// podsOf returns what an object runs, nil for an object that runs nothing. Hooks of Helm come and go, and count too.
func podsOf(o *Object) []*Pods {
	if o.Group == "monitoring.coreos.com" {
		return operatorPods(o)
	}
	root := entry{"", o.Map}
	template := child(root, "spec", "template")
	switch {
	case o.Kind == "Pod" && o.Group == "":
		template = root
	case o.Kind == "CronJob":
		template = child(root, "spec", "jobTemplate", "spec", "template")
	case o.Kind == "PodTemplate":
		return nil
	}
	spec := child(template, "spec")
	if spec.m == nil || dig(spec.m, "containers") == nil {
		return nil
	}
	p := &Pods{
		Workload: o, NS: o.NS, Labels: texts(template.m, "metadata", "labels"), Host: truth(spec.m, "hostNetwork"), Spec: spec,
	}
	if o.Kind == "Job" { // the controller names it on each pod
		p.Labels["job-name"], p.Labels["batch.kubernetes.io/job-name"] = o.Name, o.Name
	}
	if o.Kind == "StatefulSet" {
		p.Names = func(pod string) bool { return numbered(o.Name, pod) }
	}
	for _, c := range entries(spec, "containers") {
		p.Ports = append(p.Ports, portsOf(c)...)
	}
	for _, c := range entries(spec, "initContainers") {
		if text(c.m, "restartPolicy") == "Always" { // a native sidecar serves as long as the pod
			p.Ports = append(p.Ports, portsOf(c)...)
		}
	}
	return []*Pods{p}
}

func portsOf(c entry) []PodPort {
	var all []PodPort
	for _, e := range entries(c, "ports") {
		p := PodPort{
			Container: text(c.m, "name"), Name: text(e.m, "name"), Number: number(e.m, "containerPort"),
			Protocol: text(e.m, "protocol"), HostPort: number(e.m, "hostPort"), at: e.at,
		}
		if p.Protocol == "" {
			p.Protocol = "TCP"
		}
		all = append(all, p)
	}
	return all
}

// numbered says whether pod is the name of a StatefulSet's replica.
func numbered(set, pod string) bool {
	rest, ok := strings.CutPrefix(pod, set+"-")
	return ok && rest != "" && strings.Trim(rest, "0123456789") == ""
}

// A match is how sure it is that a selector finds pods.
type match int

const (
	never  match = iota
	hardly       // by labels that whoever makes a pod gives it, and did not give these
	maybe        // by a label that pods may get at run time, such as that of a leader
	always
)

// matches compares a selector with the labels that pods have when they start, and says how many of them it finds.
func (p *Pods) matches(selector map[string]string) (m match, shared int) {
	m = always
	for k, v := range selector {
		has, ok := p.Labels[k]
		switch {
		case k == podName && !ok:
			if p.Names == nil || !p.Names(v) {
				return never, 0
			}
			shared++
		case !ok && p.given(k):
			m = min(m, hardly)
		case !ok:
			m = min(m, maybe)
		case has != v:
			return never, 0
		default:
			shared++
		}
	}
	return m, shared
}

// like says whether a selector contradicts none of the pods' labels.
func (p *Pods) like(selector map[string]string) bool {
	m, _ := p.matches(selector)
	return m != never
}

// given says whether a label is one that names what a pod is. Who makes a pod gives it these: charts by the labels that
// Kubernetes recommends and Helm's own, and by the older ones that tools go by; operators and controllers those of their
// groups. Leader elections and active replicas set others, and what a CronJob's Jobs are called nobody knows before.
func (p *Pods) given(key string) bool {
	group, name, found := strings.Cut(key, "/")
	if !found {
		group, name = "", key
	}
	if name == "job-name" || name == "controller-uid" {
		return p.Workload.Kind != "CronJob"
	}
	switch group {
	case "":
		return slices.Contains([]string{"app", "k8s-app", "name", "component", "tier", "instance", "release", "chart", "prometheus", "alertmanager"}, name)
	case "app.kubernetes.io", "helm.sh", "operator.prometheus.io", "statefulset.kubernetes.io", "apps.kubernetes.io", "batch.kubernetes.io":
		return true
	}
	return false
}

// Labels are a pod's.
type Labels = map[string]string
