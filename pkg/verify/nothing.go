package verify

import (
	"errors"
	"fmt"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// nothing is ErrNothing with what stood in the way, and what to do about it where that is known.
func nothing(err error) error {
	slow, isSlow := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	address, isNet := errors.AsType[*url.Error](err)
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: the API server does not know you; renew the login of this kubeconfig context: %w", ErrNothing, err)
	case isSlow && slow.Timeout():
		return fmt.Errorf("%w: the API server did not answer in time; see whether it is reachable, or give more --request-timeout: %w", ErrNothing, err)
	case isNet: // its method and URL say nothing more
		return fmt.Errorf("%w: API server: %w; see whether kubectl get namespaces works, and which cluster kubectl config current-context names", ErrNothing, address.Err)
	}
	return fmt.Errorf("%w: %w", ErrNothing, err)
}
