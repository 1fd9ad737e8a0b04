package helm

import (
	"context"
	"path/filepath"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/postrender"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/planner"
)

var _ postrender.PostRenderer = (*inject.PostRenderer)(nil)

// A Go program that embeds Helm sets one field, and its releases are gated.
func TestEmbeddedHelm(t *testing.T) {
	s := shared.Server(t)
	namespace := s.CreateNamespace(t)
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = &s.Kubeconfig, &namespace
	config := new(action.Configuration)
	if err := config.Init(flags, namespace, "secret", t.Logf); err != nil {
		t.Fatal(err)
	}
	charts, err := loader.Load(filepath.Join(root(), chart))
	if err != nil {
		t.Fatal(err)
	}

	install := action.NewInstall(config)
	install.ReleaseName, install.Namespace = "mon", namespace
	var report *inject.Report
	install.PostRenderer = &inject.PostRenderer{
		Options: inject.Options{Namespace: namespace, Options: planner.Options{Version: "v1.2.3"}},
		Report:  func(r *inject.Report) { report = r },
	}
	done, err := install.Run(charts, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkGated(t, done.Manifest)
	release{kubernetes.NewForConfigOrDie(s.Config), namespace}.checkGated(t, "--storage.tsdb.retention.time=15d")
	if report == nil || len(report.Gates) != 1 {
		t.Errorf("report %+v, want one gate", report)
	}

	upgrade := action.NewUpgrade(config)
	upgrade.Namespace, upgrade.PostRenderer = namespace, install.PostRenderer
	values := map[string]any{"ingress": map[string]any{"annotations": map[string]any{"kauth.dev/gate": "perhaps"}}}
	if _, err := upgrade.Run("mon", charts, values); err == nil {
		t.Error("an upgrade that kauth refuses went through")
	}
	list, err := kubernetes.NewForConfigOrDie(s.Config).NetworkingV1().Ingresses(namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 || list.Items[0].Annotations["kauth.dev/gate"] == "perhaps" {
		t.Errorf("a refused upgrade reached the cluster: %v, %v", list, err)
	}
}
