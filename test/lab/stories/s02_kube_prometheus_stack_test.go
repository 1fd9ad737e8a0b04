//go:build linux

package stories

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/testenv"
	"github.com/kauth-dev/kauth/test/lab/kit"
)

// What of the chart does not run here, though the API server has to accept it too. There are no images of these; and the
// lab has an operator of its own, so the chart's, with the webhooks that it answers, would be a second one.
var leftOut = []string{
	"Deployment/kps-grafana",
	"Deployment/kps-kube-state-metrics",
	"DaemonSet/kps-prometheus-node-exporter",
	"Deployment/kps-kube-prometheus-stack-operator",
	"MutatingWebhookConfiguration/kps-kube-prometheus-stack-admission",
	"ValidatingWebhookConfiguration/kps-kube-prometheus-stack-admission",
}

const (
	stackPrometheus   = "kps-kube-prometheus-stack-prometheus"
	stackAlertmanager = "kps-kube-prometheus-stack-alertmanager"
	stackVolumes      = 2 // one a replica of Prometheus
)

// The kube-prometheus-stack objects that Helm 3 hands a post-renderer for an ALB, applied after kauth: all are accepted
// by the API server; the pods of Prometheus and Alertmanager are Ready with the sidecar; the ALB finds only gates, and a
// health that is true without a password; inside the cluster everything still finds the old ports. Helm 4's stream,
// applied over it, changes none of this.
func TestKubePrometheusStack(t *testing.T) {
	shared := testenv.Shared(t)
	s := tellStack(t, shared)
	alice := login{"alice", "correct horse"}
	s.addUser(alice.user, alice.password)

	stream := s.throughKauth(filepath.Join(shared, "manifests", "kube-prometheus-stack", "alb-helm3-stdin.yaml"))
	s.accepted(stream)
	objects := s.fitToLab(s.objects(stream))
	s.apply(s.list(objects))
	s.count("%d objects applied, %d left out", len(objects), len(leftOut))
	s.figure("pods Ready", s.until("pods Ready", func() error {
		return errors.Join(
			s.reconciled("prometheus/"+stackPrometheus), s.podsReady("prometheus="+stackPrometheus, 2),
			s.reconciled("alertmanager/"+stackAlertmanager), s.podsReady("alertmanager="+stackAlertmanager, 1))
	}))

	s.gatedOnALB(stackPrometheus, 2, "api/v1/status/runtimeinfo", alice)
	s.gatedOnALB(stackAlertmanager, 1, "api/v2/status", alice)
	s.figure("scraped and alerted", s.took(s.openInside))

	before := s.specs()
	stream = s.throughKauth(filepath.Join(shared, "manifests", "kube-prometheus-stack", "alb-helm4-stdin.yaml"))
	s.accepted(stream)
	s.apply(s.list(s.fitToLab(s.objects(stream))))
	s.must(s.sameSpecs(before))
	s.gatedOnALB(stackPrometheus, 2, "api/v1/status/runtimeinfo", alice)
	s.gatedOnALB(stackAlertmanager, 1, "api/v2/status", alice)
}

// tellStack begins the story in the namespace that the streams name, in a cluster that has what an administrator sees to
// before this chart is installed: its kinds, newer than those of the lab's operator, and disks of the storage class.
func tellStack(t *testing.T, shared string) *story {
	var s *story
	disks := "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: gp3, labels: {release: kps}}\nprovisioner: kubernetes.io/no-provisioner\n"
	t.Cleanup(func() { // after the story's own end, which tells what went wrong
		if s == nil {
			return
		}
		for _, kind := range []string{"persistentvolumes", "storageclasses", "clusterroles", "clusterrolebindings", "services -n kube-system"} {
			args := append([]string{"kubectl", "delete", "--wait=false", "-l", "release=kps"}, strings.Fields(kind)...)
			if out, err := s.try(args...); err != nil {
				s.Errorf("%s%v", out, err)
			}
		}
		if out, err := s.try("kubectl", "apply", "--server-side", "--force-conflicts", "-f", kit.Beside(theLab.Kit.Operator, "crds")); err != nil {
			s.Errorf("%s%v", out, err)
		}
	})
	s = tell(t, 2, "kube-prometheus-stack for an ALB")
	s.kubectl("", "delete", "namespace", s.ns, "--wait=false")
	s.ns = "monitoring"
	s.kubectl("", "create", "namespace", s.ns)
	s.kubectl("", "apply", "--server-side", "--force-conflicts", "-f", filepath.Join(shared, "crds", "prometheus-operator"))
	for i := range stackVolumes {
		dir := filepath.Join(theLab.Dir, fmt.Sprint("gp3-", i))
		if err := errors.Join(os.Mkdir(dir, 0o777), os.Chmod(dir, 0o777)); err != nil { // the CSI driver sees to the group instead
			s.Fatal(err)
		}
		disks += fmt.Sprintf("---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: gp3-%d, labels: {release: kps}}\nspec: "+
			"{storageClassName: gp3, capacity: {storage: 50Gi}, accessModes: [ReadWriteOnce], hostPath: {path: %q}}\n", i, dir)
	}
	s.kubectl(disks, "apply", "-f", "-")
	return s
}

