package plumtree

import (
	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// arrival is a message on its way in: just received, or held until now.
type arrival struct {
	msg       *wire.Msg
	conn      wire.Conn
	at        instant // when it arrived
	published instant // when it was published
	reason    string  // how it came: eager, graft or catch-up
	held      bool    // it waited for earlier messages
}

// onMsg takes a message. This is the path that every message takes at every peer, so in the usual case
// it makes no allocation, and one comparison finds the origin.
func (t *Tree) onMsg(l *link, m *wire.Msg, at instant) {
	a := arrival{msg: m, conn: l.conn, at: at, published: at - m.Age, reason: reasonEager}
	o := l.last
	if o == nil || string(m.Origin) != string(o.name) {
		if o = t.originOf(&a); o == nil {
			return
		}
		l.last = o
	}
	if o.own && m.Seq > o.upto {
		// A lie, but not of who passes it on: it cannot know.
		t.stats.Limits["forged"]++
		return
	}
	v := &l.views[o.slot]
	resent := m.Seq <= v.has
	if !resent {
		v.has = m.Seq
	}
	if m.Seq <= v.asked {
		v.answered(m.Seq, m.Seq, false)
		if l.progress = t.now; v.graft {
			a.reason = reasonGraft
		} else {
			a.reason = reasonCatchUp
		}
	}
	if m.Seq > o.upto+1 {
		switch {
		case t.old(a.published):
			t.skip(o, min(m.Seq, o.firstHeld())-1, a.published) // what came before an old message is older still
		case o.upto == 0 && t.forgot:
			// We had only been told of it. It is probably one that we have forgotten, as in originOf.
			t.skip(o, min(m.Low, o.firstHeld())-1, a.published)
		}
	}
	switch {
	case m.Seq == o.upto+1:
		t.accept(o, &a)
		if a.reason == reasonEager {
			t.pushed(l, o)
		} else if !v.graft {
			l.catchUp.got++
		}
		if o.waiting {
			t.review(o)
		}
	case m.Seq <= o.upto:
		if planted.On(planted.DeliverTwice) && !o.own && !t.old(a.published) {
			t.deliver(o, m, m.Tail, t.now-a.published)
		}
		if o.deep == nil || !t.onDeep(l, o, &a) {
			t.onDuplicate(l, o, &a, resent)
		}
	default:
		t.hold(l, o, &a, resent)
	}
}

// originOf finds or makes the entry for a message's origin.
func (t *Tree) originOf(a *arrival) *origin {
	m := a.msg
	if o := t.origins.find(m.Origin); o != nil {
		return o
	}
	if m.Age > t.cfg.Retain {
		t.drop(nil, a, reasonExpired)
		return nil
	}
	o := t.meet(wire.Origin(m.Origin))
	if o == nil {
		t.drop(nil, a, reasonOriginsFull)
		return nil
	}
	// What even its origin no longer keeps has expired everywhere, or had to make room. If we were there all the
	// time and yet never heard of it, though, it was owed to us, so we ask, and count it as lost.
	if t.now < t.cfg.Retain || t.forgot {
		o.upto = m.Low - 1
		o.skipped, o.skippedAt = o.upto, a.published
	}
	return o
}

// old reports whether a message is older than this peer, so that it is not delivered.
func (t *Tree) old(published instant) bool { return published < 0 && !t.cfg.History }

// accept takes the message that follows upto: keeps it, delivers it and relays it.
func (t *Tree) accept(o *origin, a *arrival) {
	m := a.msg
	o.upto = m.Seq
	o.touched = t.now
	if a.reason == reasonEager {
		t.ref.heard(o, t.now)
		t.explore.came(m.Hops)
	}
	if m.Age > t.cfg.Retain {
		t.drop(o, a, reasonExpired)
		t.announce(o)
		return
	}
	if o.own {
		panic("plumtree: accepted a message of our own")
	}
	o.published = max(o.published, a.published)
	span := t.hopSpan(m)
	frame, head := t.keep(o, a, o.published, span.Span)
	links := t.relay(o, frame)
	if t.old(a.published) {
		o.skipped, o.skippedAt = m.Seq, max(o.skippedAt, a.published)
		t.dropSpan(o, a, reasonOld, span, links)
		return
	}
	if planted.On(planted.DropMessage) && t.rng.IntN(1000) == 0 {
		return
	}
	t.deliver(o, m, frame[head:], t.now-a.published)
	if span.Sampled {
		t.processed(o, a, Delivered, a.reason, span, links)
	}
}

// keep writes the frame as we relay it into the log.
func (t *Tree) keep(o *origin, a *arrival, published instant, span wire.SpanID) (frame []byte, head int) {
	tail, hops := a.msg.Tail, a.msg.Hops+1
	b := t.log.reserve(headMax + len(tail))
	b = wire.AppendMsgHead(b, t.now-published, hops, span)
	head = len(b)
	b = append(b, tail...)
	t.log.commit(entry{origin: o, seq: a.msg.Seq, published: published, written: t.now, span: span, head: uint16(head), hops: uint16(hops)}, b)
	t.wakeSweep()
	return b, head
}

func (t *Tree) deliver(o *origin, m *wire.Msg, tail []byte, age instant) {
	if o.publisher != string(m.Name) {
		o.publisher = string(m.Name)
	}
	end := len(tail) - 1
	t.out.Deliveries = append(t.out.Deliveries, Delivery{
		Origin: o.name, Seq: m.Seq, Name: o.publisher, Hops: m.Hops, Age: age,
		Publisher: m.Publisher, Body: tail[end-len(m.Body) : end : end],
	})
	t.stats.Delivered++
}

// relay sends the newest message of o to every eager link that does not have it, and its mark to the
// others. It returns how many links it went out on.
func (t *Tree) relay(o *origin, frame []byte) (links int) {
	for _, l := range t.links {
		v := &l.views[o.slot]
		switch {
		case v.has >= o.upto && !l.younger(o.published) && !t.mayLookFor(l, v, o.upto):
		case v.has >= o.upto, !l.eager && l.younger(o.published):
			t.markYounger(l, v, o)
		case !l.eager:
			t.mark(l, v, o)
		case l.full || v.owed != nil && v.owed.live:
			t.extend(l, v, o)
		default:
			t.out.Sends = append(t.out.Sends, Send{l.conn, frame})
			links++
		}
	}
	t.stats.Relayed += uint64(links)
	return links
}
