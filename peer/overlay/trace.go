package overlay

import "hearsay/peer/wire"

// Contexts are drawn here, since what they name happens here; whoever reads Events makes spans of
// them, or does not. A context that was not sampled travels on all the same, in HELLO too: the far side
// must not begin a trace of its own in the middle of one that somebody decided not to keep.

// span names a new span beneath parent, or the root of a new trace if there is none.
func (o *Overlay) span(parent wire.Context) wire.Context {
	if parent.Valid() {
		return parent.Child(o.spans)
	}
	if o.cfg.Sample == nil {
		return wire.Context{}
	}
	c := wire.NewContext(o.spans, false)
	c.Sampled = o.cfg.Sample(wire.Context{}, c.Trace)
	return c
}

// shown is a context as events and links show it: zero unless sampled.
func shown(c wire.Context) wire.Context {
	if !c.Sampled {
		return wire.Context{}
	}
	return c
}

func (o *Overlay) event(e Event) { o.events.add(e) }

// told is the one event of every dial and accept.
func (o *Overlay) told(c *conn, outcome string, reason wire.Reason) {
	kind := Accepted
	if c.out {
		kind = Dialled
	}
	o.event(Event{Kind: kind, Start: c.began, End: o.now, Context: shown(c.context), Parent: shown(c.parent), Conn: c.id,
		Peer: c.peer, Name: c.name, Addr: c.addr, Purpose: c.purpose, By: c.by, Outcome: outcome, Reason: reason, Priority: c.priority})
}
