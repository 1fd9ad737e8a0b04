package verify

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/live"
	"github.com/kauth-dev/kauth/pkg/proof"
	"github.com/kauth-dev/kauth/pkg/testenv"
)

// TestOtherSecrets: the Secrets that a gate reads beside the users, and with which value of the header it is knocked at.
func TestOtherSecrets(t *testing.T) {
	server := testenv.APIServer(t)
	client, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	const values, certificate, keys = "values of header X-O: ", "the gate's certificate: ", "session keys: "
	for _, c := range []struct {
		name   string
		volume string
		data   map[string]string // nil: there is no Secret
		want   string
		header string // that is sent
	}{
		{"a value", gateconf.HeaderVolume, map[string]string{"current": "v\n"}, "pass: " + values + "there", "v"},
		{"values of which one was replaced", gateconf.HeaderVolume, map[string]string{"current": "new", "current.until-20300102T040406Z": "old"}, "pass: " + values + "there", "new"},
		{"a key that gates pass over", gateconf.HeaderVolume, map[string]string{".note": "of whoever made it", "current": "v"}, "pass: " + values + "there", "v"},
		{"only such", gateconf.HeaderVolume, map[string]string{".note": "of whoever made it"}, "fail: " + values + "none that gates take", ""},
		{"one that no request can have", gateconf.HeaderVolume, map[string]string{"a": "1\n2", "b": "v"}, `fail: ` + values + `data.a: several lines, or a control character; one value a file`, ""},
		{"no value", gateconf.HeaderVolume, map[string]string{}, "fail: " + values + "is empty", ""},
		{"no Secret", gateconf.HeaderVolume, nil, "fail: " + values + `secrets "NAME" not found`, ""},
		{"a certificate", gateconf.TLSVolume, map[string]string{"tls.crt": "c", "tls.key": "k"}, "pass: " + certificate + "there", ""},
		{"half a certificate", gateconf.TLSVolume, map[string]string{"tls.crt": "c"}, "fail: " + certificate + `no key "tls.key", or an empty one`, ""},
		{"no session key", gateconf.SessionVolume, map[string]string{"key": "x\n"}, "fail: " + keys + "data.key: line 1: ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ns := server.CreateNamespace(t)
			const name = "other"
			if c.data != nil {
				secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: c.data}
				if _, err := client.CoreV1().Secrets(ns).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			pod := &corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: c.volume, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}}}}}
			s := &subject{Standing: proof.Standing{Checked: proof.Checked{Mode: config.ModeSidecar}}, pods: []*live.Pod{{Pod: pod}}}
			s.Ref.Namespace = ns
			switch c.volume {
			case gateconf.HeaderVolume:
				s.Config.RequireHeader = "X-O"
			case gateconf.TLSVolume:
				s.Config.TLSCertFile = "/tls.crt"
			case gateconf.SessionVolume:
				s.Config.SessionKeyFile = "/key"
			}
			v := &verifier{Options: options(server.Config, ns), Report: &Report{}, core: client.CoreV1(), others: map[otherSecret]bool{}, headers: map[string]string{}}
			v.otherSecrets(t.Context(), s)
			v.otherSecrets(t.Context(), s) // each is told once
			var got []string
			for _, check := range v.Checks {
				got = append(got, string(check.Status)+": "+check.Message)
			}
			if all := strings.Join(got, "\n"); len(got) != 1 || !strings.HasPrefix(all, strings.ReplaceAll(c.want, "NAME", name)) {
				t.Errorf("got %q, want %q", all, c.want)
			}
			if diff := cmp.Diff(c.header, v.headers[ns+"/"+name]); diff != "" {
				t.Error(diff)
			}
		})
	}
}
