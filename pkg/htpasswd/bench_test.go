package htpasswd

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkMatch(b *testing.B) {
	for _, tc := range []struct{ name, hash string }{
		{"bcrypt4", wasted(4)},
		{"bcrypt10", wasted(10)},
		{"bcrypt12", wasted(12)},
		{"apr1", aprHash},
		{"sha1", shaHash},
		{"ssha", sshaHash},
		{"sha256", "$5$saltsaltsaltsalt$" + strings.Repeat(".", 43)},
		{"sha512", "$6$saltsaltsaltsalt$" + strings.Repeat(".", 86)},
	} {
		b.Run(tc.name, func(b *testing.B) {
			h := mustHash(b, tc.hash)
			b.ReportAllocs()
			for b.Loop() {
				h.Match("correct horse 42")
			}
			b.ReportMetric(float64(h.Work().Nanoseconds()), "estimate-ns")
		})
	}
}

// manyUsers is a file of n users.
func manyUsers(n int) []byte {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "user%d:%s\n", i, wasted(10))
	}
	return []byte(text.String())
}

func BenchmarkParse10000(b *testing.B) {
	text := manyUsers(10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Parse(text).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup10000(b *testing.B) {
	f := Parse(manyUsers(10_000))
	for b.Loop() {
		if len(f.Lookup("user9999")) != 1 {
			b.Fatal("not found")
		}
	}
}
