package overlay

import (
	"time"

	"hearsay/peer/wire"
)

// heal is the mending that is under way: from the loss of a link until the outgoing slots are filled
// again, or nobody is left to dial. Losses meanwhile belong to the same mending.
type heal struct {
	began   time.Time // zero: nothing is being mended
	context wire.Context
	loss    Event         // what is told in the end
	count   uint64        // mended
	last    time.Duration // how long the last one took
}

func (h *heal) lost(o *Overlay, c *conn) {
	// An incoming link is the neighbor's to replace, unless it was all we had.
	if !h.began.IsZero() || o.out >= o.cfg.Links || !c.out && o.degree() > 1 {
		return
	}
	h.began, h.context = o.now, o.span(wire.Context{})
	h.loss = Event{Kind: Healed, Start: o.now, Context: shown(h.context), Link: shown(c.context), Conn: c.id,
		Peer: c.peer, Name: c.name, Addr: c.addr}
	o.effect(Effect{Action: Inconsistent})
}

// check ends the mending.
func (h *heal) check(o *Overlay) {
	if h.began.IsZero() {
		return
	}
	outcome := "linked"
	switch {
	case o.out >= o.cfg.Links:
	case o.dials() > 0 || o.someoneLeft():
		return
	case o.degree() > 0:
		outcome = "saturated"
	default:
		outcome = "alone"
	}
	e := h.loss
	e.End, e.Outcome = o.now, outcome
	o.event(e)
	if o.degree() > 0 {
		h.count++
		h.last = o.now.Sub(h.began)
	}
	h.began, h.context, h.loss = time.Time{}, wire.Context{}, Event{}
}
