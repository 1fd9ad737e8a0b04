package verify

import (
	"bytes"
	"context"
	"fmt"
	"regexp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/helmrelease"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/topology"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// Release verifies the manifest of an installed Helm release, gated or not, as it would be open if it ran just so. The
// cluster itself is not looked at.
func Release(ctx context.Context, o Options, name string) (*Report, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Patience, fmt.Errorf("no answer within %s", o.Patience))
	defer cancel()
	release, err := helmrelease.Read(ctx, o.Config, o.Namespace, name)
	if apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("%w: %w; ask for a Role with the verbs list and get on what Helm keeps its releases in", ErrNothing, err)
	}
	if err != nil {
		return nil, nothing(err)
	}
	v := &verifier{Options: o, Report: &Report{}}
	status, hint := userstore.Pass, ""
	if release.Status != "deployed" {
		status, hint = userstore.Warn, "helm history -n "+release.Namespace+" "+release.Name+" says what came of it"
	}
	v.add(status, release.Ref, "release", hint, "%s, revision %d, %s", name, release.Version, release.Status)
	if release.Later != "" {
		v.add(userstore.Warn, release.Ref, "release", "verify without --release looks at what runs", "%s came after it; what that has changed is not looked at", release.Later)
	}
	if err := v.manifest([]byte(release.Manifest), release); err != nil {
		return nil, err
	}
	return v.Report, nil
}

func (v *verifier) manifest(text []byte, release *helmrelease.Release) error {
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte("# a release may have no objects")
	}
	s, err := manifest.Read(append(text, '\n'))
	if err != nil {
		return fmt.Errorf("%w: %s: %s: no manifest that kauth can read; helm get manifest -n %s %s shows it", ErrNothing, release.Ref, lineOf(err), release.Namespace, release.Name)
	}
	if v.model, err = topology.Resolve(s, release.Namespace); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNothing, release.Ref, err)
	}
	met := make([]bool, len(v.Targets))
	for _, w := range v.model.Workloads {
		if w.Hook {
			continue
		}
		x := &subject{workload: w, Standing: proof.Stands(w)}
		for i, t := range v.Targets {
			if t.Means(x.Ref) {
				x.named, met[i] = true, true
			}
		}
		if x.Mode == "" {
			x.wanted, x.leftOut = choice.Wanted(v.model, w)
		}
		if len(v.Targets) > 0 && !x.named || x.Mode == "" && x.wanted == "" && x.leftOut == nil && !x.named {
			continue
		}
		v.all = append(v.all, x)
	}
	v.Workloads = len(v.all)
	strange := v.aside(func() { v.strangersOf(s) })
	for _, x := range v.all {
		v.stored(x)
	}
	v.Checks = append(v.Checks, strange...)
	v.unmet(met)
	v.unresolved()
	if len(v.all) == 0 && len(v.Targets) == 0 {
		v.add(userstore.Warn, "", "gate", "name a workload with --gate where one is wanted", "nothing in this release has a gate, and nothing would get one by default")
	}
	return nil
}

// stored reports on one workload of a release.
func (v *verifier) stored(x *subject) {
	switch {
	case x.leftOut != nil:
		v.add(userstore.Warn, x.object(), "gate", "remove it if the gate is wanted", "has no gate, as the annotation kauth.dev/gate of %s asks", x.leftOut.Short())
		return
	case x.Mode == "":
		v.ungated(x)
		return
	case x.Problem != "":
		v.Gates++
		v.add(userstore.Fail, x.object(), "gate", "helm upgrade with --post-renderer kauth again", "%s", x.Problem)
	default:
		v.Gates++
		v.gate(x)
	}
	v.ways(x)
}

var lineText = regexp.MustCompile(`^line \d+`)

// lineOf is where an error of pkg/manifest is, and nothing else of it: it may quote any part of the manifest, and that may
// hold Secrets.
func lineOf(err error) string {
	if line := lineText.FindString(err.Error()); line != "" {
		return line
	}
	return "manifest"
}
