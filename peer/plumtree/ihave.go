package plumtree

import (
	"slices"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// mark has l told of our mark of o. One mark stands for all messages up to it, so what is pending is
// bounded by the number of origins.
func (t *Tree) mark(l *link, v *view, o *origin) {
	if v.pending || v.has >= o.upto || planted.On(planted.NoMarks) {
		return
	}
	t.pend(l, v, o)
}

// younger reports whether the peer at the far side may be younger than a message. Then it may never have had
// it, though it counts it as known, and look for it on behalf of somebody older.
func (l *link) younger(published instant) bool { return published < l.started+startSlack }

// mayLookFor reports whether l, who was asked for seq and has not answered, may look for it on our behalf. A message does
// not age on its way, so that it may seem younger than who has skipped it.
func (t *Tree) mayLookFor(l *link, v *view, seq uint64) bool {
	return len(v.sent) > 0 && v.awaits(seq, never) && !t.expired(l.started+startSlack)
}

// markYounger has l told of our mark of o though it has as much, since we have got what it may look for.
func (t *Tree) markYounger(l *link, v *view, o *origin) {
	v.again = true
	if !v.pending {
		t.pend(l, v, o)
	}
}

func (t *Tree) pend(l *link, v *view, o *origin) {
	v.pending = true
	if !l.full && t.ihaveAt == never {
		t.ihaveAt = t.now + ihaveDelay/2 + t.jitter(ihaveDelay/2)
	}
	l.pending = append(l.pending, o)
}

// announce has everybody told of a mark that no message will tell. That we have got so far is news to who has as
// much, too, if it may have skipped what we have not had either: it may look for it, and the way may lead through us.
// Whoever is up for longer than the window has skipped nothing that is kept anywhere.
func (t *Tree) announce(o *origin) {
	for _, l := range t.links {
		if v := &l.views[o.slot]; !t.expired(l.started + startSlack) {
			t.markYounger(l, v, o)
		} else {
			t.mark(l, v, o)
		}
	}
}

// markFirst has l told of our mark of o before it is asked for what lies behind, which it would not take for a
// question of ours otherwise.
func (t *Tree) markFirst(l *link, o *origin) {
	v := &l.views[o.slot]
	if !v.pending {
		return
	}
	v.pending, v.again = false, false
	l.pending = slices.DeleteFunc(l.pending, func(x *origin) bool { return x == o })
	v.tell(o.upto)
	t.sendIHave(l, []wire.Mark{{Origin: o.name, Seq: o.upto}})
}

// flushMarks sends the marks that are due. A full link's wait until it has drained.
func (t *Tree) flushMarks() {
	if t.now < t.ihaveAt {
		return
	}
	t.ihaveAt = never
	for _, l := range t.links {
		if l.full || len(l.pending) == 0 {
			continue
		}
		marks := t.marks[:0]
		for i, o := range l.pending {
			l.pending[i] = nil
			v := &l.views[o.slot]
			known := v.has >= o.upto && !v.again // we have heard as much from it meanwhile
			if v.pending, v.again = false, false; known {
				continue
			}
			v.tell(o.upto)
			if marks = append(marks, wire.Mark{Origin: o.name, Seq: o.upto}); len(marks) == wire.MaxMarks {
				t.sendIHave(l, marks)
				marks = marks[:0]
			}
		}
		l.pending = l.pending[:0]
		t.sendIHave(l, marks)
		t.marks = marks[:0]
	}
}

func (t *Tree) sendIHave(l *link, marks []wire.Mark) {
	if len(marks) == 0 {
		return
	}
	t.stats.IHaves++
	t.send(l, wire.AppendIHave(t.frames.room(), wire.IHave{Marks: marks}))
}

// onIHave learns what a lazy link has. What has not come by itself when the graft timer fires is
// grafted.
func (t *Tree) onIHave(l *link, c *wire.IHave) wire.Reason {
	for _, m := range c.Marks {
		t.deepHeard(l, m)
		o := t.learn(l, m)
		if o != nil && m.Seq > o.upto {
			t.miss(l, o, m.Seq, t.grace())
		}
	}
	return ""
}

// learn notes what l has, and returns the origin if we may lack it.
func (t *Tree) learn(l *link, m wire.Mark) *origin {
	o := t.origins.findName(m.Origin)
	if o == nil {
		if m.Seq == 0 {
			return nil
		}
		if o = t.meet(m.Origin); o == nil {
			return nil
		}
	}
	if o.own && m.Seq > o.upto {
		t.stats.Limits["forged"]++
		return nil
	}
	v := &l.views[o.slot]
	v.has = max(v.has, m.Seq)
	return o
}
