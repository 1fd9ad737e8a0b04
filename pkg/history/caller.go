package history

import (
	"context"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientauthenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	"k8s.io/client-go/rest"
)

// callerFor is how long the API server is asked who the caller is.
const callerFor = 5 * time.Second

// Caller returns the name by which the API server knows whoever uses config; with impersonation, that of whom they act as. Every
// authenticated user may ask that (ClusterRole system:basic-user, since Kubernetes 1.28). Where no answer comes, it is
// otherwise, a name that the kubeconfig has.
func Caller(ctx context.Context, config *rest.Config, otherwise string) string {
	ctx, cancel := context.WithTimeout(ctx, callerFor)
	defer cancel()
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	if client, err := clientauthenticationv1.NewForConfig(config); err == nil {
		review, err := client.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err == nil && review.Status.UserInfo.Username != "" {
			return review.Status.UserInfo.Username
		}
	}
	if config.Impersonate.UserName != "" {
		return config.Impersonate.UserName
	}
	return otherwise
}
