package plumtree

import (
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// Publish sends body to everybody, as the next message of this peer. It returns its sequence number,
// and the context of its publication: a span in parent's trace if that is valid, or else the first of
// a new one. It refuses rather than drops: ErrTooLong, or ErrBusy while neighbors cannot take more.
func (t *Tree) Publish(now time.Time, body []byte, parent wire.Context) (seq uint64, ctx wire.Context, err error) {
	t.begin(now)
	if len(body) > wire.MaxBody {
		return 0, wire.Context{}, ErrTooLong
	}
	if t.busy() {
		return 0, wire.Context{}, ErrBusy
	}
	ctx = t.publishContext(parent)
	o := t.self
	if !planted.On(planted.ReuseSequence) || o.upto%50 != 49 {
		o.upto++
	}
	o.touched, o.published = t.now, t.now
	t.ref.heard(o, t.now)
	low := o.log.first()
	if low == 0 {
		low = o.upto
	}
	var span wire.SpanID
	if ctx.Sampled {
		span = ctx.Span
	}
	b := t.log.reserve(headMax + wire.MaxLine + len(body))
	b = wire.AppendMsgHead(b, 0, 1, span)
	head := len(b)
	b = wire.AppendMsgTail(b, o.name, o.upto, low, t.cfg.Name, ctx, body)
	t.log.commit(entry{origin: o, seq: o.upto, published: t.now, written: t.now, span: span, head: uint16(head), hops: 1}, b)
	t.wakeSweep()
	links := t.relay(o, b)
	t.stats.Published++
	if ctx.Sampled {
		t.out.Events = append(t.out.Events, Event{
			Kind: Published, Start: t.when(t.now), End: t.when(t.now), Context: ctx, Parent: parent,
			Origin: o.name, From: o.upto, Seq: o.upto, Size: len(body), Links: links,
		})
	}
	return o.upto, ctx, nil
}

func (t *Tree) publishContext(parent wire.Context) wire.Context {
	c := parent.Child(t.spans)
	if !c.Valid() {
		c = wire.NewContext(t.spans, false)
	}
	c.Sampled = t.cfg.Sample != nil && t.cfg.Sample(parent, c.Trace)
	return c
}
