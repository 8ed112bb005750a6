package plumtree

import (
	"slices"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// fetch asks somebody who has what comes next; if all who had it say that it is gone, it goes on
// without it. A GRAFT makes the link eager, and a WANT does not.
func (t *Tree) fetch(o *origin, graft bool) {
	if graft && planted.On(planted.NoGraft) {
		t.unask(o)
		t.arm(o, patienceMax)
		return
	}
	for {
		l, gone := t.announcer(o)
		if l != nil {
			t.ask(l, o, graft)
			return
		}
		if !gone {
			// Nobody has it now. It stays missing for as long as somebody may come who does.
			t.unask(o)
			t.arm(o, max(o.noted.of(o.upto+1)+t.cfg.Retain-t.now, 0))
			return
		}
		t.lose(o, t.goneUntil(o), reasonGone)
		if !o.waiting {
			return
		}
		if l := o.from; l != nil && l.views[o.slot].gone <= o.upto { // it goes on with what it was asked for
			t.arm(o, o.patience)
			return
		}
	}
}

// ask asks l for what comes next and it has.
func (t *Tree) ask(l *link, o *origin, graft bool) {
	t.askUntil(l, o, min(l.views[o.slot].has, o.firstHeld()-1), graft)
}

// askUntil is ask for no more than what comes up to and including last.
func (t *Tree) askUntil(l *link, o *origin, last uint64, graft bool) {
	t.unask(o)
	v := &l.views[o.slot]
	o.from, o.until, o.graft, o.askedAt = l, last, graft, t.now
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

// goneAnyway is up to where what comes next can be given up, since some who had it say that it is gone, and the others
// have been asked and do not answer; zero if it cannot.
func (t *Tree) goneAnyway(o *origin) uint64 {
	last, denied, silent := o.firstHeld()-1, false, 0
	for _, l := range t.links {
		switch v := &l.views[o.slot]; {
		case v.has <= o.upto:
		case v.gone > o.upto:
			last, denied = min(last, v.gone), true
		case v.asked <= o.upto || t.now-l.progress < goneSilence:
			return 0
		default:
			silent++
		}
	}
	if !denied || t.now-o.blocked < instant(silent)*goneSilence { // each has his time
		return 0
	}
	return last
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

// start is since when we are owed what is published.
func (t *Tree) start() instant {
	if t.cfg.History {
		return t.now - wire.MaxTime
	}
	return 0
}
