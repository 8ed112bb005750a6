package plumtree

import (
	"slices"

	"hearsay/peer/wire"
)

// onGone takes the answer that what we asked for is not to be had from l: either it is older than this
// peer, which settles it, or we ask the others who have it.
func (t *Tree) onGone(l *link, c *wire.Gone) wire.Reason {
	r := c.Range
	if r.First == 0 || r.Last < r.First || r.Last > wire.MaxSeq {
		return wire.ReasonFrame
	}
	o := t.origins.findName(r.Origin)
	if o == nil {
		return ""
	}
	v := &l.views[o.slot]
	last := min(r.Last, v.asked) // beyond that, nobody asked
	l.progress = t.now
	answered, none := v.answered(r.First, last, c.Old)
	if d := o.deep; d != nil && r.First <= d.next && d.next <= last && slices.Contains(d.asked, l) {
		switch {
		case !c.Old || none || answered.start <= d.start && !t.doubt(l, &answered, d.start):
			if none {
				answered.last = d.until
			}
			t.onDeepGone(l, o, last, answered.last, c.Old)
		case answered.told || !v.awaits(d.next, d.start-l.doubt): // it was too old for somebody younger, or may not be
			if until := min(d.last, v.has); until >= d.next && t.awaited(o, l) {
				t.request(l, ask{o, d.next, until, d.start, false})
			}
		}
		return ""
	}
	if !o.waiting || r.First > o.upto+1 || last <= o.upto {
		return ""
	}
	if c.Old && !t.cfg.History {
		published := t.now
		if !none {
			if published = answered.before(t.now); t.doubt(l, &answered, t.start()) {
				if o.from == l || o.from == nil {
					t.askUntil(l, o, min(last, o.firstHeld()-1), o.graft)
				}
				return ""
			}
		}
		t.skip(o, min(last, o.firstHeld()-1), published)
		return ""
	}
	v.gone = max(v.gone, last)
	if o.from == l || o.from == nil {
		t.fetch(o, o.graft)
	}
	return ""
}

// doubt reports whether messages that l calls too old, in answer to a, may be owed to him after all for whom we asked,
// who is owed what was published since start: what we said of his uptime was under way to l for so long that he seemed
// younger than he is. From then on l is told that much more. Several asks may be late for one reason, so what counts is
// with how much this one was made.
func (t *Tree) doubt(l *link, a *sent, start instant) bool {
	published := a.before(t.now)
	if published <= start {
		return false
	}
	l.doubt = min(max(l.doubt, 2*a.doubt, a.doubt+published-start), wire.MaxTime)
	return true
}
