package sim

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever is pushed, popped and looked ahead at, the earliest event comes first; of one instant, the one pushed first.
func TestQueueKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var want []slot // in order
		now := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				at := now + rapid.Int64Range(0, 20).Draw(t, "after")
				q.push(at, evCall)
				i := len(want)
				for i > 0 && at < want[i-1].at {
					i--
				}
				want = append(want[:i], append([]slot{{at: at, order: q.order}}, want[i:]...)...)
			},
			"draw": func(t *rapid.T) {
				if len(q.near) == 0 {
					q.draw(ahead)
				}
			},
			"pop": func(t *rapid.T) {
				at, ok := q.next()
				if ok != (len(want) > 0) {
					t.Fatalf("next says %v of %d events", ok, len(want))
				}
				if !ok {
					return
				}
				e := q.pop()
				if e.at != at || e.at != want[0].at || e.order != want[0].order {
					t.Fatalf("popped %d at %d, next said %d; want %d at %d", e.order, e.at, at, want[0].order, want[0].at)
				}
				now, want = e.at, want[1:]
				q.release(e)
			},
		})
	})
}

// Looking ahead changes nothing but how long it takes.
func TestLookingAheadChangesNothing(t *testing.T) {
	var digests [2]uint64
	for i, from := range []int{1, LargeFrom} {
		p := good()
		p.Kill, p.Churn, p.Loss, p.For = 0.3, 1, 0.01, 4_000_000_000
		r, err := NewRun(p)
		if err != nil {
			t.Fatal(err)
		}
		r.World.largeFrom = from
		if err := r.Do(nil); err != nil {
			t.Fatal(err)
		}
		digests[i] = r.World.Digest()
	}
	if digests[0] != digests[1] {
		t.Errorf("the digests are %x and %x", digests[0], digests[1])
	}
}
