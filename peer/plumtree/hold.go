package plumtree

import (
	"cmp"
	"slices"

	"hearsay/peer/wire"
)

// held is a message that came before its predecessors. Links are in order and peers relay in order, so
// this only happens where the tree has just changed.
type held struct {
	msg     wire.Msg // with memory of its own
	arrival arrival
}

// hold keeps a message until the gap before it is closed.
func (t *Tree) hold(l *link, o *origin, a *arrival, resent bool) {
	m := a.msg
	i, found := slices.BinarySearchFunc(o.held, m.Seq, func(h *held, seq uint64) int { return cmp.Compare(h.msg.Seq, seq) })
	switch {
	case found:
		t.onDuplicate(l, o, a, resent)
	case len(o.held) >= maxHeld:
		t.stats.Limits["held"]++
		t.drop(o, a, reasonHoldFull)
	case t.heldBytes+len(m.Tail) > maxHeldBytes:
		t.stats.Limits["held-bytes"]++
		t.drop(o, a, reasonHoldFull)
	default:
		h := &held{msg: *m, arrival: *a}
		h.arrival.msg, h.arrival.held = &h.msg, true
		h.msg.Tail = slices.Clone(m.Tail)
		end := len(h.msg.Tail) - 1
		h.msg.Body = h.msg.Tail[end-len(m.Body) : end]
		h.msg.Name = slices.Clone(m.Name)
		h.msg.Origin = nil
		o.held = slices.Insert(o.held, i, h)
		t.heldBytes += len(h.msg.Tail)
	}
	t.miss(l, o, m.Seq, t.grace())
}

// release accepts what was held and now has its predecessors. Nothing held is ever passed over: what is
// skipped or lost ends before the first that is held.
func (t *Tree) release(o *origin) {
	n := 0
	for ; n < len(o.held) && o.held[n].msg.Seq == o.upto+1; n++ {
		t.heldBytes -= len(o.held[n].msg.Tail)
		t.accept(o, &o.held[n].arrival)
	}
	o.held = slices.Delete(o.held, 0, n)
	if len(o.held) == 0 {
		o.held = nil
	}
}

// firstHeld is the lowest message that is held, or beyond all.
func (o *origin) firstHeld() uint64 {
	if len(o.held) == 0 {
		return wire.MaxSeq + 1
	}
	return o.held[0].msg.Seq
}
