package ways

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/kauth-dev/kauth/pkg/inject"
	"github.com/kauth-dev/kauth/pkg/plan"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "the one topology to try")
	featFlag  = flag.String("features", "", "parts of topologies that kauth does not know yet: runtime,highest,route-ports")
	countFlag = flag.Int("topologies", 3000, "how many topologies to try")
)

// options are what kauth is told of a topology.
func (g *gen) options(t *testing.T) inject.Options {
	t.Helper()
	var o inject.Options
	o.AllowNone = true
	if g.told {
		o.Namespace = g.ns
	}
	switch g.IntN(10) {
	case 0:
		o.TLSSecret = "tls"
	case 1:
		o.Port = 8443
	case 2:
		o.SignIn = "page"
	case 3:
		o.RequireHeader, o.HeaderSecret = "X-Origin-Verify", "origin"
	}
	for _, text := range g.targets {
		target, err := plan.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(o.Targets, target) {
			o.Targets = append(o.Targets, target)
		}
	}
	return o
}

func TestRandom(t *testing.T) {
	has := func(name string) bool { return slices.Contains(strings.Split(*featFlag, ","), name) }
	asked := features{has("runtime"), has("highest"), has("route-ports")}
	first, count := uint64(1), *countFlag
	if *seedFlag != 0 {
		first, count = *seedFlag, 1
	}
	gated, refused, kinds, failed := 0, 0, map[string]int{}, map[string]int{}
	for seed := first; seed < first+uint64(count); seed++ {
		g := topology(seed, asked)
		o := g.options(t)
		got, wrong := judge(render(g.items), o, asked.runtime)
		gated += got.Gates
		if got.Out == nil {
			refused++
			for _, f := range got.Refused {
				kinds[shape(f.Message)]++
			}
		}
		if len(wrong) == 0 {
			continue
		}
		if failed[shape(wrong[0])]++; failed[shape(wrong[0])] > 1 {
			continue
		}
		items := shrink(g.items, func(items []item) bool {
			_, still := judge(render(items), o, asked.runtime)
			return len(still) > 0 && shape(still[0]) == shape(wrong[0])
		})
		got, wrong = judge(render(items), o, asked.runtime)
		t.Errorf("seed %d, namespace %q, gates %v:\n%s\n%v\n%s", seed, o.Namespace, g.targets, strings.Join(wrong, "\n"), got.Findings, render(items))
	}
	if t.Failed() {
		t.Logf("failures of one kind, the first of each above: %v", failed)
	}
	t.Logf("%d topologies, %d gates, %d refused: %v", count, gated, refused, kinds)
}

// shape is a message without what differs between two of the same kind.
func shape(message string) string {
	var b strings.Builder
	for _, word := range strings.Fields(message) {
		if strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz:,;") == "" {
			b.WriteString(word + " ")
		}
	}
	return b.String()
}

// shrink takes objects away as long as it goes on failing.
func shrink(items []item, fails func([]item) bool) []item {
	for i := 0; i < len(items); {
		less := slices.Delete(slices.Clone(items), i, i+1)
		if len(less) > 0 && fails(less) {
			items, i = less, 0
		} else {
			i++
		}
	}
	for i := range items { // and writes them as plainly as that goes
		plain := slices.Clone(items)
		plain[i].style = block
		if fails(plain) {
			items = plain
		}
	}
	return items
}
