package plumtree

import "hearsay/peer/wire"

// ask is a range to be asked of a link at the end of the turn, so that several share a frame.
type ask struct {
	origin      *origin // nil to ask for what is yet to come
	first, last uint64
	start       instant // since when whoever it is for is owed messages
	graft       bool
}

func (t *Tree) request(l *link, a ask) {
	a.start -= l.doubt
	l.asks = append(l.asks, a)
	t.unflushed = true
	if a.origin != nil {
		v := &l.views[a.origin.slot]
		v.asked = max(v.asked, a.last)
		v.ask(&a, l.doubt, t.now)
	}
}

// flushAsks sends what is to be asked. A full link gets it too: asks are few and short.
func (t *Tree) flushAsks() {
	if !t.unflushed {
		return
	}
	t.unflushed = false
	for _, l := range t.links {
		for rest := l.asks; len(rest) > 0; {
			rest = rest[t.sendAsks(l, rest):]
		}
		clear(l.asks)
		l.asks = l.asks[:0]
	}
}

// sendAsks sends one frame with as many of asks as belong together, and returns how many.
func (t *Tree) sendAsks(l *link, asks []ask) (n int) {
	ranges := t.ranges[:0]
	for n < len(asks) && n < wire.MaxMarks && asks[n].graft == asks[0].graft && asks[n].start == asks[0].start {
		if a := asks[n]; a.origin != nil {
			ranges = append(ranges, wire.Range{Origin: a.origin.name, First: a.first, Last: a.last})
		}
		n++
	}
	uptime := t.now - asks[0].start
	if asks[0].graft {
		t.send(l, wire.AppendGraft(t.frames.room(), wire.Graft{Uptime: uptime, Ranges: ranges}))
	} else {
		t.send(l, wire.AppendWant(t.frames.room(), wire.Want{Uptime: uptime, Ranges: ranges}))
	}
	t.ranges = ranges[:0]
	return n
}

func (t *Tree) onGraft(l *link, c *wire.Graft) wire.Reason {
	if len(c.Ranges) == 0 { // it explores
		l.eager = true
		return ""
	}
	wasLazy := !l.eager
	t.warm(l)
	return t.owe(l, c.Uptime, c.Ranges, wasLazy)
}

func (t *Tree) onWant(l *link, c *wire.Want) wire.Reason {
	return t.owe(l, c.Uptime, c.Ranges, false)
}