// throughKauth pipes a stream through kauth, as Helm does.
func (s *story) throughKauth(file string) string {
	s.Helper()
	in, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	out, _, err := command{stdin: string(in), args: []string{"kauth"}}.run()
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// accepted hands all of a stream to the API server, to look at and not to keep; but for accounts, without which it accepts
// no pod. Unlike an update, server-side apply also refuses what stands twice in a list with keys.
func (s *story) accepted(stream string) {
	s.Helper()
	objects := s.objects(stream)
	s.apply(s.list(slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return o.GetKind() != "ServiceAccount" })))
	out := s.apply(stream, "--dry-run=server")
	if want, got := len(objects), strings.Count(out, "(server dry run)"); got != want {
		s.Fatalf("%d of %d objects accepted:\n%s", got, want, out)
	}
	s.count("%d objects accepted", len(objects))
}

// fitToLab replaces images by the lab's, asks for rules and scrapes to be done sooner, and leaves out what cannot run,
// and Helm's hooks, whose image there is none of either.
func (s *story) fitToLab(all []object) (some []object) {
	s.Helper()
	for _, o := range s.without(all, leftOut) {
		switch o.GetKind() {
		case "Prometheus":
			o.set(s, kit.PrometheusImage, "image")
			o.set(s, "2s", "evaluationInterval")
			o.set(s, "5s", "scrapeInterval")
		case "Alertmanager":
			o.set(s, kit.AlertmanagerImage, "image")
			o.set(s, "v0.25.0", "version") // what the operator chooses flags by

		}
		if _, hook := o.GetAnnotations()["helm.sh/hook"]; !hook {
			some = append(some, o)
		}
	}
	return some
}

// apply hands a stream over, whose objects say themselves which namespace they belong to: some belong to kube-system.
func (s *story) apply(stream string, more ...string) string {
	s.Helper()
	args := append([]string{"kubectl", "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"}, more...)
	out, _, err := command{stdin: stream, args: args}.run()
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// reconciled returns nil when the operator has made what a resource asks for.
func (s *story) reconciled(resource string) error {
	condition, err := s.field(resource, `{.status.conditions[?(@.type=="Reconciled")]}`)
	if err == nil && !strings.Contains(condition, `"status":"True"`) {
		err = fmt.Errorf("%s: the operator says %s", resource, condition)
	}
	return err
}

// gatedOnALB checks every target of the ALB: nothing without a password but health, and the application with one.
func (s *story) gatedOnALB(ingress string, pods int, page string, as login) {
	s.Helper()
	var targets []target
	s.until("targets of Ingress "+ingress, func() error { // the EndpointSlices follow the pods
		if targets = s.albTargets(ingress); len(targets) != pods {
			return fmt.Errorf("%+v, want %d", targets, pods)
		}
		return nil
	})
	for _, to := range targets {
		s.must(
			answers(to.health, nobody, to.success),
			s.refusedWithPage(to.page, nobody),
			s.refusedWithPage(to.page+page, nobody),
			s.refusedWithPage(to.page+page, login{as.user, "wrong"}),
			answers(to.page+page, as, 200),
		)
	}
}

// openInside checks the ways inside the cluster: Grafana's, scrapers', and Prometheus' to Alertmanager.
func (s *story) openInside() {
	s.Helper()
	config, err := s.field("configmap/kps-kube-prometheus-stack-grafana-datasource", "{.data['datasource\\.yaml']}")
	if err != nil {
		s.Fatal(err)
	}
	sources := regexp.MustCompile(`url: (\S+:9090/)[^$]*url: (\S+:9093/)`).FindStringSubmatch(config)
	if sources == nil {
		s.Fatalf("no data sources for Grafana in\n%s", config)
	}
	prometheus, alertmanager := sources[1], sources[2]
	for _, page := range []string{prometheus + "api/v1/query?query=up", prometheus + "metrics", alertmanager + "api/v2/status", alertmanager + "metrics"} {
		s.until("inside, "+page, answers(page, nobody, 200)) // kube-proxy takes a moment to see new pods
	}
	for job, pods := range map[string]string{stackPrometheus: "2", stackAlertmanager: "1"} {
		query := url.QueryEscape(`sum(up{endpoint="http-web",job="` + job + `"})`)
		s.until(job+" scraped", s.prometheusSees(prometheus+"api/v1/query?", nobody, query, pods))
	}
	s.until("an alert with the Alertmanager", func() error {
		r, err := get(alertmanager+"api/v2/alerts", nobody)
		if err == nil && !strings.Contains(r.body, `"Watchdog"`) {
			err = fmt.Errorf("no Watchdog, which always fires, in %.200s", r.body)
		}
		return err
	})
}

// specs is what makes the gates, as the cluster has it.
func (s *story) specs() string {
	s.Helper()
	return s.kubectl("", "get", "prometheuses,alertmanagers,statefulsets,services,ingresses", "-o",
		`jsonpath={range .items[*]}{.kind}/{.metadata.name} {.spec}{"\n"}{end}`)
}

// sameSpecs returns nil when specs are as they were.
func (s *story) sameSpecs(before string) func() error {
	return func() error {
		if after := s.specs(); after != before {
			return fmt.Errorf("changed from\n%s\nto\n%s", before, after)
		}
		return nil
	}
}
