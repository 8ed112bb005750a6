package plumtree

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

// conclude says that what a deep fetch looked for next, up to and including last, cannot be had.
func (t *Tree) conclude(o *origin, last uint64, old bool) {
	d := o.deep
	o.verdict = verdict{d.next, last, d.start, old, t.now + verdictFor}
	for _, l := range t.links {
		for _, r := range []*owed{l.views[o.slot].owed, l.views[o.slot].deep} {
			if r != nil && r.parked && o.verdict.covers(r, t.now) {
				t.gone(l, r, min(last, r.last, o.skipped), old)
			}
		}
	}
}

// onDeepGone takes a GONE up to last, if a deep fetch waits for it.
func (t *Tree) onDeepGone(l *link, o *origin, last uint64, old bool) {
	d := o.deep
	if last = min(last, d.last); old {
		t.conclude(o, last, true)
		t.deepMoved(o, last+1)
		return
	}
	d.gone = append(d.gone, l)
	if l != d.from {
		return
	}
	// If it has the rest, what is missing is gone for good; otherwise somebody else may have it.
	if last < d.until {
		t.conclude(o, last, false)
		t.deepMoved(o, last+1)
		return
	}
	t.deepNext(o)
}
