package plumtree

import (
	"slices"

	"hearsay/peer/wire"
)

// deep is a deep fetch: a neighbor older than us asks for messages that we skipped as older than
// ourselves. Where two meshes meet in a newcomer, the only way to them leads through it. So it asks
// its other neighbors, on behalf of the asker; keeps what comes, without delivering it; and passes it
// on. There is one at a time for an origin; other askers wait for it, and have their turns when nobody is left to be
// asked: they may look for others, or be older. An asker is asked himself, for the others' sake: the way may lead
// through him, and that he was answered elsewhere he need not tell.
//
// That nobody here has them does not mean that they are gone: whoever has them may come back. So the
// asker waits, until they have expired. It misses them, and knows that it does.
type deep struct {
	from       *link // who is being asked; nil while there is nobody
	next, last uint64
	until      uint64  // what from was asked for: to until
	start      instant // since when whoever it is for is owed messages
	due        instant // when to ask somebody else, or again
	asked      []*link // everybody who was asked
	tried      []*link // those who were asked in this round
	gone       []*link // those who said that what comes next is gone
	silent     instant // since when all the others have been asked and did not answer; zero if they have not
	turns      []turn  // who had his turn in this round
}

// turn is what an asker looked for, when he had his turn.
type turn struct {
	next  uint64
	start instant
}

// deepHole answers for messages from r.next to last, which we skipped.
func (t *Tree) deepHole(l *link, r *owed, last uint64) (bytes int) {
	o := r.origin
	switch {
	case o.verdict.covers(r, t.now):
		return t.gone(l, r, min(last, o.verdict.last), o.verdict.old)
	case r.start > o.skippedAt:
		return t.gone(l, r, last, true)
	case t.now > t.cfg.Retain:
		return t.gone(l, r, last, false) // older than we are, so they have expired everywhere
	}
	r.parked = true
	if i := slices.Index(l.owed, r); i >= 0 {
		l.owed = slices.Delete(l.owed, i, i+1)
	}
	if o.deep == nil {
		o.deep = &deep{}
		o.deep.turn(r.next, last, r.start)
		t.deeps = append(t.deeps, o)
		t.deepNext(o)
	} else if d := o.deep; d.from == nil && d.silent > 0 { // whoever waited alone can be asked for l
		if len(d.gone) == 0 {
			d.turns = d.turns[:0]
			d.turn(r.next, last, r.start)
		} else {
			d.start = min(d.start, r.start)
		}
		d.due, t.retryAt = t.now, t.now
	}
	return 0
}

// deepGone is up to where those who said that what comes next is gone have known what there is.
func (t *Tree) deepGone(o *origin) (last uint64) {
	last = o.deep.next
	for _, l := range o.deep.gone {
		last = max(last, l.views[o.slot].has)
	}
	return last
}

// turn has an asker looked for who is owed what was published since start.
func (d *deep) turn(next, last uint64, start instant) {
	d.next, d.last, d.start = next, last, start
	d.tried, d.gone, d.silent = nil, nil, 0
	d.turns = append(d.turns, turn{next, start})
}

// deepTurn gives an asker his turn who has not had it in this round, and reports whether there is one.
func (t *Tree) deepTurn(o *origin) bool {
	d := o.deep
	for _, l := range t.links {
		v := &l.views[o.slot]
		for _, r := range []*owed{v.owed, v.deep} {
			if r == nil || !r.parked {
				continue
			}
			next, last := r.next, min(r.last, r.asked, o.skipped)
			if !r.deep {
				next = max(next, v.has+1)
			}
			had := slices.ContainsFunc(d.turns, func(x turn) bool { return x.next == next && x.start <= r.start })
			if _, _, held := o.log.find(next); !had && !held && next <= last {
				d.turn(next, last, r.start)
				return true
			}
		}
	}
	return false
}

// deepNext asks the next neighbor, the oldest first, since it is the likeliest to have what we have
// not. If nobody has it, it waits for somebody to come, unless they were all asked and say it is gone.
// Who does not answer waits for somebody himself, and be it, in a ring of newcomers, for us: so if one
// who had it says that it is gone, the silent ones are not waited for until it has expired.
func (t *Tree) deepNext(o *origin) {
	d := o.deep
	d.from = nil
	if !t.awaited(o, nil) {
		t.deepMoved(o, d.last+1)
		return
	}
	open := false // somebody may have it yet
	for _, l := range t.links {
		if !t.awaited(o, l) || l.views[o.slot].has < d.next || slices.Contains(d.gone, l) {
			continue
		}
		open = true
		if !slices.Contains(d.tried, l) && (d.from == nil || l.started < d.from.started) {
			d.from = l
		}
	}
	switch {
	case d.from != nil:
		d.asked, d.tried = append(d.asked, d.from), append(d.tried, d.from)
		d.until = min(d.last, d.from.views[o.slot].has)
		d.due = t.now + deepPatience
		t.markFirst(d.from, o)
		t.request(d.from, ask{o, d.next, d.until, d.start, false})
	case t.now > t.cfg.Retain || len(d.gone) > 0 && (!open || d.silent > 0 && t.now-d.silent >= deepSilence):
		last := d.last
		if t.now <= t.cfg.Retain { // nobody has said anything of what lies beyond
			last = min(last, t.deepGone(o))
		}
		t.conclude(o, last, false)
		t.deepMoved(o, last+1)
		return
	case len(d.gone) == 0 && t.deepTurn(o):
		t.deepNext(o)
		return
	default:
		d.tried, d.turns = nil, append(d.turns[:0], turn{d.next, d.start})
		d.due = t.now + deepAgain
		if d.silent == 0 {
			d.silent = t.now
		}
		if len(d.gone) > 0 {
			d.due = d.silent + deepSilence
		}
	}
	t.retryAt = min(t.retryAt, d.due)
}

