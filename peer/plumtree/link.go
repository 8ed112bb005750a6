package plumtree

import (
	"slices"
	"time"

	"hearsay/peer/wire"
)

// link is one link, and what we know of its far side.
type link struct {
	conn    wire.Conn
	started instant // when the far peer started
	eager   bool    // it gets payload; otherwise IHAVE
	// exploring is after how many second copies it is lazy again, if it is grafted only to see whether it
	// is the shorter way.
	exploring int
	full      bool // the shell's queue is past its mark: it gets nothing but small frames

	// strained is since when it has been full, or behind with what it is owed; never if it is neither.
	strained instant
	prunedAt instant // when we last sent PRUNE
	progress instant // when something that we had asked for last came
	// doubt is how much older than he is we say that whoever we ask for is, since what we say is late.
	doubt time.Duration

	views   []view    // by origin.slot
	last    *origin   // of the message before: bursts come from one origin
	pending []*origin // whose marks it is to be told
	asks    []ask     // for the end of the turn
	owed    []*owed   // what can be served now; the first is next
	catchUp catchUp
}

// view is what a link's far side has of one origin, and what is between us.
type view struct {
	has     uint64 // it has, or knows the fate of, everything up to and including has
	asked   uint64 // we never asked it for anything beyond asked
	gone    uint64 // it said that it cannot send what we miss up to and including gone
	sent    []sent // what it was asked for and has not answered, the oldest first
	owed    *owed  // what it gets from the log, of what lies beyond has
	deep    *owed  // what it gets from the log of what lies behind has: for somebody older than itself
	pending bool   // it is in link.pending
	again   bool   // and is to be told though it has as much
	graft   bool   // the last ask was a GRAFT, not a WANT
}

// fit makes room for n origins.
func (l *link) fit(n int) {
	if n > len(l.views) {
		l.views = slices.Grow(l.views, n-len(l.views))[:n]
	}
}

// LinkUp says that a link is up; uptime is the far peer's, from its handshake. It starts eager, and
// with our version vector.
func (t *Tree) LinkUp(now time.Time, conn wire.Conn, uptime time.Duration) {
	t.begin(now)
	if t.link(conn) != nil {
		panic("plumtree: a link came up twice")
	}
	if len(t.links) >= maxLinks {
		t.stats.Limits["links"]++
		return
	}
	l := &link{conn: conn, started: t.now - min(uptime, wire.MaxTime), eager: true, strained: never, prunedAt: -pruneAgain}
	l.fit(t.origins.slots)
	t.links = append(t.links, l)
	for _, o := range t.origins.list {
		o.verdict = verdict{} // the new neighbor may have what others had not
	}
	t.explore.restless(t.now)
	t.sendHave(l)
}

// LinkDown says that a link is down. What it was asked for is asked of others at once.
func (t *Tree) LinkDown(now time.Time, conn wire.Conn) {
	t.begin(now)
	i := slices.IndexFunc(t.links, func(l *link) bool { return l.conn == conn })
	if i < 0 {
		return // one too many, at LinkUp
	}
	l := t.links[i]
	t.links = slices.Delete(t.links, i, i+1)
	if l.eager {
		t.urgent = t.now + urgency
	}
	t.explore.restless(t.now)
	// Backwards, since what need not wait any longer leaves the list.
	for i := len(t.behind) - 1; i >= 0; i-- {
		o := t.behind[i]
		if o.from == l {
			o.from = nil
			t.fetch(o, true)
		} else if o.from == nil && l.eager {
			t.fetch(o, true)
		}
	}
	for i := len(t.deeps) - 1; i >= 0; i-- {
		if o := t.deeps[i]; o.deep.from == l {
			t.deepNext(o)
		}
	}
}

// Full says that what is queued for conn passed the shell's high mark, or has drained below its low
// mark. It changes no effects, so it may be called while they are being performed.
//
// A full link is not made lazy at once, as it would have to be grafted again for every burst. New
// messages become a range that it is owed, served from the log as it drains; only a laggard is lazy.
func (t *Tree) Full(now time.Time, conn wire.Conn, full bool) {
	t.now = max(t.now, t.at(now))
	t.quiet, t.timed = false, false
	l := t.link(conn)
	if l == nil || l.full == full {
		return
	}
	l.full = full
	if full {
		l.strained = min(l.strained, t.now)
		return
	}
	if len(l.owed) == 0 {
		l.strained = never
	}
	if len(l.pending) > 0 {
		t.ihaveAt = t.now
	}
}

// Eager reports whether conn gets payload.
func (t *Tree) Eager(conn wire.Conn) bool {
	l := t.link(conn)
	return l != nil && l.eager
}

// laggard reports whether l has been full for too long.
func (t *Tree) laggard(l *link) bool { return l.full && t.now-l.strained >= fullPatience }

// busy reports whether publishers have to wait: for a link that may drain in time, or because none
// takes anything.
func (t *Tree) busy() bool {
	full := 0
	for _, l := range t.links {
		if !l.full {
			continue
		}
		if full++; !t.laggard(l) {
			return true
		}
	}
	return full > 0 && full == len(t.links)
}
