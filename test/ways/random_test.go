package ways

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kauth-dev/kauth/pkg/choice"
	"github.com/kauth-dev/kauth/pkg/config"
	"github.com/kauth-dev/kauth/pkg/inject"
)

var (
	firstFlag = flag.Uint64("seed", 1, "the first topology to try")
	countFlag = flag.Int("topologies", topologies, "how many topologies to try")
)

// options are what kauth is told of a topology.
func (g *gen) options() (inject.Options, error) {
	var o inject.Options
	o.AllowNone = true
	if g.told {
		o.Namespace = g.ns
	}
	var tell config.Flags
	switch g.IntN(10) {
	case 0:
		tell.TLSSecret = new("tls")
	case 1:
		tell.Port = new(8443)
	case 2:
		tell.SignIn = new("page")
	case 3:
		tell.RequireHeader, tell.HeaderSecret = new("X-Origin-Verify"), new("origin")
	case 4:
		tell.NetworkPolicy = new("same-namespace")
	case 5:
		tell.NetworkPolicy = new("gate-only")
	}
	file, err := g.parsed()
	if err != nil {
		return o, err
	}
	all, err := config.Resolve(tell, file)
	if err != nil {
		return o, err
	}
	o.Settings, o.Rules = all.Settings, all.Rules
	o.KeepInternal = g.keepInternal()
	for _, text := range g.targets {
		target, err := choice.ParseTarget(text)
		if err != nil {
			return o, err
		}
		if !slices.Contains(o.Targets, target) {
			o.Targets = append(o.Targets, target)
		}
	}
	return o, nil
}

// A failure is a topology that kauth does not treat as it should.
type failure struct {
	kind string // the first complaint, without names
	text string
}

// attempt tries one topology. A failure is shrunk, for the first of its kind.
func attempt(seed uint64, first func(kind string) bool) (tried, *failure, error) {
	g := topology(seed)
	o, err := g.options()
	if err != nil {
		return tried{}, nil, err
	}
	judged := func(items []item) (tried, []string) {
		got, wrong := judge(render(items), o)
		return got, append(wrong, g.undone(got)...)
	}
	got, wrong := judged(g.items)
	if len(wrong) == 0 {
		return got, nil, nil
	}
	fail := &failure{kind: shape(wrong[0])}
	if !first(fail.kind) {
		return got, fail, nil
	}
	items := shrink(g.items, func(items []item) bool {
		_, still := judged(items)
		return len(still) > 0 && shape(still[0]) == fail.kind
	})
	last, wrong := judged(items)
	var said []string
	for _, line := range last.Findings {
		said = append(said, fmt.Sprintf("%s: %s %s/%s: %s: %s", line.Severity, line.Kind, line.NS, line.Name, line.Field, line.Message))
	}
	fail.text = fmt.Sprintf("-seed %d -topologies 1; namespace %q, gates %v, inside %v\n%s%s\nkauth says\n%s\nof\n%s", seed, o.Namespace, g.targets, o.KeepInternal, g.file,
		strings.Join(wrong, "\n"), strings.Join(said, "\n"), render(items))
	return got, fail, nil
}

// TestTopologies tries random topologies: whatever the stream, kauth closes every way past its gates, loses and adds none,
// changes nothing else, does twice what it does once, can be taken out again, and refuses only for reasons that are so.
func TestTopologies(t *testing.T) {
	var (
		mu            sync.Mutex
		gates, stops  int
		failed        = map[string]int{}
		next, workers = *firstFlag, sync.WaitGroup{}
	)
	first := func(kind string) bool {
		mu.Lock()
		defer mu.Unlock()
		failed[kind]++
		return failed[kind] == 1
	}
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next-1 < *firstFlag+uint64(*countFlag)
	}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed, ok := take(); ok; seed, ok = take() {
				got, fail, err := attempt(seed, first)
				if err != nil {
					t.Errorf("-seed %d: %v", seed, err)
				}
				if fail != nil && fail.text != "" {
					t.Error(fail.text)
				}
				mu.Lock()
				gates += got.Gates
				if got.Out == nil {
					stops++
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	t.Logf("%d topologies, %d gates, %d refused", *countFlag, gates, stops)
	for _, kind := range slices.Sorted(maps.Keys(failed)) {
		t.Logf("%d times: %s", failed[kind], kind)
	}
	if *countFlag >= 100 && (gates < *countFlag/2 || stops > *countFlag/2) {
		t.Errorf("%d gates and %d refusals in %d topologies: too few are gated to say much", gates, stops, *countFlag)
	}
}

// shape is a message without what differs between two of the same kind.
func shape(message string) string {
	var words []string
	for word := range strings.FieldsSeq(message) {
		if strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz:,;") == "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// shrink takes objects away as long as it goes on failing, and then writes those that are left as plainly as that goes.
func shrink(items []item, fails func([]item) bool) []item {
	for i := 0; i < len(items); {
		less := slices.Delete(slices.Clone(items), i, i+1)
		if len(less) > 0 && fails(less) {
			items, i = less, 0
		} else {
			i++
		}
	}
	for i := range items {
		plain := slices.Clone(items)
		plain[i].style = block
		if fails(plain) {
			items = plain
		}
	}
	return items
}
