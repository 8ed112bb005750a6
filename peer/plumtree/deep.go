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
	until      uint64   // what from was asked for: to until
	start      instant  // since when whoever it is for is owed messages
	due        instant  // when to ask somebody else, or again
	asked      []*link  // everybody who was asked
	tried      []*link  // those who were asked in this round
	gone       []denial // of those who said that what comes next is gone
	silent     instant  // since when all the others have been asked and did not answer; zero if they have not
	turns      []turn   // who had his turn in this round
}

// deepHole answers for messages from r.next to last, which we skipped.
func (t *Tree) deepHole(l *link, r *owed, last uint64) (bytes int) {
	o := r.origin
	switch {
	case o.verdict.covers(r, t.now):
		return t.gone(l, r, min(last, o.verdict.last), o.verdict.old)
	case r.start > o.skippedAt:
		return t.gone(l, r, last, true) // older than whoever asks
	case t.now > t.cfg.Retain:
		return t.gone(l, r, last, false) // older than we are, so they have expired everywhere
	}
	r.parked = true
	if i := slices.Index(l.owed, r); i >= 0 {
		l.owed = slices.Delete(l.owed, i, i+1)
	}
	if o.deep == nil {
		o.deep = &deep{}
		o.deep.turn(l, r, last)
		t.deeps = append(t.deeps, o)
		t.deepNext(o)
	} else if d := o.deep; d.from == nil && d.silent > 0 { // whoever waited alone can be asked for l
		if len(d.gone) == 0 {
			d.turns = d.turns[:0]
			d.turn(l, r, last)
		} else {
			d.start = min(d.start, r.start)
		}
		d.due, t.retryAt = t.now, t.now
	}
	return 0
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
		if !t.awaited(o, l) || l.views[o.slot].has < d.next || d.denied(l) {
			continue
		}
		open = true
		if !slices.Contains(d.tried, l) && (d.from == nil || l.started < d.from.started) {
			d.from = l
		}
	}
	switch {
	case d.from != nil:
		if !slices.Contains(d.asked, d.from) {
			d.asked = append(d.asked, d.from)
		}
		d.tried = append(d.tried, d.from)
		d.until = min(d.last, d.from.views[o.slot].has)
		d.due = t.now + deepPatience
		t.markFirst(d.from, o)
		t.request(d.from, ask{o, d.next, d.until, d.start, false})
	case t.now > t.cfg.Retain || len(d.gone) > 0 && (!open || d.silent > 0 && t.now-d.silent >= deepSilence):
		last := d.last
		if t.now <= t.cfg.Retain { // nobody has said anything of what lies beyond
			last = t.deniedUntil(o)
		}
		t.conclude(o, last, false)
		t.deepMoved(o, last+1)
		return
	case len(d.gone) == 0 && t.deepTurn(o):
		t.deepNext(o)
		return
	default:
		d.tried, d.turns = nil, append(d.turns[:0], d.turns[len(d.turns)-1])
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
	d.tried = slices.DeleteFunc(d.tried, func(x *link) bool { return x == l })
	d.gone = slices.DeleteFunc(d.gone, func(x denial) bool { return x.link == l })
	if r := v.deep; r != nil && r.parked && m.Seq <= v.has {
		t.dropOwed(l, r)
	}
	if r := v.owed; r != nil && r.parked {
		if r.last <= m.Seq {
			t.dropOwed(l, r)
		} else { // for the rest it waits still
			t.resume(l, r)
		}
	}
	d.due, t.retryAt = t.now, t.now
}

// deepMoved goes on at next, and with whatever waited for what came before.
func (t *Tree) deepMoved(o *origin, next uint64) {
	d := o.deep
	d.silent = 0
	d.gone = slices.DeleteFunc(d.gone, func(x denial) bool { return x.last < next })
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
	for l, r := range t.askers(o) {
		t.resume(l, r)
	}
}

// onDeep takes a message behind our mark if somebody waits for it, whoever sends it, and be it another's turn by now: it
// is kept, not delivered.
func (t *Tree) onDeep(l *link, o *origin, a *arrival) bool {
	d, m := o.deep, a.msg
	if _, _, held := o.log.find(m.Seq); held {
		return false
	}
	if m.Seq != d.next && (m.Age > t.cfg.Retain || !t.unpark(o, m.Seq)) {
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
	if m.Seq == d.next {
		t.deepMoved(o, m.Seq+1)
	}
	return true
}
