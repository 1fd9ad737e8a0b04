package verify

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
)

// The bounds of the knocking: pods at once, and time for each pod.
const (
	knockers  = 8
	knockTime = 15 * time.Second
)

// answer is what a pod said.
type answer struct {
	err      error // nobody could be asked
	refused  bool  // with err: RBAC does not let us
	status   *live.GateStatus
	noStatus error
	plain    response // without a password
	headed   response // without a password, with the required header
	health   response
	user     response // with the password of --user
	wrong    response // with a password that cannot be right
}

// response is what came back for one request.
type response struct {
	err    error
	code   int // 0 where nothing was asked
	header http.Header
}

// knockAll asks the pods of all gates, some at once.
func (v *verifier) knockAll(ctx context.Context) map[*live.Pod]*answer {
	var (
		wait    sync.WaitGroup
		slots   = make(chan struct{}, knockers)
		answers = map[*live.Pod]*answer{}
		allowed = map[string]error{}
	)
	for _, s := range v.all {
		if s.Mode != config.ModeSidecar && s.Mode != config.ModeNative {
			continue
		}
		for _, p := range s.pods {
			s := v.asRuns(s, p)
			if !v.canKnock(s, p) {
				continue
			}
			a := &answer{}
			answers[p] = a
			if _, asked := allowed[p.Namespace]; !asked {
				allowed[p.Namespace] = v.mayForward(ctx, p.Namespace)
			}
			if a.err = allowed[p.Namespace]; a.err != nil {
				a.refused = true
				continue
			}
			wait.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				v.knock(ctx, s, p, a)
			})
		}
	}
	wait.Wait()
	return answers
}

// canKnock says whether there is something in a pod to ask. Its phase says little: it is Pending as long as one of the containers
// waits, and Unknown while its node does not answer.
func (v *verifier) canKnock(s *subject, p *live.Pod) bool {
	if s.Mode != config.ModeSidecar {
		return p.Status.Phase != corev1.PodPending
	}
	_, running := sidecarState(p.Pod)
	return s.Config.Listen != "" && live.Gate(p.Pod) != nil && running
}

// mayForward says whether RBAC lets us connect to pods of a namespace.
func (v *verifier) mayForward(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, v.Patience, fmt.Errorf("no answer within %s", v.Patience))
	defer cancel()
	return live.MayForward(ctx, v.Config, namespace)
}

// knock asks one pod.
func (v *verifier) knock(ctx context.Context, s *subject, p *live.Pod, a *answer) {
	ctx, cancel := context.WithTimeoutCause(ctx, knockTime, fmt.Errorf("no answer within %s", knockTime))
	defer cancel()
	forward, err := live.Open(ctx, v.Config, p.Namespace, p.Name)
	if err != nil {
		a.err = err
		return
	}
	defer func() { _ = forward.Close() }()
	d := door{forward: forward, base: "http://127.0.0.1:" + strconv.Itoa(s.Port), health: ""}
	if s.Mode == config.ModeSidecar {
		scheme := "http"
		if s.Config.TLSCertFile != "" {
			scheme = "https"
		}
		d.base, d.health = scheme+"://127.0.0.1:"+portOf(s.Config.Listen), s.Config.HealthPath
		a.status, a.noStatus = forward.GateStatus(ctx, s.Config.AdminListen)
	}
	page, header := s.Config.Prefix+"/", ""
	if s.Config.RequireHeader != "" {
		header = v.headers[s.Ref.Namespace+"/"+v.mounted(s, gateconf.HeaderVolume)]
	}
	with := func(user, password string) func(*http.Request) {
		return func(r *http.Request) {
			if header != "" {
				r.Header.Set(s.Config.RequireHeader, header)
			}
			if user != "" {
				r.SetBasicAuth(user, password)
			}
		}
	}
	a.plain = d.ask(ctx, page, nil)
	if d.health != "" {
		a.health = d.ask(ctx, d.health, nil)
	}
	if header != "" {
		a.headed = d.ask(ctx, page, with("", ""))
	}
	if s.Mode == config.ModeSidecar && s.Config.Auth == gateconf.AuthNone || a.plain.err != nil {
		return
	}
	if v.User != "" {
		a.user = d.ask(ctx, page, with(v.User, v.Password))
	}
	a.wrong = d.ask(ctx, page, with(nobody, rand.Text()))
}

// nobody is the user of the password that cannot be right, for whoever reads the gate's log.
const nobody = "kauth-verify"

// door is a way to the ports of one pod.
type door struct {
	forward      *live.Forward
	base, health string
}

func (d door) ask(ctx context.Context, path string, with func(*http.Request)) response {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+path, http.NoBody)
	if err != nil {
		return response{err: err}
	}
	r.Header.Set("User-Agent", "kubectl-basicauth verify")
	if with != nil {
		with(r)
	}
	answer, err := d.forward.Client().Do(r)
	if err != nil {
		return response{err: live.Tidy(ctx, err)}
	}
	_ = answer.Body.Close()
	return response{code: answer.StatusCode, header: answer.Header}
}
