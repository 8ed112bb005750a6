package overlay

import (
	"math/rand/v2"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// What the ears take for noise is what the overlay itself would, and agreed with as it would.
func TestEarsHearAsTheOverlayDoes(t *testing.T) {
	noise, agreed := 0, 0
	times(t, 5, 0, func(w *world) time.Duration {
		n := 40 + w.rng.IntN(60) // more than a passive view holds
		for range n {
			w.add(slots(3, 6))
		}
		for range 60 {
			w.run(time.Duration(w.rng.Int64N(int64(300 * time.Millisecond))))
			for range 20 {
				o := w.nodes[w.rng.IntN(n)].o
				a := invented(w, o, w.nodes[w.rng.IntN(n)].o.Announcement())
				o.newcomerAt = w.now.Add(time.Millisecond) // as if a crowd had just introduced itself
				o.listen()
				heard := o.root.heard
				if w.rng.IntN(2) == 0 {
					o.root.heard = o.now.Add(-cutOffFor) // as if its beacons no longer came
				}
				ears := *o.ears
				if !ears.Noise(w.now, &a) {
					o.root.heard = heard
					continue
				}
				noise++
				if a.Seeking && o.ears.drawn(w.now, idKey(a.ID)) || !o.noise(w.now, &a) {
					t.Fatalf("the ears of %s take for noise what is none: %+v", o.cfg.ID.Short(), a)
				}
				if o.ears.agreed++; (ears.agreed == o.ears.agreed) != o.agrees(&a) {
					t.Fatalf("the ears of %s and the rest differ on whether it says the same: %+v", o.cfg.ID.Short(), a)
				}
				o.ears.agreed, o.root.heard = ears.agreed, heard
				agreed += int(ears.agreed)
			}
		}
		return 0
	})
	if noise < 1000 || agreed < 100 {
		t.Errorf("%d announcements were noise, %d agreed: too few to prove anything", noise, agreed)
	}
}

// invented changes something of an announcement, in three cases of four.
func invented(w *world, o *Overlay, a wire.Announcement) wire.Announcement {
	switch w.rng.IntN(8) {
	case 0:
		a.ID = wire.NewID(w.rng)
	case 1:
		a.ID, a.Seeking = wire.NewID(w.rng), true
	case 2:
		a.ID, a.Root, a.RootSeq = wire.NewID(w.rng), "", 0
	case 3:
		a.ID, a.Root = wire.NewID(w.rng), wire.NewID(w.rng)
		if seen := o.root.seen; len(seen) > 0 && w.rng.IntN(4) > 0 {
			s := seen[w.rng.IntN(len(seen))]
			a.Root, a.RootSeq = s.id, s.seq+w.rng.Uint64N(2)
		}
	case 4:
		a.ID, a.RootSeq = wire.NewID(w.rng), a.RootSeq+w.rng.Uint64N(4)
	case 5:
		a.Leaving = true
	}
	return a
}

// A filter knows everybody whom it has learnt, and few others.
func TestFamiliar(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var f familiar
	var keys []uint64
	for range maxPassive + 9 {
		keys = append(keys, idKey(wire.NewID(rng)))
	}
	f.learn(keys)
	for _, k := range keys {
		if !f.has(k) {
			t.Fatalf("it does not know %x", k)
		}
	}
	wrong := 0
	for range 10_000 {
		if f.has(idKey(wire.NewID(rng))) {
			wrong++
		}
	}
	if wrong > 400 {
		t.Errorf("it takes %d of 10,000 strangers for acquaintances", wrong)
	}
}
