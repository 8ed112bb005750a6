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
	answered, none := v.answered(r.First, last)
	if d := o.deep; d != nil && r.First <= d.next && d.next <= last && slices.Contains(d.asked, l) {
		if !c.Old || none || answered.start <= d.start {
			t.onDeepGone(l, o, last, c.Old)
		} else if answered.told || !v.awaits(d.next, d.start) { // that was too old for somebody younger
			t.request(l, ask{o, d.next, d.until, d.start, false})
		}
		return ""
	}
	if !o.waiting || r.First > o.upto+1 || last <= o.upto {
		return ""
	}
	if c.Old && !t.cfg.History {
		// It is older than we were when we asked, by startSlack. Our word was under way for no longer than the answer
		// has taken.
		published := never
		if !none {
			published = answered.start - startSlack + t.now - answered.at
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
