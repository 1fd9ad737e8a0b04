package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/manifest"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

// users is a users Secret.
type users struct {
	fingerprint string // live.Fingerprint of its text; "" where it could not be read
	unknown     string // why it could not be compared with: "is not there"
}

// mostUsers bounds how many users whose hash is as it should be have a line of their own.
const mostUsers = 20

// usersSecrets reports on the users Secret of every gate, each once, and on what else a gate mounts.
func (v *verifier) usersSecrets(ctx context.Context) error {
	checked := false
	for _, s := range v.all {
		if s.Mode == "" || s.Mode == config.ModeSidecar && s.Config.Auth == gateconf.AuthNone {
			continue
		}
		name, fault := v.secretOf(s)
		if fault != "" {
			v.add(userstore.Fail, s.object(), "secret", "helm upgrade with --post-renderer kauth again", "%s", fault)
		}
		checked = true
		if err := v.usersSecret(ctx, s.Ref.Namespace, name); err != nil {
			return err
		}
	}
	if !checked || v.Named {
		if err := v.usersSecret(ctx, v.home(), v.Secret); err != nil {
			return err
		}
	}
	for _, s := range v.all {
		if s.Mode == config.ModeSidecar {
			v.otherSecrets(ctx, s)
		}
	}
	return nil
}

func (v *verifier) home() string {
	if v.Namespace != "" {
		return v.Namespace
	}
	return v.Home
}

// secretOf is the Secret that a workload's users are in, and what is wrong with how it gets there.
func (v *verifier) secretOf(s *subject) (name, fault string) {
	mounted := v.mounted(s, gateconf.VolumeName)
	switch {
	case s.Mode != config.ModeSidecar || s.Problem != "" && mounted == "":
		return v.Secret, ""
	case s.Problem != "": // its arguments say nothing
		return mounted, ""
	case mounted == "":
		return s.Config.UsersSecret, "its gate mounts no Secret as volume " + gateconf.VolumeName
	case mounted != s.Config.UsersSecret:
		return mounted, fmt.Sprintf("its gate mounts Secret %q, but its arguments say %q", mounted, s.Config.UsersSecret)
	}
	return mounted, ""
}

// mounted is the Secret behind a volume of the subject's pods, "" where there is none. That of the users may have another name
// where people made the gate: it is the one that is mounted where the gate looks for them.
func (v *verifier) mounted(s *subject, volume string) string {
	where := ""
	if volume == gateconf.VolumeName {
		where = s.usersDir()
	}
	if s.workload != nil && !s.lone() {
		for _, n := range manifest.Items(sidecarOf(s.workload).Node, "volumeMounts") {
			if where != "" && path.Clean(manifest.String(n, "mountPath")) == where {
				volume = manifest.String(n, "name")
			}
		}
		for _, n := range manifest.Items(s.workload.Spec(), "volumes") {
			if manifest.String(n, "name") == volume {
				return secretOf(n)
			}
		}
		return ""
	}
	for _, p := range s.pods {
		if name := mountedIn(p, where); where != "" && name != "" {
			return name
		}
		if name := broughtBy(p, volume); name != "" {
			return name
		}
	}
	return ""
}

// usersDir is where the gate looks for the users, "" where that is not known.
func (s *subject) usersDir() string {
	if s.Config.UsersFile == "" {
		return ""
	}
	return path.Dir(s.Config.UsersFile)
}

// mountedIn is the Secret that the gate of a pod has mounted in a folder, "" where there is none.
func mountedIn(p *live.Pod, folder string) string {
	if gate := live.Gate(p.Pod); gate != nil {
		for _, m := range gate.VolumeMounts {
			if path.Clean(m.MountPath) == folder {
				return broughtBy(p, m.Name)
			}
		}
	}
	return ""
}

// broughtBy is the Secret behind a volume of a pod, the first of a projected one.
func broughtBy(p *live.Pod, volume string) string {
	for i := range p.Spec.Volumes {
		if names := live.SecretsOf(&p.Spec.Volumes[i]); p.Spec.Volumes[i].Name == volume && len(names) > 0 {
			return names[0]
		}
	}
	return ""
}

