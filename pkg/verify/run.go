package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// verifier is a verification under way.
type verifier struct {
	Options
	*Report
	core    clientcorev1.CoreV1Interface
	cluster *live.Cluster
	model   *topology.Model
	byRef   map[manifest.Ref]*topology.Workload // of the model
	all     []*subject
	secrets map[string]*users    // by namespace/name
	others  map[otherSecret]bool // that were reported on
	unread  bool                 // some objects cannot be understood
	headers map[string]string    // an accepted value of the required header, by namespace/name of its Secret
}

// subject is a workload and what stands before it.
type subject struct {
	proof.Standing
	workload *topology.Workload // nil where its object cannot be read
	pods     []*live.Pod        // that exist and do not go
	going    int                // pods that are being deleted
	wanted   string             // why it would be gated
	leftOut  *manifest.Object   // whose annotation says not to
	named    bool               // on the command line
	doubt    bool               // something names its Service, and nobody knows what for
}

// object is the workload as checks name it.
func (s *subject) object() string { return s.Ref.Short() }

// lone says whether the workload is a pod that nobody made but people; the model has only what of it says who reaches it.
func (s *subject) lone() bool { return s.workload != nil && s.workload.Object.Kind == "Pod" }

// Run verifies. ErrNothing means that the cluster let nothing be seen; what stood in the way is wrapped with it.
func Run(ctx context.Context, o Options) (*Report, error) {
	core, err := clientcorev1.NewForConfig(o.Config)
	if err != nil {
		return nil, err
	}
	v := &verifier{Options: o, Report: &Report{}, core: core, secrets: map[string]*users{}, others: map[otherSecret]bool{}, headers: map[string]string{}}
	reader, err := v.look(ctx)
	if err != nil {
		return nil, err
	}
	if v.Namespace == "" && len(v.model.Workloads) == 0 && v.blind("pods") {
		return nil, fmt.Errorf("%w: no workload of any namespace may be listed; name a namespace with -n", ErrNothing)
	}
	v.subjects()
	strange := v.aside(func() { v.strangers(ctx, reader) })
	if err := v.usersSecrets(ctx); err != nil {
		return nil, err
	}
	answers := v.knockAll(ctx)
	for _, s := range v.all {
		v.subject(s, answers)
	}
	v.none()
	v.unresolved()
	v.Checks = append(v.Checks, strange...)
	v.tunnels(ctx)
	v.gaps()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return v.Report, nil
}

// look reads the cluster. The Reader is for what is asked of it later.
func (v *verifier) look(ctx context.Context) (*live.Reader, error) {
	reader, err := live.NewReader(v.Config, v.Namespace, v.Patience)
	if err != nil {
		return nil, err
	}
	if v.cluster, err = reader.Read(ctx); err != nil {
		return nil, nothing(err)
	}
	var unread []live.Unread
	if v.model, unread, err = v.cluster.Model(); err != nil {
		return nil, err
	}
	v.unread = len(unread) > 0
	for _, u := range unread {
		v.add(userstore.Warn, u.Ref.Short(), "read", "look at it by hand", "cannot be understood, so whether it is a way in is not known: %v", u.Err)
	}
	v.byRef = map[manifest.Ref]*topology.Workload{}
	for _, w := range v.model.Workloads {
		v.byRef[w.Object.Identity()] = w
	}
	return reader, nil
}

// subjects finds what to report on: every workload that has a gate or should have one, in the order of their names.
func (v *verifier) subjects() {
	owners := map[manifest.Ref][]*live.Pod{}
	var order []manifest.Ref
	note := func(ref manifest.Ref) {
		if _, seen := owners[ref]; !seen {
			owners[ref] = nil
			order = append(order, ref)
		}
	}
	for _, u := range v.cluster.Workloads {
		note(manifest.Ref{Group: u.GroupVersionKind().Group, Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()})
	}
	for _, p := range v.cluster.Pods {
		ref := manifest.Ref{Group: p.Owner.Group, Kind: p.Owner.Kind, Namespace: p.Owner.Namespace, Name: p.Owner.Name}
		note(ref)
		owners[ref] = append(owners[ref], p)
	}
	slices.SortStableFunc(order, func(a, b manifest.Ref) int {
		return strings.Compare(a.Namespace+"/"+a.Name+"/"+a.Kind, b.Namespace+"/"+b.Name+"/"+b.Kind)
	})
	met := make([]bool, len(v.Targets))
	for _, ref := range order {
		s := &subject{workload: v.byRef[ref]}
		for _, p := range owners[ref] {
			if p.DeletionTimestamp != nil {
				s.going++
			} else {
				s.pods = append(s.pods, p)
			}
		}
		v.stands(s, ref)
		for i, t := range v.Targets {
			if t.Means(ref) {
				s.named, met[i] = true, true
			}
		}
		if s.named || len(v.Targets) == 0 && (s.Mode != "" || s.wanted != "" || s.leftOut != nil) {
			v.all = append(v.all, s)
		}
		if s.Mode != "" && (s.named || len(v.Targets) == 0) {
			v.Gates++
		}
	}
	v.Workloads = len(v.all)
	v.unmet(met)
}

