package basic

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kauth-dev/kauth/pkg/auth"
	"github.com/kauth-dev/kauth/pkg/htpasswd"
)

// remembering returns a Check of n users that remembers the password of the last.
func remembering(b testing.TB, n int) (*Check, string) {
	var file strings.Builder
	for i := range n - 1 {
		file.WriteString(bcryptLine(fmt.Sprint("user", i), "10"))
	}
	file.WriteString(hashed(b, "prometheus", "correct horse battery"))
	c := New(Options{Realm: "x", TTL: time.Hour, Queue: 1})
	c.SetUsers(htpasswd.Parse([]byte(file.String())))
	header := credentials("prometheus", "correct horse battery")
	if d := decide(b, c, request(header)); d.Outcome != auth.Allow {
		b.Fatal(d.Reason)
	}
	return c, header
}

func TestCachedUserAllocatesNothing(t *testing.T) {
	c, header := remembering(t, 10)
	r := request(header)
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Authenticate(r) }); n != 0 {
		t.Errorf("%v allocations a request, want none", n)
	}
}

func BenchmarkCachedUser(b *testing.B) {
	c, header := remembering(b, 10_000)
	r := request(header)
	b.ReportAllocs()
	for b.Loop() {
		if d, _ := c.Authenticate(r); d.Outcome != auth.Allow {
			b.Fatal(d.Reason)
		}
	}
}

func BenchmarkCachedUserParallel(b *testing.B) {
	c, header := remembering(b, 10_000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := request(header)
		for pb.Next() {
			if d, _ := c.Authenticate(r); d.Outcome != auth.Allow {
				b.Fatal(d.Reason)
			}
		}
	})
}

// BenchmarkRefused is what one request of a flood costs when there is no place for it.
func BenchmarkRefused(b *testing.B) {
	c, _ := remembering(b, 10)
	c.match = func(htpasswd.Hash, string, func()) bool { select {} }
	for i := range 2 {
		go func() { _, _ = c.Authenticate(request(credentials("x", fmt.Sprint(i)))) }()
	}
	for full := false; !full; runtime.Gosched() {
		c.slot.mu.Lock()
		full = c.slot.front && len(c.slot.queue) == 1
		c.slot.mu.Unlock()
	}
	r := request(credentials("x", "y"))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = c.Authenticate(r)
	}
}

func BenchmarkSetUsers10000(b *testing.B) {
	var file strings.Builder
	for i := range 10_000 {
		file.WriteString(bcryptLine(fmt.Sprint("user", i), "10"))
	}
	f := htpasswd.Parse([]byte(file.String()))
	c := New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		c.SetUsers(f)
	}
}
