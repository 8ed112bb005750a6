package overlay

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// At rest a mesh costs next to nothing: pings, beacons, a probe of the root's, a shuffle now and then.
// This is measured in an hour of virtual time, and links hardly change.
func TestRest(t *testing.T) {
	for _, n := range []int{1, 2, 6} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t, 1)
			for range n {
				w.add()
			}
			w.run(2 * time.Minute)
			conns, downs := 0, 0
			for _, v := range w.nodes {
				conns -= len(v.opened)
				for _, e := range v.events {
					if e.Kind == Lost {
						downs--
					}
				}
				clear(v.sent)
			}
			const minutes = 30
			w.run(minutes * time.Minute)
			sent := map[wire.Verb]int{}
			for _, v := range w.nodes {
				conns += len(v.opened)
				for verb, count := range v.sent {
					sent[verb] += count
				}
				for _, e := range v.events {
					if e.Kind == Lost {
						downs++
					}
				}
			}
			for _, verb := range slices.Sorted(maps.Keys(sent)) {
				t.Logf("%12s %8.2f per peer and minute", verb, float64(sent[verb])/float64(n)/minutes)
			}
			t.Logf("%.2f dials and accepts per peer and minute, %.2f links lost per peer and hour", float64(conns)/float64(n)/minutes, float64(downs)/float64(n)/minutes*60)
		})
	}
}
