package verify

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// pods reports on the pods of a workload that has a gate or another login.
func (v *verifier) pods(s *subject, answers map[*live.Pod]*answer) {
	if len(s.pods) == 0 {
		why := "no pod is there"
		if s.going > 0 {
			why = fmt.Sprintf("no pod is there but %d on the way out", s.going)
		}
		v.add(userstore.Warn, s.object(), "pods", "verify again once it runs", "%s, so nobody could be asked", why)
		return
	}
	for _, p := range s.pods {
		ref := "Pod " + p.Namespace + "/" + p.Name
		if s.Mode == config.ModeSidecar && !v.sidecar(s, p, ref) {
			continue
		}
		v.answers(v.asRuns(s, p), p, ref, answers[p])
	}
}

// sidecar reports on a pod's gate and says whether there is one that could be asked.
func (v *verifier) sidecar(s *subject, p *live.Pod, ref string) bool {
	found := live.Gate(p.Pod)
	if found == nil {
		v.add(userstore.Fail, ref, "sidecar", anew,
			"has no container %s, so port %d of it asks for no password", gateconf.ContainerName, s.Port)
		return false
	}
	differs, hint := v.differs(s, p, found)
	state, running := sidecarState(p.Pod)
	switch {
	case p.Status.Phase == corev1.PodPending && state != "":
		v.add(userstore.Warn, ref, "sidecar", "verify again once it runs; kubectl describe pod says what it waits for", "is not running yet (%s)", state)
		return running
	case len(differs) > 0:
		v.add(userstore.Fail, ref, "sidecar", hint, "differs from %s: %s", s.object(), strings.Join(differs, ", "))
	case state != "":
		v.add(userstore.Fail, ref, "sidecar", logs(p), "%s is %s", gateconf.ContainerName, state)
	case s.workload == nil || s.lone():
		v.add(userstore.Pass, ref, "sidecar", "", "ready")
	case pinned(sidecarOf(s.workload).Image, found.Image):
		v.add(userstore.Pass, ref, "sidecar", "", "ready; arguments as %s says, and the image by its digest, %s", s.object(), found.Image)
	default:
		v.add(userstore.Pass, ref, "sidecar", "", "ready; image and arguments as %s says", s.object())
	}
	return running
}

// anew is what to do about a pod that is not as its workload says.
const anew = "see whether a rollout is under way with kubectl rollout status, or delete the pod, so that it is made anew"

// differs says in what a pod's gate is not as its workload's, and what to do about it.
func (v *verifier) differs(s *subject, p *live.Pod, found *corev1.Container) (differs []string, hint string) {
	hint = anew
	want := sidecarOf(s.workload)
	if want.Name == "" {
		return nil, ""
	}
	if otherArgs(want, found) {
		differs = append(differs, "arguments")
	}
	if has, should := mountedIn(p, s.usersDir()), v.mounted(s, gateconf.VolumeName); has != "" && has != should {
		differs = append(differs, "Secret ("+has+", not "+should+")")
	}
	if !sameImage(want.Image, found.Image) && !pinned(want.Image, found.Image) {
		if differs == nil { // as in every pod where a webhook does it
			hint += "; where a webhook of the cluster puts other images into pods, give kauth that one with --image"
		}
		differs = append(differs, "image ("+found.Image+", not "+want.Image+")")
	}
	return differs, hint
}

// otherArgs says whether a pod's gate has other arguments than its workload says.
func otherArgs(want *topology.Container, found *corev1.Container) bool {
	return !slices.Equal(want.Args, slices.Concat(found.Command, found.Args))
}

// asRuns is the subject as a pod is asked: by what the gate in it was told. It may be an older one than the workload's, with
// another port or realm; that this is so is a failure of its own, but for one that is still Pending.
func (v *verifier) asRuns(s *subject, p *live.Pod) *subject {
	want, found := sidecarOf(s.workload), live.Gate(p.Pod)
	if s.Mode != config.ModeSidecar || s.lone() || want.Name == "" || found == nil || p.Status.Phase == corev1.PodPending || !otherArgs(want, found) {
		return s
	}
	w := v.podWorkload(p)
	if w == nil {
		return s
	}
	own := proof.Stands(w)
	if own.Mode != config.ModeSidecar || own.Problem != "" {
		return s
	}
	own.Ref = s.Ref
	return &subject{Standing: own, pods: []*live.Pod{p}}
}

// sidecarState says what is wrong with the running of a pod's gate, "" where nothing is, and whether it runs at all.
func sidecarState(p *corev1.Pod) (state string, running bool) {
	for _, c := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses) {
		switch {
		case c.Name != gateconf.ContainerName:
		case c.State.Waiting != nil:
			return "waiting: " + strings.TrimSuffix(c.State.Waiting.Reason+": "+c.State.Waiting.Message, ": "), false
		case c.State.Terminated != nil:
			return fmt.Sprintf("terminated: %s, exit code %d", c.State.Terminated.Reason, c.State.Terminated.ExitCode), false
		case !c.Ready:
			return "not ready", true
		default:
			return "", true
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue {
			return c.Reason, false
		}
	}
	return "not started", false
}
