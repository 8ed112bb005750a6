package plumtree

import (
	"slices"
	"time"

	"hearsay/peer/wire"
)

// owed is a range of one origin that one link is to get from the log. It is served in slices, as long
// as the link is not full, and takes the same memory for one message or a million.
type owed struct {
	origin     *origin
	next, last uint64
	asked      uint64  // it was asked for up to here; what follows is pushed, while the link is eager
	start      instant // what was published before is not owed
	live       bool    // new messages join the range, so that they do not overtake it
	deep       bool    // it is view.deep
	parked     bool    // it waits for a deep fetch, and is not in link.owed
}

// owe takes a WANT or GRAFT. Unpushed says that nothing was pushed on the link lately.
func (t *Tree) owe(l *link, uptime time.Duration, ranges []wire.Range, unpushed bool) wire.Reason {
	// What the asker says of its uptime was under way for a while, so the handshake's may be better; or
	// it asks on behalf of somebody older.
	start := min(t.now-min(uptime, wire.MaxTime), l.started) - startSlack
	for _, r := range ranges {
		if r.First == 0 || r.Last < r.First || r.Last > wire.MaxSeq {
			return wire.ReasonFrame
		}
		o := t.origins.findName(r.Origin)
		if o == nil || r.First > o.upto {
			t.sendGone(l, r, false) // we have forgotten it, or never announced that
			continue
		}
		t.oweRange(l, o, r.First, min(r.Last, o.upto), start, unpushed)
	}
	return ""
}

func (t *Tree) oweRange(l *link, o *origin, first, last uint64, start instant, unpushed bool) {
	v := &l.views[o.slot]
	if first <= v.has && v.has < last {
		// What it has told us that it has it asks for on behalf of somebody older, or because it has forgotten
		// the origin, which was silent for so long.
		t.oweRange(l, o, first, v.has, start, unpushed)
		first = v.has + 1
	}
	deep := last <= v.has
	at := &v.owed
	if deep {
		at = &v.deep
	}
	r := *at
	if r == nil {
		r = t.newOwed(owed{origin: o, next: first, last: last, asked: last, start: start, deep: deep})
		*at = r
		t.serveSoon(l, r)
	} else {
		// Of what comes before, some may be held. And who looks for what comes later looks for the rest no more, or will
		// ask for it again.
		if _, _, held := o.log.find(first); r.parked && (first < r.next || held) {
			r.next = first
			t.resume(l, r)
		}
		r.next, r.last, r.asked, r.start = min(r.next, first), max(r.last, last), max(r.asked, last), min(r.start, start)
	}
	// Messages that were pushed since the far side's ask was under way are held there, up to a limit. A
	// long range would meet that limit, so new messages join it, and the pushed ones come again.
	if !deep && l.eager && (unpushed || r.last == o.upto || last-first >= maxHeld/2) {
		r.last, r.live = o.upto, true
	}
}

// extend adds the newest message of o to what an eager link is owed: because the link is full, or
// because earlier messages of o are still owed.
func (t *Tree) extend(l *link, v *view, o *origin) {
	switch {
	case t.laggard(l):
		t.stats.Limits["laggard"]++
		l.eager = false
		t.cutOwed(l)
		t.mark(l, v, o)
	case v.owed == nil:
		v.owed = t.newOwed(owed{origin: o, next: o.upto, last: o.upto, start: t.now - wire.MaxTime, live: true})
		t.serveSoon(l, v.owed)
	default:
		v.owed.last, v.owed.live = o.upto, true
	}
}

func (t *Tree) serveSoon(l *link, r *owed) {
	l.owed = append(l.owed, r)
	l.strained = min(l.strained, t.now)
}

// cutOwed leaves a link that is no longer eager with what it has asked for, and a mark for the rest.
func (t *Tree) cutOwed(l *link) {
	for i := len(l.owed) - 1; i >= 0; i-- {
		t.cut(l, l.owed[i])
	}
}

func (t *Tree) cut(l *link, r *owed) {
	if r.deep || r.last <= r.asked {
		r.live = false
		return
	}
	o := r.origin
	r.last, r.live = r.asked, false
	if r.last < r.next {
		t.dropOwed(l, r)
	}
	t.mark(l, &l.views[o.slot], o)
}

// dropOwed ends a range; nil is none.
func (t *Tree) dropOwed(l *link, r *owed) {
	if r == nil {
		return
	}
	if v := &l.views[r.origin.slot]; r.deep {
		v.deep = nil
	} else {
		v.owed = nil
	}
	if i := slices.Index(l.owed, r); i >= 0 {
		l.owed = slices.Delete(l.owed, i, i+1)
	}
	*r = owed{}
	t.freeOwed = append(t.freeOwed, r)
	if len(l.owed) == 0 && !l.full {
		l.strained = never
	}
}

func (t *Tree) newOwed(r owed) *owed {
	n := len(t.freeOwed)
	if n == 0 {
		return &r
	}
	p := t.freeOwed[n-1]
	t.freeOwed = t.freeOwed[:n-1]
	*p = r
	return p
}
