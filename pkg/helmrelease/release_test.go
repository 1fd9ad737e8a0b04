package helmrelease

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"
)

func pack(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(base64.StdEncoding.EncodeToString(b.Bytes()))
}

// TestDecode: real releases are in the stories; here is what else may stand there.
func TestDecode(t *testing.T) {
	release := `{"name":"x","version":3,"info":{"status":"deployed"},"manifest":"---\nkind: Pod\n"}`
	for name, stored := range map[string][]byte{
		"packed":        pack(t, []byte(release)),
		"of old, plain": []byte(base64.StdEncoding.EncodeToString([]byte(release))),
	} {
		r, err := decode(stored, 1<<20)
		if err != nil || r.Version != 3 || r.Status != "deployed" || r.Manifest != "---\nkind: Pod\n" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	whole := pack(t, []byte(release))
	for name, c := range map[string]struct {
		stored []byte
		want   string
	}{
		"nothing":      {nil, "not a release of Helm's"},
		"no base64":    {[]byte("{}{}"), "not Helm's base64"},
		"cut off":      {whole[:len(whole)/8*4], "not Helm's gzip"},
		"a list":       {pack(t, []byte("[1]")), "not a release of Helm's"},
		"far too big":  {pack(t, make([]byte, 1<<20+1)), "more than 1 MB unpacked"},
		"other fields": {pack(t, []byte(`{"manifest": {"a": 1}}`)), "not a release of Helm's"},
	} {
		if _, err := decode(c.stored, 1<<20); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
