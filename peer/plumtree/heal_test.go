package plumtree

import (
	"slices"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// TestKillHalf kills three of six at once, while all publish a hundred messages a second together, and
// measures how long the slowest message of a survivor takes to the last survivor.
func TestKillHalf(t *testing.T) {
	for _, c := range []struct {
		name        string
		loud        bool
		median, p95 time.Duration
	}{
		{"killed", true, 25 * time.Millisecond, 100 * time.Millisecond},
		// Until the overlay notices, only IHAVE and the graft timer help.
		{"paused", false, 50 * time.Millisecond, 300 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			var worst []time.Duration
			for seed := range uint64(40) {
				worst = append(worst, killHalf(t, seed, c.loud))
			}
			slices.Sort(worst)
			median, p95 := worst[len(worst)/2], worst[len(worst)*95/100]
			t.Logf("the slowest message took %v in the median, %v at p95, %v at most", median, p95, worst[len(worst)-1])
			if median > c.median || p95 > c.p95 {
				t.Errorf("want at most %v in the median and %v at p95", c.median, c.p95)
			}
		})
	}
}

func killHalf(t *testing.T, seed uint64, loud bool) (worst time.Duration) {
	n := newNetwork(t, seed)
	n.delay = func() time.Duration {
		return 200*time.Microsecond + time.Duration(n.rng.Int64N(int64(300*time.Microsecond)))
	}
	for range 6 {
		n.start()
	}
	if !loud {
		n.ring(n.peers[3:]) // the survivors are one mesh without the others
	}
	n.random(3)
	var ids []wire.Mark
	talk := func(d time.Duration, peers []*peer) {
		for end := n.now.Add(d); n.now.Before(end); n.run(10 * time.Millisecond) {
			p := peers[n.rng.IntN(len(peers))]
			ids = append(ids, wire.Mark{Origin: p.origin, Seq: p.publish("x")})
		}
	}
	talk(2*time.Second, n.peers)
	n.run(time.Duration(n.rng.Int64N(int64(10 * time.Millisecond))))
	dying, survivors := n.peers[:3], n.peers[3:]
	for _, p := range dying {
		if !loud {
			p.paused = true
			continue
		}
		n.kill(p)
		n.run(time.Duration(n.rng.Int64N(int64(time.Millisecond))))
	}
	talk(30*time.Millisecond, survivors)
	if loud {
		n.ring(survivors) // the overlay's work
	}
	talk(time.Second, survivors)
	n.run(time.Second)
	for _, m := range ids {
		id := wire.MessageID(m.Origin, m.Seq)
		for _, o := range survivors {
			if o.origin != m.Origin {
				continue
			}
			for _, p := range survivors {
				if p == o {
					continue
				}
				if !p.has(o, m.Seq) {
					t.Fatalf("seed %d: %s lacks %d of %s\n%s", seed, p.name, m.Seq, o.name, n.table(o))
				}
				worst = max(worst, p.when[id].Sub(o.when[id]))
			}
		}
	}
	return worst
}

// ring links each of the peers to the next.
func (n *network) ring(peers []*peer) {
	for i, p := range peers {
		if q := peers[(i+1)%len(peers)]; !n.linked(p, q) {
			n.join(p, q)
		}
	}
}

// TestManyPublishersSettle has all of many peers publish at once, which prunes and grafts the shared
// tree from all sides. It must settle: no duplicates in the end, and not too deep.
func TestManyPublishersSettle(t *testing.T) {
	for _, c := range []struct {
		peers, links int
		every        time.Duration // each peer's time between messages
		round        time.Duration
		ldh          float64 // the last delivery hop in the end, on average
	}{
		{3, 2, time.Millisecond, 20 * time.Millisecond, 2},
		{16, 5, 100 * time.Millisecond, time.Second, 6},
		{16, 5, time.Millisecond, 60 * time.Millisecond, 6},
		{50, 5, 20 * time.Millisecond, 300 * time.Millisecond, 9},
	} {
		// Which tree it becomes is chance: the depth is that of two.
		var depth float64
		seeds := []uint64{7, 8}
		for _, seed := range seeds {
			n := newNetwork(t, seed)
			n.delay = func() time.Duration {
				return 200*time.Microsecond + time.Duration(n.rng.Int64N(int64(300*time.Microsecond)))
			}
			for range c.peers {
				n.start()
			}
			n.random(c.links)
			var rmr, ldh float64
			for round := range 3 {
				rmr, ldh = n.everybody(c.round, c.every)
				t.Logf("%d peers, seed %d, round %d: RMR %.4f, LDH %.1f", c.peers, seed, round, rmr, ldh)
			}
			if rmr > 0.05 {
				t.Errorf("%d peers, seed %d do not settle: RMR %.4f", c.peers, seed, rmr)
			}
			depth += ldh / float64(len(seeds))
		}
		if depth > c.ldh {
			t.Errorf("%d peers make a deep tree: LDH %.1f, and %.0f is enough", c.peers, depth, c.ldh)
		}
	}
}

// everybody publishes for a while, each at his pace, and the redundancy and mean last delivery hop of that are
// returned.
func (n *network) everybody(round, every time.Duration) (rmr, ldh float64) {
	before := n.sum()
	for _, p := range n.peers {
		clear(p.hops)
	}
	for end := n.now.Add(round); n.now.Before(end); n.run(every / time.Duration(len(n.peers))) {
		n.peers[n.rng.IntN(len(n.peers))].publish("x")
	}
	hops, messages := 0, 0
	for _, p := range n.peers {
		for _, h := range p.hops {
			hops, messages = hops+h, messages+1
		}
	}
	s := n.sum()
	return float64(s.Duplicates-before.Duplicates) / float64(s.Delivered-before.Delivered), float64(hops) / float64(messages)
}

func (n *network) sum() (sum Stats) {
	for _, p := range n.peers {
		s := p.tree.Stats()
		sum.Published += s.Published
		sum.Delivered += s.Delivered
		sum.Duplicates += s.Duplicates
		sum.Grafts += s.Grafts
		sum.Prunes += s.Prunes
		sum.IHaves += s.IHaves
		sum.Lost += s.Lost
	}
	return sum
}
