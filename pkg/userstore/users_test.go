package userstore_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/kauth-dev/kauth/pkg/htpasswd"
	"github.com/kauth-dev/kauth/pkg/userstore"
)

const (
	nfc = "andr\u00e9"
	nfd = "andre\u0301"
)

// A new user looks like no other, and has any name that people have in htpasswd files.
func TestNewUser(t *testing.T) {
	for _, name := range []string{
		"alice", "Alice Smith", "alice@example.com", "CORP\\alice", "o'brien", "a+b=c", "alice (old)", "Ünal", "Zoe\u0308", "山田 太郎", "Ｆｕｌｌ", "علی\u200cرضا", "ирина", "€uro", "ﬁ", "🙂", "x²", "col\u00b7legi",
	} {
		if clean, err := userstore.NewUser(name); err != nil || clean != norm.NFC.String(name) {
			t.Errorf("%q: %q, %v", name, clean, err)
		}
	}
	for name, want := range map[string]string{
		"ali\u200bce":  `the user name "ali\u200bce" contains a character that cannot be seen, or told from others; leave it out`,
		"ali\u202eec":  `the user name "ali\u202eec" contains a character that cannot be seen, or told from others; leave it out`,
		"ali\u00adce":  `the user name "ali\u00adce" contains a character that cannot be seen, or told from others; leave it out`,
		"ali\u200dce":  `the user name "ali\u200dce" contains a character that cannot be seen, or told from others; leave it out`,
		"ali\ufeffce":  `the user name "ali\ufeffce" contains a character that cannot be seen, or told from others; leave it out`,
		"ali\ue000ce":  `the user name "ali\ue000ce" contains a character that cannot be seen, or told from others; leave it out`,
		"alice\u3164":  `the user name "alice\u3164" contains a character that cannot be seen, or told from others; leave it out`,
		"ali\u00a0ce":  `the user name "ali\u00a0ce" contains a blank of another kind; take a space`,
		"ali\u3000ce":  `the user name "ali\u3000ce" contains a blank of another kind; take a space`,
		"alice:":       "the user name contains a colon; it separates the name from the hash",
		"alice\u2028b": `the user name "alice\u2028b" contains a character that cannot be seen, or told from others; leave it out`,
	} {
		if _, err := userstore.NewUser(name); err == nil || err.Error() != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCleanUser(t *testing.T) {
	for name, want := range map[string]string{"alice": "alice", nfd: nfc, "-x": "-x", "😀": "😀", "a b": "a b", "DOM\\user": "DOM\\user"} {
		if got, err := userstore.CleanUser(name); err != nil || got != want {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "a:b", "#x", " x", "x ", "a\nb", "\xff", "a\x00", strings.Repeat("x", 256)} {
		if _, err := userstore.CleanUser(name); err == nil {
			t.Errorf("%q accepted", name)
		}
	}
}

func TestCleanPassword(t *testing.T) {
	if got, err := userstore.CleanPassword(nfd); err != nil || got != nfc {
		t.Errorf("%q, %v", got, err)
	}
	for _, password := range []string{"", "geheim\n", strings.Repeat("\u00e9", 37), "\xff"} {
		if _, err := userstore.CleanPassword(password); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestFind(t *testing.T) {
	f := htpasswd.Parse([]byte("bob:{MD5}?\n" + nfd + ":" + sha + "\n"))
	for name, want := range map[string]string{"bob": "bob", nfd: nfd, nfc: nfd, "carol": ""} {
		if got, ok := userstore.Find(f, name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", name, got, ok)
		}
	}
}

func TestNewPassword(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p := userstore.NewPassword()
		if _, err := userstore.CleanPassword(p); err != nil || len(p) != 24 || seen[p] || strings.ContainsAny(p, "0O1Il5S2Z8Buv") {
			t.Errorf("%q, %v", p, err)
		}
		seen[p] = true
	}
}

func TestMerge(t *testing.T) {
	const h1, h2 = sha, "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
	tests := map[string]struct {
		dst, src string
		replace  bool
		want     string
		merged   userstore.Merged
		err      string
	}{
		"into nothing": {src: "# c\r\na:" + h1 + "\r\n\r\nb:" + h2, want: "# c\r\na:" + h1 + "\r\n\r\nb:" + h2, merged: userstore.Merged{Added: []string{"a", "b"}}},
		"added at the end": {
			dst: "# top\na:" + h1, src: "# not taken\nb:" + h2 + "\n", want: "# top\na:" + h1 + "\nb:" + h2 + "\n",
			merged: userstore.Merged{Added: []string{"b"}},
		},
		"same again": {dst: "a:" + h1, src: "a:" + h1 + "\n", want: "a:" + h1, merged: userstore.Merged{Unchanged: []string{"a"}}},
		"not replaced": {
			dst: "a:" + h1 + "\n", src: "b:" + h1 + "\na:" + h2 + "\n", want: "a:" + h1 + "\n",
			err: `users with another hash exist: "a"; add --replace to give them the new hashes`,
		},
		"replaced in place": {
			dst: "a:" + h1 + "\r\n#\r\nb:" + h1 + "\r\na:" + h2 + "\r\n", src: "a:" + h2 + "\nc:" + h1 + "\n", replace: true,
			want: "a:" + h2 + "\r\n#\r\nb:" + h1 + "\r\nc:" + h1 + "\r\n", merged: userstore.Merged{Added: []string{"c"}, Replaced: []string{"a"}},
		},
		"two hashes": {
			dst: "a:" + h1 + "\nb:" + h1, src: "a:" + h1 + "\na:" + h2 + "\nc:" + h1 + "\nc:" + h2, replace: true,
			want:   "a:" + h1 + "\na:" + h2 + "\nb:" + h1 + "\nc:" + h1 + "\nc:" + h2 + "\n",
			merged: userstore.Merged{Added: []string{"c"}, Replaced: []string{"a"}},
		},
		"a bad line": {dst: "x\na:{MD5}?\n", src: "a:" + h1, replace: true, want: "x\na:" + h1 + "\n", merged: userstore.Merged{Replaced: []string{"a"}}},
		"other form": {dst: nfd + ":" + h1 + "\n", src: nfc + ":" + h2, replace: true, want: nfd + ":" + h2 + "\n", merged: userstore.Merged{Replaced: []string{nfc}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dst := htpasswd.Parse([]byte(tt.dst))
			merged, err := userstore.Merge(dst, htpasswd.Parse([]byte(tt.src)), tt.replace)
			if diff := cmp.Diff(tt.merged, merged); diff != "" {
				t.Error(diff)
			}
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || err.Error() != tt.err || !errors.Is(err, userstore.ErrExists)) {
				t.Errorf("error %v, want %s", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, string(dst.Bytes())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// All users of a file are replaced, with work that grows as their number does, not with its square: it shows in the memory.
func TestMergeMany(t *testing.T) {
	merge := func(users int) (allocated uint64) {
		t.Helper()
		var a, b strings.Builder
		for i := range users {
			fmt.Fprintf(&a, "user%05d:%s\n", i, sha)
			fmt.Fprintf(&b, "user%05d:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", i)
		}
		dst, src := htpasswd.Parse([]byte(a.String())), htpasswd.Parse([]byte(b.String()))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := userstore.Merge(dst, src, true)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if string(dst.Bytes()) != b.String() {
			t.Error("not all replaced")
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if few, many := merge(1_000), merge(10_000); many > 20*few {
		t.Errorf("ten times as many users take %d bytes instead of %d", many, few)
	} else {
		t.Logf("%d and %d bytes", few, many)
	}
}

func TestOwners(t *testing.T) {
	yes := true
	tests := map[string]struct {
		meta metav1.ObjectMeta
		want []string
	}{
		"nobody":           {metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/managed-by": "kauth"}}, nil},
		"helm":             {metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}, Annotations: map[string]string{"meta.helm.sh/release-name": "prom"}}, []string{"Helm (release prom)"}},
		"helm label":       {metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}}, []string{"Helm"}},
		"argo":             {metav1.ObjectMeta{Annotations: map[string]string{"argocd.argoproj.io/tracking-id": "mon:/Secret:x/y"}}, []string{"Argo CD (tracking id mon:/Secret:x/y)"}},
		"flux":             {metav1.ObjectMeta{Labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps"}}, []string{"Flux (Kustomization apps)"}},
		"external secrets": {metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "ExternalSecret", Name: "users", Controller: &yes}}}, []string{"External Secrets (ExternalSecret users)"}},
		"sealed secrets":   {metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "SealedSecret", Name: "users", Controller: &yes}}}, []string{"Sealed Secrets (SealedSecret users)"}},
		"argo label":       {metav1.ObjectMeta{Labels: map[string]string{"argocd.argoproj.io/instance": "mon"}}, []string{"Argo CD (application mon)"}},
		"flux helm":        {metav1.ObjectMeta{Labels: map[string]string{"helm.toolkit.fluxcd.io/name": "prom"}}, []string{"Flux (HelmRelease prom)"}},
		"es label":         {metav1.ObjectMeta{Labels: map[string]string{"reconcile.external-secrets.io/managed": "true"}}, []string{"External Secrets"}},
		"es merged":        {metav1.ObjectMeta{Annotations: map[string]string{"reconcile.external-secrets.io/data-hash": "x"}}, []string{"External Secrets"}},
		"sealed, taken":    {metav1.ObjectMeta{Annotations: map[string]string{"sealedsecrets.bitnami.com/managed": "true"}}, []string{"Sealed Secrets"}},
		"sealed, patched":  {metav1.ObjectMeta{Annotations: map[string]string{"sealedsecrets.bitnami.com/patch": "true"}}, []string{"Sealed Secrets"}},
		"a chart's label":  {metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/instance": "prom", "helm.sh/chart": "x"}}, nil},
		"two": {
			metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm", "helm.toolkit.fluxcd.io/name": "prom"}, Annotations: map[string]string{"meta.helm.sh/release-name": "prom"}},
			[]string{"Flux (HelmRelease prom)", "Helm (release prom)"},
		},
		"another owner": {metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "VaultStaticSecret", Name: "v", Controller: &yes}}}, []string{"VaultStaticSecret v"}},
		"kubectl apply": {metav1.ObjectMeta{Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: "{}"}}, []string{"kubectl apply"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, c := newStore(t)
			tt.meta.Namespace, tt.meta.Name = s.Namespace, s.Name
			for i := range tt.meta.OwnerReferences {
				tt.meta.OwnerReferences[i].APIVersion, tt.meta.OwnerReferences[i].UID = "v1", "1"
			}
			create(t, c, &corev1.Secret{ObjectMeta: tt.meta, Data: map[string][]byte{"auth": nil}})
			_, meta, err := s.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, meta.Owners); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whoever uses server-side apply on the data will do so again, and take an edit back.
func TestOwnersByFields(t *testing.T) {
	for manager, want := range map[string]string{
		"Terraform": `server-side apply of "Terraform"`, "helm-controller": "Flux", "kustomize-controller": "Flux", "argocd-controller": "Argo CD", "argocd-application-controller": "Argo CD",
		"helm": "Helm", "externalsecrets.external-secrets.io/users": "External Secrets",
	} {
		s, c := newStore(t)
		apply := applycorev1.Secret(s.Name, s.Namespace).WithData(map[string][]byte{"auth": nil}).WithLabels(map[string]string{"a": "b"})
		if _, err := c.CoreV1().Secrets(s.Namespace).Apply(t.Context(), apply, metav1.ApplyOptions{FieldManager: manager}); err != nil {
			t.Fatal(err)
		}
		for _, when := range []string{"before", "after"} { // our own write does not hide it
			r, err := s.Edit(t.Context(), set(t, when))
			if err != nil {
				t.Fatal(err)
			}
			if manager == "Terraform" && when == "after" {
				want = "" // nothing known, and nothing left of its fields
			}
			if diff := cmp.Diff(want, strings.Join(r.Owners, ",")); diff != "" {
				t.Error(manager, when, diff)
			}
		}
	}
	s, c := newStore(t)
	create(t, c, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}})
	labels := applycorev1.Secret(s.Name, s.Namespace).WithLabels(map[string]string{"a": "b"})
	if _, err := c.CoreV1().Secrets(s.Namespace).Apply(t.Context(), labels, metav1.ApplyOptions{FieldManager: "labeller"}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Edit(t.Context(), set(t, "a")); err != nil || len(r.Owners) != 0 {
		t.Error(r.Owners, err)
	}
}
