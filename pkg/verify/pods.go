package verify

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
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
		v.answers(s, p, ref, answers[p])
	}
}

// sidecar reports on a pod's gate and says whether there is one that could be asked.
func (v *verifier) sidecar(s *subject, p *live.Pod, ref string) bool {
	found := live.Gate(p.Pod)
	if found == nil {
		v.add(userstore.Fail, ref, "sidecar", "delete the pod, or restart the rollout, so that it is made anew",
			"has no container %s, so port %d of it asks for no password", gateconf.ContainerName, s.Port)
		return false
	}
	var differs []string
	if want := sidecarOf(s.workload); s.workload != nil && want.Name != "" {
		if !slices.Equal(want.Args, slices.Concat(found.Command, found.Args)) {
			differs = append(differs, "arguments")
		}
		if !sameImage(want.Image, found.Image) {
			differs = append(differs, "image ("+found.Image+", not "+want.Image+")")
		}
		if has, should := mountedIn(p, s.usersDir()), v.mounted(s, gateconf.VolumeName); has != "" && has != should {
			differs = append(differs, "Secret ("+has+", not "+should+")")
		}
	}
	state, running := sidecarState(p.Pod)
	switch {
	case p.Status.Phase == corev1.PodPending && state != "":
		v.add(userstore.Warn, ref, "sidecar", "verify again once it runs; kubectl describe pod says what it waits for", "is not running yet (%s)", state)
		return running
	case len(differs) > 0:
		v.add(userstore.Fail, ref, "sidecar", "see whether a rollout is under way with kubectl rollout status, or delete the pod",
			"differs from %s: %s", s.object(), strings.Join(differs, ", "))
	case state != "":
		v.add(userstore.Fail, ref, "sidecar", logs(p), "%s is %s", gateconf.ContainerName, state)
	case s.workload == nil || s.lone():
		v.add(userstore.Pass, ref, "sidecar", "", "ready")
	default:
		v.add(userstore.Pass, ref, "sidecar", "", "ready; image and arguments as %s says", s.object())
	}
	return running
}

// sidecarState says what is wrong with the running of a pod's gate, "" where nothing is, and whether it runs at all.
func sidecarState(p *corev1.Pod) (state string, running bool) {
	for _, c := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses) {
		switch {
		case c.Name != gateconf.ContainerName:
		case c.State.Waiting != nil:
			return "waiting: " + strings.TrimSpace(c.State.Waiting.Reason+" "+c.State.Waiting.Message), false
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
