package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kauth-dev/kauth/pkg/gateconf"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// benchmark sends requests from four clients through url; client, gate and upstream are all in this process, so that
// the difference between two benchmarks is what the gate adds.
func benchmark(b *testing.B, url string) {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	defer transport.CloseIdleConnections()
	if res, _ := send(b, request(b, "GET", url, nil)); res.StatusCode != http.StatusOK {
		b.Fatal(res.Status)
	}
	buf := &buffers{}
	b.ReportAllocs()
	b.SetParallelism(2)
	before := cpu(b)
	b.RunParallel(func(pb *testing.PB) {
		p := buf.Get()
		for pb.Next() {
			res, err := transport.RoundTrip(request(b, "GET", url, nil))
			if err != nil || res.StatusCode != http.StatusOK {
				b.Errorf("%v %v", res, err)
				return
			}
			for err == nil {
				_, err = res.Body.Read(p)
			}
			res.Body.Close()
		}
	})
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpu returns the CPU time of this process in nanoseconds.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func kilobyte(w http.ResponseWriter, _ *http.Request) {
	var body [1 << 10]byte
	_, _ = w.Write(body[:])
}

// BenchmarkDirect is the upstream without anything in front of it.
func BenchmarkDirect(b *testing.B) {
	benchmark(b, startUpstream(b, kilobyte))
}

// BenchmarkBareReverseProxy is what httputil.ReverseProxy costs when it checks nothing.
func BenchmarkBareReverseProxy(b *testing.B) {
	to, err := url.Parse(startUpstream(b, kilobyte))
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(to) },
		BufferPool: &buffers{}, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	})
	b.Cleanup(s.Close)
	benchmark(b, s.URL)
}

// BenchmarkCachedRequest is the whole gate, with a user whose bcrypt password is remembered.
func BenchmarkCachedRequest(b *testing.B) {
	hash, err := htpasswd.Generate(testPassword, htpasswd.DefaultCost)
	if err != nil {
		b.Fatal(err)
	}
	for _, log := range []struct {
		name string
		on   bool
	}{{"log=off", false}, {"log=on", true}} {
		b.Run(log.name, func(b *testing.B) {
			g := startGate(b, startUpstream(b, kilobyte), func(c *gateconf.Config) {
				c.AccessLog = log.on
				c.UsersFile = filepath.Join(b.TempDir(), "auth")
				writeFile(b, c.UsersFile, testUser+":"+hash.String()+"\n")
			})
			benchmark(b, g.url)
		})
	}
}
