package lean

import (
	"io"
	"net/http"
	"testing"
)

func BenchmarkRoundTrip(b *testing.B) {
	u := newUpstream(b, func(p *peer) {
		buf := make([]byte, 4<<10)
		for {
			if n, err := p.Read(buf); n == 0 || err != nil { // one read, one request
				return
			}
			p.say(ok)
		}
	})
	m, l := u.model(), u.lean()
	defer m.CloseIdleConnections()
	for name, rt := range map[string]http.RoundTripper{"lean": l, "http.Transport": m} {
		b.Run(name, func(b *testing.B) {
			r := request(b, http.MethodGet)
			r.Header = http.Header{
				"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}, "Accept": {"*/*"},
				"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-User": {"alice"},
			}
			b.ReportAllocs()
			for b.Loop() {
				res, err := rt.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
}
