package plumtree

import "slices"

// verdict is the end of a deep fetch: that first to last, as far as they were published at start or
// later, cannot be had. It spares asking again for the next asker.
type verdict struct {
	first, last uint64
	start       instant
	old         bool // they are older than start
	until       instant
}

// covers reports whether the verdict answers r. That they are older than start says nothing to who is older
// still; that they are gone does.
func (v *verdict) covers(r *owed, now instant) bool {
	return v.first <= r.next && r.next <= v.last && (!v.old || v.start <= r.start) && now < v.until
}

// denial is the word of a link that has known what a deep fetch looks for, that it is gone: up to last.
type denial struct {
	link *link
	last uint64
}

func (d *deep) deny(l *link, last uint64) {
	for i := range d.gone {
		if x := &d.gone[i]; x.link == l {
			x.last = max(x.last, last)
			return
		}
	}
	d.gone = append(d.gone, denial{l, last})
}

func (d *deep) denied(l *link) bool {
	return slices.ContainsFunc(d.gone, func(x denial) bool { return x.link == l })
}

// deniedUntil is up to where what comes next can be given up, if all who knew of it say that it is gone. Of what lies
// beyond their knowledge nobody has said anything, and one who knows of more than he has denied may have that.
func (t *Tree) deniedUntil(o *origin) uint64 {
	d := o.deep
	known, most := d.next, d.last
	for _, x := range d.gone {
		known = max(known, x.last)
		if slices.Contains(t.links, x.link) && x.link.views[o.slot].has > x.last {
			most = min(most, x.last)
		}
	}
	return min(known, most)
}

// conclude says that what a deep fetch looked for next, up to and including last, cannot be had.
func (t *Tree) conclude(o *origin, last uint64, old bool) {
	d := o.deep
	o.verdict = verdict{d.next, last, d.start, old, t.now + verdictFor}
	for l, r := range t.askers(o) {
		if o.verdict.covers(r, t.now) {
			t.gone(l, r, min(last, r.last, o.skipped), old)
		}
	}
}

// onDeepGone takes a GONE up to last, if a deep fetch waits for it; asked is up to where the ask went that it answers.
func (t *Tree) onDeepGone(l *link, o *origin, last, asked uint64, old bool) {
	d := o.deep
	if last = min(last, d.last); old {
		t.conclude(o, last, true)
		t.deepMoved(o, last+1)
		return
	}
	d.deny(l, last)
	if l != d.from {
		return
	}
	// If it has the rest, what is missing is gone for good; otherwise somebody else may have it.
	if last < min(asked, d.until) {
		t.conclude(o, last, false)
		t.deepMoved(o, last+1)
		return
	}
	t.deepNext(o)
}
