package overlay

import (
	"net/netip"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// Two peers that dial each other at one time, knowing each other's ID or only an address, over a
// network on which anything may overtake anything except on one connection: one link is left, and
// both ends have it.
func TestSimultaneousDials(t *testing.T) {
	seeds(t, 1500, func(w *world) {
		w.multicast = false
		most := []time.Duration{2 * time.Millisecond, 30 * time.Millisecond, 150 * time.Millisecond}[w.rng.IntN(3)]
		w.latency = func() time.Duration { return time.Duration(w.rng.Int64N(int64(most))) }
		wanted := 1 + w.rng.IntN(3)
		a, b := w.add(slots(wanted, wanted)), w.add(slots(wanted, wanted))
		for _, pair := range [][2]*node{{a, b}, {b, a}} {
			n, other := pair[0], pair[1]
			known := w.rng.IntN(2) == 0
			w.after(time.Duration(w.rng.Int64N(int64(2*most))), func() {
				n.call(func() {
					if known {
						n.o.Heard(w.now, other.addr, &wire.Announcement{ID: other.id(), Name: "other", Port: other.addr.Port(), Slots: other.o.Slots(), Seeking: true})
					} else {
						n.o.Joined(w.now, []netip.AddrPort{other.addr})
					}
				})
			})
		}
		w.run(4 * time.Second)
		if len(a.ups) != 1 || len(b.ups) != 1 || !w.whole() {
			w.fatalf("%d and %d links", len(a.ups), len(b.ups))
		}
		// In the first round: a second dial would hide that the first two had killed each other.
		for _, n := range w.nodes {
			dials := 0
			for _, e := range n.events {
				if e.Kind == Dialled && links(e.Purpose) {
					dials++
				}
			}
			if dials > 1 {
				w.fatalf("%v dialled %d times", n, dials)
			}
		}
		// It stays, too.
		up := func(n *node) (l Link) {
			for _, l = range n.ups {
			}
			return l
		}
		before := up(a).Conn
		w.run(30 * time.Second)
		if len(a.ups) != 1 || up(a).Conn != before {
			w.fatalf("the link changed after it had settled")
		}
		if up(a).Out == up(b).Out {
			w.fatalf("both ends say that they dialled, or neither does")
		}
	})
}
