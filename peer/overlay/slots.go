package overlay

import (
	"time"

	"hearsay/peer/wire"
)

// Slots is our load.
func (o *Overlay) Slots() wire.Slots {
	return wire.Slots{Out: o.out, Links: o.cfg.Links, In: o.in, Serve: o.cfg.Serve}
}

func (o *Overlay) degree() int { return o.in + o.out }

// turns bounds how often Trickle is reset because we begin to seek, or end. That is news if links have come or gone.
// But where every slot is taken, and a dial in thirty fails, since packets are lost, whom we are not linked with is
// gone and back all the time: each time that made half a dozen announcements.
type turns struct {
	slots wire.Slots // at the last turn
	idle  bucket     // turns without a link that came or went
}

const (
	turnEvery  = 30 * time.Second
	turnsBurst = 4
)

func (t *turns) turned(o *Overlay) {
	slots := o.Slots()
	if slots == t.slots && !t.idle.take(o.now) {
		o.counts.limit("turns")
		return
	}
	t.slots = slots
	o.effect(Effect{Action: Inconsistent})
}

// Seeking reports whether we lack links that somebody alive could give us. A peer that is linked with
// everybody it knows is saturated: that it has slots to spare is no lack.
func (o *Overlay) Seeking() bool {
	if o.leaving {
		return false
	}
	if o.degree() == 0 {
		return true
	}
	// Two neighbors are the least: whoever has one is alone when that one dies. With every slot for
	// dialling in use it can still be dialled.
	return (o.out < o.cfg.Links || o.degree() < 2) && o.someoneLeft()
}

// shutAfter is how many dials in a row that do not connect make a peer one that cannot be dialled, though it
// announces itself: the first may have met a lost SYN.
const shutAfter = 2

// someoneLeft reports whether we know anybody alive whom we are not linked with, and could be. Who announces
// himself and cannot be dialled does not count, or his every word would have us say that we are seeking, and
// his next dial that failed that we are not.
func (o *Overlay) someoneLeft() bool {
	for _, p := range o.view.list {
		if !p.dead && p.shut < shutAfter {
			return true
		}
	}
	for _, p := range o.join.list {
		if !p.dead && p.shut < shutAfter && !o.join.elsewhere(o, p) {
			return true
		}
	}
	return false
}
