package overlay

import (
	"slices"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// Everything happens to a mesh at once: deaths loud and silent, restarts, pauses, partitions, goodbyes
// and broken connections. First safety, which is checked after every event; then the faults stop, and
// within a stated time the mesh is one and everybody has the links he wants.
func TestChaos(t *testing.T) {
	times(t, 40, 15*time.Second, func(w *world) time.Duration {
		s := [][2]int{{3, 6}, {3, 3}, {2, 4}, {1, 2}, {1, 1}}[w.rng.IntN(5)]
		n := 4 + w.rng.IntN(12)
		w.multicast = w.rng.IntN(3) > 0
		w.lossy = float64(w.rng.IntN(3)) * 0.1
		most := []time.Duration{time.Millisecond, 20 * time.Millisecond, 150 * time.Millisecond}[w.rng.IntN(3)]
		w.latency = func() time.Duration { return time.Duration(w.rng.Int64N(int64(most))) }
		join := !w.multicast || w.rng.IntN(2) == 0
		add := func() {
			if join {
				w.addJoin(upTo(n), slots(s[0], s[1]))
			} else {
				w.add(slots(s[0], s[1]))
			}
		}
		for range n {
			add()
		}
		w.run(3 * time.Second)
		for range 60 {
			w.run(time.Duration(w.rng.Int64N(int64(3 * time.Second))))
			v := w.nodes[w.rng.IntN(n)]
			switch w.rng.IntN(9) {
			case 0:
				if v.alive && !v.paused {
					v.kill(w.rng.IntN(2) == 0)
				}
			case 1, 2:
				if !v.alive {
					v.start(slots(s[0], s[1]))
				}
			case 3:
				if v.alive && !v.paused {
					v.pause()
				}
			case 4:
				if v.paused {
					v.resume()
				}
			case 5:
				if w.group == nil {
					perm := w.rng.Perm(n)
					cut := 1 + w.rng.IntN(n-1)
					var a, b []*node
					for i, j := range perm {
						if i < cut {
							a = append(a, w.nodes[j])
						} else {
							b = append(b, w.nodes[j])
						}
					}
					w.split(a, b)
				}
			case 6, 7:
				if w.group != nil {
					w.mend()
				}
			case 8:
				if v.alive && !v.paused {
					if w.rng.IntN(3) == 0 {
						v.leave()
					} else {
						v.cut()
					}
				}
			}
		}
		if w.group != nil {
			w.mend()
		}
		for _, v := range w.nodes {
			if v.paused {
				v.resume()
			}
			if !v.alive {
				v.start(slots(s[0], s[1]))
			}
		}
		d := w.steady(90*time.Second, w.whole)
		if d >= 0 && w.until(10*time.Second, w.content) < 0 {
			w.lacking()
		}
		return d
	})
}

// leave says goodbye and ends the process.
func (n *node) leave() {
	n.call(func() { n.o.Leave(n.w.now) })
	n.alive = false
	n.w.logf("%v LEFT", n)
}

// cut breaks one connection, for both ends.
func (n *node) cut() {
	conns := make([]wire.Conn, 0, len(n.ends))
	for c := range n.ends {
		conns = append(conns, c)
	}
	if len(conns) == 0 {
		return
	}
	slices.Sort(conns)
	e := n.ends[conns[n.w.rng.IntN(len(conns))]]
	n.w.logf("%v CUT %d", n, e.conn)
	n.shut(e, wire.ReasonReset)
	n.call(func() { n.o.Closed(n.w.now, e.conn, wire.ReasonReset) })
}
