package plumtree

import (
	"slices"

	"hearsay/peer/wire"
)

// missing is what an origin's neighbors have and we do not: from upto+1 to known.
type missing struct {
	waiting bool   // it is in Tree.behind; the rest only means something then
	known   uint64 // the highest message that anybody announced
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
		o.known, o.blocked, o.due = 0, t.now, never
		o.from, o.first, o.patience = nil, l, 0
		t.behind = append(t.behind, o)
	}
	o.known = max(o.known, seq)
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

// fetch asks somebody who has what comes next; if all who had it say that it is gone, it goes on
// without it. A GRAFT makes the link eager, and a WANT does not.
func (t *Tree) fetch(o *origin, graft bool) {
	for {
		l, gone := t.announcer(o)
		if l != nil {
			t.ask(l, o, graft)
			return
		}
		if !gone {
			// Nobody has it now. It stays missing for as long as somebody may come who does.
			t.unask(o)
			t.arm(o, max(o.blocked+t.cfg.Retain-t.now, 0))
			return
		}
		t.lose(o, t.goneUntil(o), reasonGone)
		if !o.waiting {
			return
		}
		if o.from != nil { // it goes on with what it was asked for
			t.arm(o, o.patience)
			return
		}
	}
}

func (t *Tree) ask(l *link, o *origin, graft bool) {
	t.unask(o)
	v := &l.views[o.slot]
	o.from, o.until, o.graft, o.askedAt = l, min(v.has, o.firstHeld()-1), graft, t.now
	first := wantPatience
	if graft {
		first = max(graftPatience, 2*t.late.delay(t.now))
	}
	o.patience = min(max(first, 2*o.patience), patienceMax)
	t.arm(o, o.patience)
	v.graft = graft
	t.request(l, ask{o, o.upto + 1, o.until, t.start(), graft})
	if graft {
		o.grafted, o.graftedFor = o.upto+1, o.blocked
		t.stats.Grafts++
		t.out.Events = append(t.out.Events, Event{Kind: Grafted, Start: t.when(t.now), End: t.when(t.now), Conn: l.conn, Origin: o.name, From: o.upto + 1, Seq: o.until})
		t.warm(l)
	} else {
		t.wanted(l, o.until-o.upto)
	}
}

// announcer picks whom to ask for what comes next: an eager link if there is one, so that those who miss
// the messages of many origins graft one link for all; else who announced it first. If somebody was
// asked already, it is the next after that. If nobody can be asked, gone says whether that is because
// all who had it have said that it is gone.
func (t *Tree) announcer(o *origin) (pick *link, gone bool) {
	next := o.upto + 1
	last := slices.Index(t.links, o.from)
	for i := range t.links {
		l := t.links[(last+1+i)%len(t.links)]
		switch v := &l.views[o.slot]; {
		case v.has < next:
		case v.gone >= next:
			gone = true
		case pick == nil || o.from == nil && !pick.eager && (l.eager || l == o.first):
			pick = l
		}
	}
	return pick, gone && pick == nil
}

// goneUntil is up to where all who have what comes next said that it is gone.
func (t *Tree) goneUntil(o *origin) uint64 {
	until := o.firstHeld() - 1
	for _, l := range t.links {
		if v := &l.views[o.slot]; v.has > o.upto {
			until = min(until, v.gone)
		}
	}
	return until
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

func (t *Tree) onDue(o *origin) {
	l := o.from
	switch {
	// Who was asked knows better when to give up, so it is given time to.
	case l == nil && t.now-o.blocked >= t.cfg.Retain, t.now-o.blocked >= 2*t.cfg.Retain:
		t.lose(o, min(o.known, o.firstHeld()-1), reasonNobody)
	case l == nil && o.blocked+t.late.delay(t.now) > t.now:
		t.arm(o, o.blocked+t.late.delay(t.now)-t.now) // payload is late, but it flows
	case l == nil:
		t.fetch(o, true)
		t.fetchToo(o.from)
	case l.progress+o.patience > t.now && o.blocked+patienceMax > t.now:
		t.arm(o, l.progress+o.patience-t.now) // it is sending us other things
	default:
		// A link is in order, so asking the same one again would only bring the same again.
		if other, _ := t.announcer(o); other == nil || other == l && t.now-o.askedAt < 2*patienceMax {
			o.patience = min(2*o.patience, patienceMax)
			t.arm(o, o.patience)
			return
		}
		t.fetch(o, o.graft)
	}
}

// fetchToo asks l, which was grafted because time was up for one origin, for what else has been missing
// for long enough.
func (t *Tree) fetchToo(l *link) {
	if l == nil {
		return
	}
	for _, o := range t.behind {
		if o.from == nil && o.blocked+t.late.delay(t.now) <= t.now && l.views[o.slot].has > max(o.upto, l.views[o.slot].gone) {
			t.ask(l, o, true)
		}
	}
}

// lose gives up what comes next, up to and including last.
func (t *Tree) lose(o *origin, last uint64, why string) {
	if o.upto > 0 || !t.forgot { // it may have been delivered before we forgot its origin
		t.stats.Lost += last - o.upto
		t.out.Events = append(t.out.Events, Event{Kind: Lost, Start: t.when(t.now), End: t.when(t.now), Origin: o.name, From: o.upto + 1, Seq: last, Reason: why})
	}
	t.settle(o, last)
}

// skip settles what is older than this peer, up to and including last.
func (t *Tree) skip(o *origin, last uint64) {
	if last <= o.upto {
		return
	}
	o.skipped = last
	t.settle(o, last)
}

// settle moves the mark over messages that we do not have.
func (t *Tree) settle(o *origin, last uint64) {
	o.upto = last
	o.touched = t.now
	t.announce(o)
	if o.waiting {
		t.review(o)
	}
}

// start is since when we are owed what is published.
func (t *Tree) start() instant {
	if t.cfg.History {
		return t.now - wire.MaxTime
	}
	return 0
}
