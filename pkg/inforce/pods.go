package inforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/projection"
	"github.com/kauth-dev/kauth/pkg/visible"
)

// gate is the gate of a pod that mounts the users and runs.
type gate struct {
	pod     *corev1.Pod
	listen  string // address of its admin port
	forward *live.Forward

	fingerprint string // of the users that it goes by, "" where it has said none
	why         string // it is not known to be done
	done        bool
	hopeless    bool // nothing that happens will make it done
}

func (g *gate) close() {
	if g.forward != nil {
		_ = g.forward.Close()
		g.forward = nil
	}
}

// fails takes down why the gate could not be asked; not that the time is up, which says nothing of it.
func (g *gate) fails(ctx context.Context, what string, err error) {
	switch cause := context.Cause(ctx); {
	case cause == nil || errors.Is(cause, errSlow):
		g.why = what + ": " + visible.OneLine(live.Tidy(ctx, err).Error())
	case g.why == "":
		g.why = what + ": no answer yet"
	}
}

// said takes down what the gate says of its users.
func (g *gate) said(s *live.GateStatus) {
	g.fingerprint = s.Users.Fingerprint
	switch {
	case s.Users.Error != "":
		g.why = fmt.Sprintf("cannot use its users file, and goes by %d users of before: %s", s.Users.Loaded, visible.OneLine(s.Users.Error))
	case g.fingerprint == "" && s.Users.Loaded > 0:
		g.why, g.hopeless = "tells no fingerprint of its users; use a kubectl basicauth and a gate of one version", true
	default:
		g.why = "goes by the users of before; its kubelet has not brought the Secret yet"
	}
}

// judge makes a gate done that goes by wanted users.
func (g *gate) judge(wanted map[string]bool) {
	if g.done = g.done || wanted[g.fingerprint]; g.done {
		g.hopeless = false
		g.close()
	}
}

// reason says why a gate is not done.
func (g *gate) reason() string {
	switch {
	case g.pod.DeletionTimestamp != nil && !g.hopeless:
		return "is on its way out, and goes by the users of before until then"
	case g.why == "":
		return "was not asked yet"
	}
	return g.why
}

// list finds the gates, and what else reads the users.
func (w *waiter) list(ctx context.Context) error {
	w.listed = time.Now()
	gates, others, unasked := w.gates, w.others, w.unasked
	w.gates, w.others, w.unasked = nil, nil, nil
	secrets := map[string]bool{w.Store.Name: true}
	for _, k := range projection.Kinds() {
		secrets[k.Secret(w.Store.Name)] = true
	}
	pods := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return w.core.Pods(w.Store.Namespace).List(ctx, o)
	})
	err := pods.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if p, ok := o.(*corev1.Pod); ok && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			w.sort(p.DeepCopy(), secrets)
		}
		return nil
	})
	if err != nil { // what is known of the gates counts
		w.gates, w.others, w.unasked = gates, others, unasked
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("you may not list pods in namespace %s; ask for a Role with the verbs list on pods and create on pods/portforward", w.Store.Namespace)
	}
	return err
}

// sort puts a pod where it belongs. What reads a Secret in several ways is named, and asked, once for each Secret.
func (w *waiter) sort(p *corev1.Pod, secrets map[string]bool) {
	container := live.Gate(p)
	type reader struct {
		secret string
		gate   bool
	}
	known := map[reader]bool{}
	for i := range p.Spec.Volumes {
		for _, secret := range live.SecretsOf(&p.Spec.Volumes[i]) {
			mount := mountOf(container, p.Spec.Volumes[i].Name)
			is := reader{secret, secret == w.Store.Name && mount != nil}
			if !secrets[secret] || known[is] {
				continue
			}
			known[is] = true
			switch {
			case !is.gate:
				w.others = append(w.others, p)
				w.unasked = append(w.unasked, Object{"Pod " + p.Name, fmt.Sprintf("what reads Secret %q there cannot be asked", secret)})
			case !running(p):
				w.unasked = append(w.unasked, Object{"Pod " + p.Name, "its gate does not run, and reads the users when it starts"})
			default:
				w.gate(p, container, mount.SubPath)
			}
		}
	}
	if secret := inEnvironment(p, secrets); secret != "" {
		w.unasked = append(w.unasked, Object{"Pod " + p.Name, fmt.Sprintf("has Secret %q in its environment, as it was when it started", secret)})
	}
}

// inEnvironment is the first of some Secrets that a container of a pod has in its environment, "" where none has.
func inEnvironment(p *corev1.Pod, secrets map[string]bool) string {
	for _, c := range slices.Concat(p.Spec.Containers, p.Spec.InitContainers) {
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && secrets[e.ValueFrom.SecretKeyRef.Name] {
				return e.ValueFrom.SecretKeyRef.Name
			}
		}
		for _, e := range c.EnvFrom {
			if e.SecretRef != nil && secrets[e.SecretRef.Name] {
				return e.SecretRef.Name
			}
		}
	}
	return ""
}

// gate takes in a gate that runs. What is known of it stays known.
func (w *waiter) gate(p *corev1.Pod, container *corev1.Container, subPath string) {
	g := w.asked[p.UID]
	if g == nil {
		config, err := gateconf.Parse(container.Args)
		if err != nil {
			config = gateconf.Defaults() // verify says what is wrong with it
		}
		if config.Auth == gateconf.AuthNone {
			return
		}
		g = &gate{listen: config.AdminListen}
		if w.asked[p.UID] = g; subPath != "" {
			g.why, g.hopeless = "mounts the users by subPath, where a change never arrives; delete the pod", true
		}
	}
	g.pod = p
	w.gates = append(w.gates, g)
}

// mountOf is where a container mounts a volume, nil where it does not.
func mountOf(c *corev1.Container, volume string) *corev1.VolumeMount {
	if c == nil {
		return nil
	}
	for i := range c.VolumeMounts {
		if c.VolumeMounts[i].Name == volume {
			return &c.VolumeMounts[i]
		}
	}
	return nil
}

// running says whether a pod's gate runs.
func running(p *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses), func(c corev1.ContainerStatus) bool {
		return c.Name == gateconf.ContainerName && c.State.Running != nil
	})
}

// nudge has the kubelets of the pods that are behind look at once: they bring the Secrets of a pod that has changed in any way.
// Others that read the users are nudged once.
func (w *waiter) nudge(ctx context.Context, behind int) {
	if w.cannot != nil || w.nudged == len(nudges) || time.Since(w.start) < nudges[w.nudged] {
		return
	}
	var pods []*corev1.Pod
	if w.nudged == 0 {
		pods = w.others
	}
	if w.nudged++; behind > 0 {
		for _, g := range w.gates {
			if !g.done && g.pod.DeletionTimestamp == nil {
				pods = append(pods, g.pod)
			}
		}
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
		gateconf.AnnotationNudged: time.Now().UTC().Format(time.RFC3339Nano),
	}}})
	for _, p := range pods {
		if err != nil || ctx.Err() != nil {
			return
		}
		_, failed := w.core.Pods(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: w.Store.FieldManager})
		if apierrors.IsForbidden(failed) {
			w.cannot = errors.New("you may not patch pods in namespace " + p.Namespace)
			return
		}
	}
}
