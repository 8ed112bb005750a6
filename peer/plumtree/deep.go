package plumtree

import "slices"

// deep is a deep fetch: a neighbor older than us asks for messages that we skipped as older than
// ourselves. Where two meshes meet in a newcomer, the only way to them leads through it. So it asks
// its other neighbors, on behalf of the asker; keeps what comes, without delivering it; and passes it
// on. There is one at a time for an origin; other askers wait for it.
type deep struct {
	asker      *link
	from       *link // who is being asked
	next, last uint64
	until      uint64  // what from was asked for: to until
	start      instant // since when the asker is owed messages
	due        instant
	tried      []*link
}

// verdict is the end of a deep fetch: that first to last, as far as they were published at start or
// later, cannot be had. It spares asking again for the next asker.
type verdict struct {
	first, last uint64
	start       instant
	old         bool // they are older than start
	until       instant
}

// deepHole answers for messages from r.next to last, which we skipped.
func (t *Tree) deepHole(l *link, r *owed, last uint64) (bytes int) {
	o := r.origin
	if r.start >= 0 {
		return t.gone(l, r, last, true) // older than we are, and the asker is younger
	}
	if o.deep == nil && !o.verdict.covers(r, t.now) {
		o.deep = &deep{asker: l, next: r.next, last: last, start: r.start}
		t.deeps = append(t.deeps, o)
		t.deepNext(o)
	}
	if o.verdict.covers(r, t.now) {
		return t.gone(l, r, min(last, o.verdict.last), o.verdict.old)
	}
	if o.deep == nil {
		panic("plumtree: a deep fetch ended without a verdict")
	}
	r.parked = true
	if i := slices.Index(l.owed, r); i >= 0 {
		l.owed = slices.Delete(l.owed, i, i+1)
	}
	return 0
}

func (v *verdict) covers(r *owed, now instant) bool {
	return v.first <= r.next && r.next <= v.last && v.start <= r.start && now < v.until
}

// deepNext asks the next neighbor, the oldest first, since it is the likeliest to have what we have
// not. When all were asked, it is over.
func (t *Tree) deepNext(o *origin) {
	d := o.deep
	d.from = nil
	for _, l := range t.links {
		if l == d.asker || l.views[o.slot].has < d.next || slices.Contains(d.tried, l) {
			continue
		}
		if d.from == nil || l.started < d.from.started {
			d.from = l
		}
	}
	if d.from == nil {
		t.conclude(o, d.last, false)
		t.deepMoved(o, d.last+1)
		return
	}
	d.tried = append(d.tried, d.from)
	d.until = min(d.last, d.from.views[o.slot].has)
	d.due = t.now + deepPatience
	t.retryAt = min(t.retryAt, d.due)
	t.request(d.from, ask{o, d.next, d.until, d.start, false})
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

// deepMoved goes on at next, and with whatever waited for what came before.
func (t *Tree) deepMoved(o *origin, next uint64) {
	d := o.deep
	switch d.next = next; {
	case next > d.last:
		o.deep = nil
		t.deeps = slices.DeleteFunc(t.deeps, func(x *origin) bool { return x == o })
	case next > d.until:
		t.deepNext(o)
	default:
		d.due = t.now + deepPatience
	}
	for _, l := range t.links {
		for _, r := range []*owed{l.views[o.slot].owed, l.views[o.slot].deep} {
			if r != nil && r.parked {
				r.parked = false
				t.serveSoon(l, r)
			}
		}
	}
}

// onDeep takes a message behind our mark if a deep fetch waits for it: it is kept, not delivered.
func (t *Tree) onDeep(l *link, o *origin, a *arrival) bool {
	d, m := o.deep, a.msg
	if l != d.from || m.Seq < d.next || m.Seq > d.until {
		return false
	}
	if _, _, held := o.log.find(m.Seq); held {
		return false
	}
	if d.next < m.Seq {
		t.conclude(o, m.Seq-1, false) // passed over without a word
		d.next = m.Seq
	}
	if m.Age > t.cfg.Retain {
		t.conclude(o, m.Seq, false)
		t.drop(o, a, reasonExpired)
	} else {
		span := t.hopSpan(m)
		t.keep(o, a, a.published, span.Span)
		t.dropSpan(o, a, reasonOld, span, 0)
	}
	t.deepMoved(o, m.Seq+1)
	return true
}

// onDeepGone takes a GONE of messages that a deep fetch waits for.
func (t *Tree) onDeepGone(o *origin, last uint64, old bool) {
	d := o.deep
	if last = min(last, d.until); !old && last == d.until {
		t.deepNext(o)
		return
	}
	t.conclude(o, last, old)
	t.deepMoved(o, last+1)
}
