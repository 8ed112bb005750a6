package overlay

import (
	"time"

	"hearsay/peer/wire"
)

const (
	// rotateEvery is how often one outgoing link is exchanged for another, so that no clique freezes: an
	// honest guess, rare enough that nobody sees it in the traffic.
	rotateEvery = 5 * time.Minute
	// rotateDegree is the least number of links, at either end, from which one can be taken.
	rotateDegree = 3
)

type rotate struct{ next time.Time }

func (r *rotate) start(o *Overlay) { r.next = o.now.Add(o.jitter(rotateEvery)) }

// advance dials somebody with a free slot; the old link goes when the new one is up, not before.
func (r *rotate) advance(o *Overlay) {
	if o.now.Before(r.next) {
		return
	}
	r.next = o.now.Add(o.jitter(rotateEvery))
	if o.out < o.cfg.Links || o.degree() < rotateDegree {
		return
	}
	var old *conn
	n := 0
	for _, c := range o.order {
		// One that lacks links itself would only look for us again.
		if c.state == up && c.out && !c.bridgeIsFresh(o.now) && c.slots.Degree() >= rotateDegree && c.slots.Out >= c.slots.Links {
			if n++; o.rng.IntN(n) == 0 {
				old = c
			}
		}
	}
	p := o.choose()
	if old == nil || p == nil || p.dead || p.free == 0 {
		return
	}
	o.dialPeer(p, wire.PurposeLink).spares = old.id
}
