package overlay

import (
	"testing"
	"time"
)

// seeds runs a story with many seeds; a failure names its own.
func seeds(t *testing.T, n int, story func(w *world)) {
	t.Helper()
	if testing.Short() {
		n = max(1, n/10)
	}
	for seed := range uint64(n) {
		w := newWorld(t, seed)
		w.logging = testing.Verbose()
		story(w)
	}
}

// times runs a story with many seeds and says how long it took: the median, 95 of 100, and the worst.
func times(t *testing.T, n int, limit time.Duration, story func(w *world) time.Duration) {
	t.Helper()
	var all []time.Duration
	missed := 0
	seeds(t, n, func(w *world) {
		d := story(w)
		if d < 0 {
			missed++
			t.Logf("seed %d: never", w.seed)
			d = time.Hour
		}
		all = append(all, d)
	})
	t.Logf("median %v, p95 %v, worst %v of %d", percentile(all, 0.5), percentile(all, 0.95), percentile(all, 1), len(all))
	if p := percentile(all, 0.95); p > limit || missed > 0 {
		t.Errorf("p95 is %v, which is over %v; %d never", p, limit, missed)
	}
}

func TestSixFormOneMesh(t *testing.T) {
	times(t, 200, time.Second, func(w *world) time.Duration {
		for range 6 {
			w.add()
		}
		return w.until(5*time.Second, func() bool { return w.whole() && w.content() })
	})
}