// secretOf is the Secret that a volume of a template brings, the first of a projected one.
func secretOf(volume *yaml.Node) string {
	for _, source := range manifest.Items(volume, "projected", "sources") {
		if name := manifest.String(source, "secret", "name"); name != "" {
			return name
		}
	}
	return manifest.String(volume, "secret", "secretName")
}

// usersSecret reports on one users Secret. An error means that nothing else could be seen either.
func (v *verifier) usersSecret(ctx context.Context, namespace, name string) error {
	key := namespace + "/" + name
	if v.secrets[key] != nil {
		return nil
	}
	u := &users{unknown: "could not be read"}
	v.secrets[key] = u
	store := &userstore.Store{Client: v.core, Namespace: namespace, Name: name, ReadOnly: true, Now: v.Now}
	ctx, cancel := context.WithTimeoutCause(ctx, v.Patience, fmt.Errorf("no answer within %s", v.Patience))
	defer cancel()
	file, meta, err := store.Read(ctx)
	switch {
	case apierrors.IsNotFound(err):
		u.unknown = "is not there"
		v.add(userstore.Fail, store.Ref(), "secret", "", "%s", without(store.Ref(), err.Error()))
		return nil
	case apierrors.IsForbidden(err) && v.seesNothing():
		return fmt.Errorf("%w: you may not list the workloads of namespace %s, nor get %s; docs/verify.md has a role for that: %w", ErrNothing, namespace, store.Ref(), status(err))
	case apierrors.IsForbidden(err):
		v.add(userstore.Warn, store.Ref(), "secret", "ask for the verb get on it", "you may not get it, so the users could not be looked at")
		return nil
	case err != nil && v.seesNothing():
		return nothing(err)
	case err != nil:
		v.add(userstore.Warn, store.Ref(), "secret", "", "%s", without(store.Ref(), err.Error()))
		return nil
	}
	u.unknown = fmt.Sprintf("has no key %q", store.DataKey())
	if meta.HasKey {
		u.fingerprint = live.Fingerprint(file.Bytes())
	}
	fine := 0
	for _, c := range append(userstore.Checks(file, meta), store.ProjectionChecks(ctx, file, meta)...) {
		if c.Status == userstore.Pass && strings.HasPrefix(c.Name, "user ") {
			if fine++; fine > mostUsers {
				continue
			}
		}
		v.add(c.Status, store.Ref(), c.Name, "", "%s", without(store.Ref(), c.Message))
	}
	if fine > mostUsers {
		v.add(userstore.Pass, store.Ref(), "users", "", "and %d more lines with a good hash", fine-mostUsers)
	}
	if v.User != "" {
		v.Checks = append(v.Checks, password(store.Ref(), file, meta, v.User, v.Password))
	}
	return nil
}

// status is the API server's own error, without what was put around it.
func status(err error) error {
	if s, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return s
	}
	return err
}

// seesNothing says whether no workload could be seen, for want of rights or of an answer.
func (v *verifier) seesNothing() bool {
	return v.Gates == 0 && len(v.model.Workloads) == 0 && len(v.cluster.Gaps) > 0
}

// without leaves out of a message the name that it begins with, and that stands beside it.
func without(ref, message string) string {
	return strings.TrimPrefix(strings.TrimPrefix(message, ref+": "), ref+" ")
}

// password checks one user's password against the Secret.
func password(ref string, file *htpasswd.File, meta userstore.Meta, name, password string) Check {
	c := Check{Status: userstore.Fail, Object: ref, Name: fmt.Sprintf("password of %q", name)}
	user, ok := userstore.Find(file, name)
	if !ok {
		c.Message, c.Hint = "no such user", "add one with kubectl basicauth user add"
		return c
	}
	clean, unfit := userstore.CleanPassword(password)
	if right := userstore.Right(file, meta, user, clean); right != "" {
		c.Status, c.Message = userstore.Pass, right
		return c
	}
	c.Message = "the password is wrong"
	if unfit != nil {
		c.Message += ": " + unfit.Error()
	}
	return c
}