// unmet reports on workloads that were named and are not there.
func (v *verifier) unmet(met []bool) {
	for i, t := range v.Targets {
		if !met[i] {
			message, hint := "no such workload here, or none that may be seen", "check name and namespace"
			for _, kind := range []string{"Service", "Ingress", "HTTPRoute", "Secret"} {
				if t.Means(manifest.Ref{Kind: kind, Namespace: t.Namespace, Name: t.Name}) {
					message, hint = "a "+kind+" is no workload", "name what its pods come from, such as deploy/NAME or sts/NAME"
				}
			}
			v.add(userstore.Fail, t.String(), "gate", hint, "%s", message)
		}
	}
}

// none says so where there is no workload to report on.
func (v *verifier) none() {
	if len(v.all) == 0 && len(v.Targets) == 0 {
		where := "in any namespace"
		if v.Namespace != "" {
			where = "in namespace " + v.Namespace
		}
		v.add(userstore.Warn, "", "gate", "-n names another namespace, -A looks at all", "no gate %s that may be seen, and nothing that would get one by default", where)
	}
}

// stands finds what stands before the pods of a workload: what its object says, or where that cannot be read, its pods.
func (v *verifier) stands(s *subject, ref manifest.Ref) {
	if s.workload != nil {
		s.Standing = proof.Stands(s.workload)
		if s.Mode == "" {
			s.wanted, s.leftOut = choice.Wanted(v.model, s.workload)
			v.lost(s)
		}
		return
	}
	v.byPods(s)
	s.Ref = ref
}

// byPods goes by the pods alone: the first that has a gate says what the others should have.
func (v *verifier) byPods(s *subject) {
	for _, p := range s.pods {
		w := v.podWorkload(p)
		if w == nil || s.Mode != "" {
			continue
		}
		s.Standing = proof.Stands(w)
		if s.wanted == "" && s.leftOut == nil {
			s.wanted, s.leftOut = choice.WantedOf(v.model, w, p.Owner.Kind)
		}
	}
	if s.Mode != "" {
		s.wanted, s.leftOut = "", nil
	}
}

// lost finds a workload whose pods still have the gate that its object has no more: nothing else says that one is wanted.
func (v *verifier) lost(s *subject) {
	if s.leftOut != nil || s.lone() {
		return
	}
	of := &subject{pods: s.pods}
	if v.byPods(of); of.Mode == "" {
		return
	}
	of.Ref, of.Done = s.Ref, ""
	s.Standing, s.wanted = of.Standing, ""
	s.Problem = "has no gate any more, though pods of it still have one: the next that is made has none"
}

// podWorkload is a pod in the model, nil where it could not be understood.
func (v *verifier) podWorkload(p *live.Pod) *topology.Workload {
	return v.byRef[manifest.Ref{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}]
}

// workloads are those of the model whose ways are the subject's: its pods, and where it has none its template.
func (v *verifier) workloads(s *subject) []*topology.Workload {
	var all []*topology.Workload
	for _, p := range s.pods {
		if w := v.podWorkload(p); w != nil {
			all = append(all, w)
		}
	}
	if len(all) == 0 && s.workload != nil {
		all = append(all, s.workload)
	}
	return all
}

// subject reports on one workload.
func (v *verifier) subject(s *subject, answers map[*live.Pod]*answer) {
	switch {
	case s.Mode == "" && s.leftOut != nil:
		v.add(userstore.Warn, s.object(), "gate", "remove it if the gate is wanted", "has no gate, as the annotation kauth.dev/gate of %s asks", s.leftOut.Short())
		return
	case s.Mode == "":
		v.ungated(s)
		return
	case s.Problem != "":
		v.add(userstore.Fail, s.object(), "gate", "helm upgrade with --post-renderer kauth again", "%s", s.Problem)
	default:
		v.gate(s)
	}
	v.pods(s, answers)
	v.ways(s)
	v.inside(s)
}
