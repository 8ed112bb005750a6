package plumtree

import (
	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// flushOwed gives every link that is not full a slice of what it is owed.
func (t *Tree) flushOwed() {
	for _, l := range t.links {
		for left := sliceBytes; left > 0 && len(l.owed) > 0 && !l.full; {
			r := l.owed[0]
			if left = t.serve(l, r, left); r.origin == nil {
				continue // done
			}
			if i := len(l.owed) - 1; i > 0 && l.owed[0] == r { // the next origin's turn
				copy(l.owed, l.owed[1:])
				l.owed[i] = r
			}
		}
	}
}

// serve sends messages of r for left bytes, and returns how many bytes are left. Whatever it passes
// over counts too, so that no range takes long.
func (t *Tree) serve(l *link, r *owed, left int) int {
	o := r.origin
	v := &l.views[o.slot]
	if !r.deep {
		r.next = max(r.next, v.has+1) // it has got these from somebody else meanwhile
	}
	for ; r.next <= r.last && left > 0; left -= headMax {
		at, next, held := o.log.find(r.next)
		switch {
		case !held && next == 0:
			left -= t.hole(l, r, r.last)
		case !held:
			left -= t.hole(l, r, min(r.last, next-1))
		case t.expired(at.entry().published):
			last := min(r.last, o.log.since(r.next, t.now-t.cfg.Retain)-1)
			at, _, _ = o.log.find(last)
			left -= t.gone(l, r, last, at.entry().published < r.start)
		case at.entry().published < r.start:
			left -= t.gone(l, r, min(r.last, o.log.since(r.next, r.start)-1), true)
		default:
			left -= t.resend(l, at)
			r.next++
		}
		if r.parked {
			return left
		}
	}
	if r.next > r.last {
		t.dropOwed(l, r)
	}
	return left
}

// resend sends a message from the log: with a new head, since it has aged, and the tail as it is.
func (t *Tree) resend(l *link, at ref) (bytes int) {
	e := at.entry()
	t.stats.Relayed++
	if t.now-e.written <= ageSlack {
		t.out.Sends = append(t.out.Sends, Send{l.conn, at.frame()})
		return int(e.size)
	}
	t.send(l, wire.AppendMsgHead(t.frames.room(), t.now-e.published, int(e.hops), e.span))
	if tail := at.tail(); planted.On(planted.CorruptResent) && len(tail) > 1 {
		tail = append([]byte(nil), tail...)
		tail[len(tail)-2] ^= 1
		t.out.Sends = append(t.out.Sends, Send{l.conn, tail})
		return int(e.size)
	}
	t.out.Sends = append(t.out.Sends, Send{l.conn, at.tail()})
	return int(e.size)
}

// hole answers for messages that we do not hold, from r.next to last.
func (t *Tree) hole(l *link, r *owed, last uint64) (bytes int) {
	o := r.origin
	if r.next <= o.skipped && r.next <= r.asked {
		return t.deepHole(l, r, min(last, r.asked, o.skipped))
	}
	return t.gone(l, r, last, r.next <= o.evicted && o.evictedAt < r.start)
}

// gone says that messages from r.next to last are not to be had from us.
func (t *Tree) gone(l *link, r *owed, last uint64, old bool) (bytes int) {
	o, first := r.origin, r.next
	if first > r.asked {
		// Nobody asked for these: they were to be pushed, but the link was full for so long that they
		// are gone. The mark makes the far side ask, here or elsewhere.
		r.next = last + 1
		t.mark(l, &l.views[o.slot], o)
		return 0
	}
	last = min(last, r.asked)
	r.next = last + 1
	return t.sendGone(l, wire.Range{Origin: o.name, First: first, Last: last}, old)
}

func (t *Tree) sendGone(l *link, r wire.Range, old bool) (bytes int) {
	return t.send(l, wire.AppendGone(t.frames.room(), wire.Gone{Range: r, Old: old}))
}