// deepWake has those fetches go on that have nobody to ask, since somebody has come.
func (t *Tree) deepWake() {
	for _, o := range t.deeps {
		if o.deep.from == nil {
			o.deep.due = t.now
			t.retryAt = t.now
		}
	}
}

// deepHeard goes on with a deep fetch if a mark tells that l may have what it looks for: since it has got so far,
// or since it tells us what it had told before. Then it has got what it knew of and did not have; and if it was
// one that asked us, it asks no more for what the mark stands for.
func (t *Tree) deepHeard(l *link, m wire.Mark) {
	if len(t.deeps) == 0 {
		return
	}
	o := t.origins.findName(m.Origin)
	if o == nil || o.deep == nil {
		return
	}
	d, v := o.deep, &l.views[o.slot]
	if m.Seq > v.has && !t.sought(o, v.has+1, m.Seq) {
		return
	}
	is := func(x *link) bool { return x == l }
	d.tried, d.gone = slices.DeleteFunc(d.tried, is), slices.DeleteFunc(d.gone, is)
	if r := v.deep; r != nil && r.parked && m.Seq <= v.has {
		t.dropOwed(l, r)
	}
	if r := v.owed; r != nil && r.parked {
		if r.last <= m.Seq {
			t.dropOwed(l, r)
		} else { // for the rest it waits still
			r.parked = false
			t.serveSoon(l, r)
		}
	}
	d.due, t.retryAt = t.now, t.now
}

// deepMoved goes on at next, and with whatever waited for what came before.
func (t *Tree) deepMoved(o *origin, next uint64) {
	d := o.deep
	d.silent = 0
	switch d.next = next; {
	case next > d.last:
		o.deep = nil
		t.deeps = slices.DeleteFunc(t.deeps, func(x *origin) bool { return x == o })
	case next > d.until:
		d.tried, d.gone = nil, nil
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

// awaited reports whether anybody but l waits for what a deep fetch of o looks for.
func (t *Tree) awaited(o *origin, but *link) bool {
	return slices.ContainsFunc(t.links, func(l *link) bool {
		v := &l.views[o.slot]
		return l != but && (v.owed.awaits(max(o.deep.next, v.has+1)) || v.deep.awaits(o.deep.next))
	})
}

// sought reports whether an asker waits for a message of o from first to last.
func (t *Tree) sought(o *origin, first, last uint64) bool {
	return first <= o.deep.next && o.deep.next <= last || slices.ContainsFunc(t.links, func(l *link) bool {
		v := &l.views[o.slot]
		return slices.ContainsFunc([]*owed{v.owed, v.deep}, func(r *owed) bool { return r != nil && r.parked && first <= r.next && r.next <= last })
	})
}

// awaits reports whether r waits for a deep fetch to bring next; nil does not.
func (r *owed) awaits(next uint64) bool {
	return r != nil && r.parked && r.next <= next && next <= min(r.last, r.asked)
}

// onDeep takes a message behind our mark if a deep fetch waits for it, whoever sends it: it is kept,
// not delivered.
func (t *Tree) onDeep(l *link, o *origin, a *arrival) bool {
	d, m := o.deep, a.msg
	if m.Seq != d.next {
		return false
	}
	if _, _, held := o.log.find(m.Seq); held {
		return false
	}
	if m.Age > t.cfg.Retain {
		t.conclude(o, m.Seq, false)
		t.drop(o, a, reasonExpired)
	} else {
		span := t.hopSpan(m)
		t.keep(o, a, a.published, span.Span)
		t.dropSpan(o, a, reasonOld, span, 0)
		for _, x := range t.links { // others may look for it, too, and not at us
			if x != l && x.younger(a.published) {
				t.markYounger(x, &x.views[o.slot], o)
			}
		}
		if r := l.views[o.slot].deep; r != nil && r.parked {
			r.next = max(r.next, m.Seq+1) // it looked for it, too
		}
	}
	t.deepMoved(o, m.Seq+1)
	return true
}
