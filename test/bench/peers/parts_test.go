package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// parts of a flood are processes of their own, so that none disturbs another but by what it takes of the machine.
var parts = map[string]func(args []string){
	"burn":   func([]string) { burn() },
	"client": func(args []string) { report(runClient(args[0], duration(args[1]))) },
	"flood":  func(args []string) { report(runFlood(args[0], duration(args[1]))) },
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}

func report(v any) {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		panic(err)
	}
}

// burn keeps two threads busy until it is killed.
func burn() {
	var turns [2]struct {
		n atomic.Int64
		_ [56]byte // a cache line each
	}
	for i := range turns {
		go func() {
			runtime.LockOSThread()
			for {
				turns[i].n.Add(1)
			}
		}()
	}
	select {}
}

// A clientReport is of the client who was let in before: times in ms, of the requests that got a 200.
type clientReport struct {
	Wanted, Served int
	P50, P99       float64
}

func (c clientReport) served() float64 { return float64(c.Served) / float64(c.Wanted) }

const clientRate = 50 // requests a second

func runClient(address string, d time.Duration) clientReport {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dialerFrom("127.0.0.1").DialContext}}
	url := "http://" + address + "/page"
	ctx := context.Background()
	_, _ = tryOnce(ctx, client, url, user, password) // opens the connection
	r := clientReport{Wanted: int(d.Seconds() * clientRate)}
	var took []float64
	every, end := time.NewTicker(time.Second/clientRate), time.Now().Add(d)
	for range every.C { // a tick that nobody waits for is lost
		if time.Now().After(end) {
			break
		}
		start := time.Now()
		if status, _ := tryOnce(ctx, client, url, user, password); status == http.StatusOK {
			took = append(took, inMs(time.Since(start)))
		}
	}
	if r.Served = min(len(took), r.Wanted); r.Served == 0 {
		return r
	}
	slices.Sort(took)
	r.P50, r.P99 = took[len(took)/2], took[(len(took)*99+99)/100-1]
	return r
}

// A floodReport is of those who do not know the password.
type floodReport struct {
	Refused, Throttled, Failed int64   // answers: 401, 429; anything else, or none
	CPU                        float64 // seconds that it took to send them
}

func runFlood(address string, d time.Duration) floodReport {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var refused, throttled, failed atomic.Int64
	var senders sync.WaitGroup
	for i := range 16 {
		senders.Go(func() {
			client := &http.Client{Transport: &http.Transport{DialContext: dialerFrom("127.0.6.6").DialContext}} // one connection
			for n := 0; ctx.Err() == nil; n++ {
				switch status, _ := tryOnce(ctx, client, "http://"+address+"/page", user, fmt.Sprintf("guess %d of %d", n, i)); {
				case status == http.StatusUnauthorized:
					refused.Add(1)
				case status == http.StatusTooManyRequests:
					throttled.Add(1)
				case ctx.Err() == nil:
					failed.Add(1)
				}
			}
		})
	}
	senders.Wait()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return floodReport{refused.Load(), throttled.Load(), failed.Load(), float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9}
}

func dialerFrom(address string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
}

// tryOnce sends a request and returns the answer's status, 0 if there was none, and how long it asks to wait.
func tryOnce(ctx context.Context, client *http.Client, url, user, password string) (status int, wait time.Duration) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	req.SetBasicAuth(user, password)
	res, err := client.Do(req)
	if err != nil {
		return 0, 10 * time.Millisecond
	}
	_, _ = io.Copy(io.Discard, res.Body) // to use the connection again
	_ = res.Body.Close()
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // none: at once
	return res.StatusCode, max(time.Duration(seconds)*time.Second, 10*time.Millisecond)
}
