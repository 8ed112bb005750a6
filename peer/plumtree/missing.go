package plumtree

import "slices"

// missing is what an origin's neighbors have and we do not: from upto+1 to known.
type missing struct {
	waiting bool   // it is in Tree.behind; the rest only means something then
	known   uint64 // the highest message that anybody announced
	noted   noted  // when it was
	held    []*held
	blocked instant // when upto last moved, or we came to know that something is missing

	from     *link   // who was asked, nil if nobody is
	until    uint64  // up to which message
	graft    bool    // by GRAFT
	askedAt  instant // when
	patience instant // how long it may be silent
	due      instant // when to ask somebody, or if somebody was asked, somebody else
	first    *link   // who announced it first; it need not be up any more

	grafted    uint64  // the first message of the last graft
	graftedFor instant // when it had been announced, or its predecessor had come
}

// lack notes that l has more of o than we have.
func (t *Tree) lack(l *link, o *origin, seq uint64) {
	if !o.waiting {
		o.waiting = true
		o.known, o.noted, o.blocked, o.due = 0, o.noted[:0], t.now, never
		o.from, o.first, o.patience = nil, l, 0
		t.behind = append(t.behind, o)
	}
	if seq > o.known {
		o.known = seq
		o.noted.add(seq, t.now, t.cfg.Retain)
	}
}

// miss is lack, and sees to it that what does not come by itself is grafted: at once, or when it has been
// on its way for the given time.
func (t *Tree) miss(l *link, o *origin, seq uint64, wait instant) {
	t.lack(l, o, seq)
	switch {
	case o.from != nil:
		return
	case wait == 0:
		t.fetch(o, true)
		return
	}
	if spread := wait / 2; o.due-t.now > wait+spread {
		t.arm(o, wait+t.jitter(spread))
	}
}

// arm sets when to ask next.
func (t *Tree) arm(o *origin, in instant) {
	o.due = t.now + in
	t.retryAt = min(t.retryAt, o.due)
}

// review looks at o after upto has moved.
func (t *Tree) review(o *origin) {
	o.blocked = t.now
	t.release(o)
	if o.from != nil && o.upto >= o.until {
		t.unask(o)
	}
	if o.upto >= o.known && len(o.held) == 0 {
		o.waiting = false
		i := slices.Index(t.behind, o)
		n := len(t.behind) - 1
		t.behind[i], t.behind[n] = t.behind[n], nil
		t.behind = t.behind[:n]
		return
	}
	if o.from == nil {
		o.patience = 0
		if o.due == never {
			t.arm(o, t.late.delay(t.now))
		}
	}
}

// unask ends what was asked of o.from, if anything.
func (t *Tree) unask(o *origin) {
	l := o.from
	o.from, o.due = nil, never
	if l != nil && !o.graft {
		t.caughtUp(l)
	}
}

// retry asks where the time is up.
func (t *Tree) retry() {
	t.retryAt = never
	for i := len(t.behind) - 1; i >= 0; i-- {
		o := t.behind[i]
		if o.due <= t.now {
			t.onDue(o)
		}
		if o.waiting {
			t.retryAt = min(t.retryAt, o.due)
		}
	}
	for i := len(t.deeps) - 1; i >= 0; i-- {
		o := t.deeps[i]
		if o.deep.due <= t.now {
			t.deepNext(o)
		}
		if o.deep != nil {
			t.retryAt = min(t.retryAt, o.deep.due)
		}
	}
}

// onDue asks somebody, or somebody else, for what o misses.
func (t *Tree) onDue(o *origin) {
	l := o.from
	switch {
	// Who was asked knows better when to give up, so it is given time to.
	case l == nil && o.noted.before(t.now-t.cfg.Retain) > o.upto:
		t.lose(o, min(o.noted.before(t.now-t.cfg.Retain), o.firstHeld()-1), reasonNobody)
	case t.now-o.blocked >= 2*t.cfg.Retain && o.noted.before(t.now-2*t.cfg.Retain) > o.upto:
		t.lose(o, min(o.noted.before(t.now-2*t.cfg.Retain), o.firstHeld()-1), reasonNobody)
	case l == nil && o.blocked+t.late.delay(t.now) > t.now:
		t.arm(o, o.blocked+t.late.delay(t.now)-t.now) // payload is late, but it flows
	case l == nil:
		t.fetch(o, true)
		t.fetchToo(o.from)
	case l.progress+o.patience > t.now && o.blocked+patienceMax > t.now:
		t.arm(o, l.progress+o.patience-t.now) // it is sending us other things
	default:
		if last := t.goneAnyway(o); last > 0 {
			t.lose(o, last, reasonGone)
			return
		}
		// A link is in order, so asking the same one again would only bring the same again.
		if other, _ := t.announcer(o); other == nil || other == l && t.now-o.askedAt < 2*patienceMax {
			o.patience = min(2*o.patience, patienceMax)
			t.arm(o, o.patience)
			return
		}
		t.fetch(o, o.graft)
	}
}
