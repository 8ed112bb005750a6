package plumtree

import "hearsay/peer/wire"

// How a message came, and why one was dropped: Event.Reason and the keys of Stats.Dropped.
const (
	reasonEager   = "eager"
	reasonGraft   = "graft"
	reasonCatchUp = "catch-up"

	reasonOld         = "old"          // older than this peer, so not owed to it
	reasonExpired     = "expired"      // older than the retention window
	reasonHoldFull    = "hold-full"    // too many wait for earlier ones; it will be asked for again
	reasonOriginsFull = "origins-full" // too many origins
)

// Why messages were lost: Event.Reason of Lost.
const (
	reasonGone   = "gone"   // all who had them keep them no longer
	reasonNobody = "nobody" // whoever had them has been away for a whole window
)

// hopSpan is this hop's span in the message's trace; zero if that is not recorded.
func (t *Tree) hopSpan(m *wire.Msg) wire.Context {
	if !m.Publisher.Sampled {
		return wire.Context{}
	}
	return m.Publisher.Child(t.spans)
}

// newContext begins a trace of our own.
func (t *Tree) newContext() wire.Context {
	c := wire.NewContext(t.spans, false)
	c.Sampled = t.cfg.Sample != nil && t.cfg.Sample(wire.Context{}, c.Trace)
	return c
}

func (t *Tree) processed(o *origin, a *arrival, outcome Outcome, reason string, span wire.Context, links int) {
	m := a.msg
	e := Event{
		Kind: Processed, Start: t.when(a.at), End: t.when(t.now), Context: span,
		Parent: wire.Context{Trace: m.Publisher.Trace, Span: m.Span, Sampled: true}, Link: m.Publisher,
		Conn: a.conn, From: m.Seq, Seq: m.Seq, Size: len(m.Body), Hops: m.Hops,
		Outcome: outcome, Reason: reason, Links: links,
	}
	if m.Span == (wire.SpanID{}) {
		e.Parent = m.Publisher // the sending hop did not record
	}
	if a.held {
		e.Held = t.now - a.at
	}
	if o != nil {
		e.Origin = o.name
	} else {
		e.Origin = wire.Origin(m.Origin)
	}
	t.out.Events = append(t.out.Events, e)
}

// drop counts a message that is not delivered; o may be nil.
func (t *Tree) drop(o *origin, a *arrival, reason string) {
	t.dropSpan(o, a, reason, t.hopSpan(a.msg), 0)
}

// dropSpan is drop for a hop that went on to links under the given span.
func (t *Tree) dropSpan(o *origin, a *arrival, reason string, span wire.Context, links int) {
	t.stats.Dropped[reason]++
	if span.Sampled {
		t.processed(o, a, Dropped, reason, span, links)
	}
}
