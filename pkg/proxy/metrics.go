package proxy

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kauth-dev/kauth/pkg/auth/basic"
)

// outcome is what became of a request, in logs and metrics.
type outcome int

const (
	gateError     outcome = iota // the gate itself failed
	allowed                      // forwarded, whatever the upstream answered
	denied                       // no credentials, or wrong ones
	throttled                    // too many passwords wait to be checked
	noUsers                      // the users file has no users
	healthAsked                  // the health path
	badRequest                   // ambiguous, malformed, or for a page that the gate does not have
	upstreamError                // no answer of the upstream, or half of one
	ownPage                      // one of the gate's own pages, such as the one to sign in with
	outcomes      = iota
)

var outcomeNames = [outcomes]string{"error", "allowed", "denied", "throttled", "no_users", "health", "bad_request", "upstream_error", "own_page"}

func (o outcome) String() string { return outcomeNames[o] }

// metrics are counted on the way of every request, so whatever has labels is looked up once, at the start.
type metrics struct {
	registry  *prometheus.Registry
	requests  [outcomes]prometheus.Counter
	seconds   prometheus.Histogram
	hash      [2]prometheus.Observer // wrong, right
	cacheHits prometheus.Counter
	queue     prometheus.Gauge
	users     prometheus.Gauge
	lastGood  prometheus.Gauge
	reloads   [2]prometheus.Counter // failure, success
	logLost   prometheus.Counter
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "kauth_proxy_request_seconds", Help: "Time from a request's headers to the end of its answer.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 30},
		}),
		cacheHits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kauth_proxy_cache_hits_total", Help: "Passwords that were known without hashing.",
		}),
		queue: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kauth_proxy_queue_length", Help: "Passwords that wait for the hashing slot.",
		}),
		users: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kauth_proxy_users", Help: "Users in force.",
		}),
		lastGood: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kauth_proxy_last_good_reload_timestamp_seconds", Help: "When the users file was last found good; 0: never.",
		}),
	}
	m.logLost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "kauth_proxy_log_lines_lost_total", Help: "Log lines dropped because nobody read the log.",
	})
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kauth_proxy_requests_total", Help: "Requests by what became of them.",
	}, []string{"outcome"})
	for o := range outcome(outcomes) {
		m.requests[o] = requests.WithLabelValues(o.String())
	}
	hash := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "kauth_proxy_hash_seconds", Help: "Time that one password took to hash.",
		Buckets: []float64{.001, .005, .025, .05, .1, .25, .5, 1, 2.5},
	}, []string{"result"})
	m.hash = [2]prometheus.Observer{hash.WithLabelValues("wrong"), hash.WithLabelValues("right")}
	reloads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kauth_proxy_reloads_total", Help: "Changes of the users file, by whether they could be put in force.",
	}, []string{"result"})
	m.reloads = [2]prometheus.Counter{reloads.WithLabelValues("failure"), reloads.WithLabelValues("success")}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "kauth_proxy_build_info", Help: "1, with the version as a label.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(requests, m.seconds, hash, m.cacheHits, m.queue, m.users, m.lastGood, reloads, m.logLost, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observer() basic.Observer {
	return basic.Observer{
		Hashed: func(d time.Duration, ok bool) {
			result := 0
			if ok {
				result = 1
			}
			m.hash[result].Observe(d.Seconds())
		},
		Remembered: m.cacheHits.Inc,
		Waiting:    func(n int) { m.queue.Set(float64(n)) },
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
