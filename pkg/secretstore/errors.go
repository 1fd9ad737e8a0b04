package secretstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Ref names the Secret as errors do: "Secret monitoring/kauth-users".
func (s *Store) Ref() string { return "Secret " + s.Namespace + "/" + s.Name }

// Errorf is fmt.Errorf with the Secret before the text.
func (s *Store) Errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", s.Ref(), fmt.Errorf(format, args...))
}

// Explain turns what a request with this verb failed with into a line that says what to do. nil stays nil. The API
// server's own error stays reachable for errors.As.
func (s *Store) Explain(verb string, err error) error {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return s.explainStatus(verb, err, status)
	case errors.Is(err, context.Canceled):
		return s.Errorf("%s: interrupted%w: %w", verb, s.doubt(verb), err)
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return s.Errorf("%s: the API server did not answer in time%w; see whether it is reachable, or give more --request-timeout: %w", verb, s.doubt(verb), bare(err))
	}
	return s.Errorf("%s: API server: %w%w; see whether kubectl get namespaces works, and which cluster kubectl config current-context names", verb, bare(err), s.doubt(verb))
}

func (s *Store) explainStatus(verb string, err error, status apierrors.APIStatus) error {
	details := status.Status().Details
	switch {
	case apierrors.IsNotFound(err) && details != nil && details.Kind == "namespaces":
		ref := "Namespace " + s.Namespace
		return fmt.Errorf("%s: not found; create it with kubectl create namespace %s, or name another with -n%w", ref, s.Namespace, Silent(err))
	case apierrors.IsNotFound(err):
		return s.Errorf("not found; %s%w", s.Advice.Missing, Silent(err))
	case apierrors.IsForbidden(err) && !unauthorised(verb, err): // an admission policy, a quota: more rights would not help
		return s.Errorf("%s: %w", verb, err)
	case apierrors.IsForbidden(err) && verb == "create":
		return s.Errorf("missing, and you may not create it; ask for the verb create on secrets, or for the Secret to be created: %w", err)
	case apierrors.IsForbidden(err):
		return s.Errorf("you may not %s it; ask for a Role with the %s on this Secret: %w", verb, s.verbs(), err)
	case apierrors.IsUnauthorized(err):
		return s.Errorf("%s: the API server does not know you; renew the login of this kubeconfig context: %w", verb, err)
	case apierrors.IsTimeout(err), apierrors.IsServerTimeout(err):
		return s.Errorf("%s: the API server ran out of time%w; try again: %w", verb, s.doubt(verb), err)
	case status.Status().Code >= http.StatusInternalServerError: // of whatever stands before the API server, too
		return s.Errorf("%s: %w%w", verb, err, s.doubt(verb))
	}
	return s.Errorf("%s: %w", verb, err)
}

// verbs names what a Role needs: "verb get", "verbs get and update".
func (s *Store) verbs() string {
	if verbs := cmp.Or(s.Advice.Verbs, "get and update"); strings.Contains(verbs, " ") {
		return "verbs " + verbs
	}
	return "verb " + s.Advice.Verbs
}

// unauthorised says whether a 403 comes of the caller's rights. Nothing but the words of the API server's package responsewriters
// tells it from that of an admission plugin.
func unauthorised(verb string, err error) bool {
	return strings.Contains(err.Error(), " cannot "+verb+" resource ")
}

// LacksRights says whether a request with this verb failed for want of rights.
func LacksRights(verb string, err error) bool {
	return apierrors.IsForbidden(err) && unauthorised(verb, err)
}

// doubt is what to add where a request may have been carried out though no answer came.
func (s *Store) doubt(verb string) error {
	if verb == "get" || s.Advice.Look == "" {
		return doubtError("")
	}
	return doubtError(", so the change may or may not have been made (see " + s.Advice.Look + ")")
}

type doubtError string

func (e doubtError) Error() string { return string(e) }

// InDoubt says whether the write that failed with this error may have been made all the same.
func InDoubt(err error) bool {
	if doubt, ok := errors.AsType[doubtError](err); ok && doubt != "" {
		return true
	}
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= http.StatusInternalServerError
}

// bare drops the method and URL that net/http puts before each error: the line is long enough.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// Silent keeps an error for errors.As and prints nothing of it, where the text before it says it all.
func Silent(err error) error { return silentError{err} }

type silentError struct{ error }

func (silentError) Error() string   { return "" }
func (e silentError) Unwrap() error { return e.error }
