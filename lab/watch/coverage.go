package watch

import (
	"time"
)

// A message is owed to whoever ran when it was said, other than its publisher: who started later is owed no history,
// and who died meanwhile can no longer be told.

// startGrace is for a peer that starts just when a message is said: whether it is owed that, the peers know to the
// microsecond and we do not.
const startGrace = 25 * time.Millisecond

// coverage counts who has a message of those who are owed it, and who does not. A message that none of ours has said,
// or that was said before we watched, is owed to nobody as far as we know.
func (m *Model) coverage(msg *message) (heard, due int) {
	for _, p := range m.places {
		switch _, what := m.owed(msg, p); what {
		case owedHeard:
			heard++
		case owedDue:
			due++
		}
	}
	if due > 0 && m.neverRead(msg) != nil {
		due = 0
	}
	return heard, due
}

// shown reports whether there is anything to show of a message: not if all that we know is that somebody dropped it.
func (msg *message) shown() bool {
	return msg.sure || msg.heard()
}

// standing is how a place stands to a message.
type standing uint8

const (
	owedNothing standing = iota // it is not owed the message, and does not have it
	owedHeard                   // it was owed the message, and has or had it
	owedDue                     // it is owed the message, and does not have it
	owedDied                    // it was owed the message, and died before it had it
	owedExtra                   // it has the message though it is not owed it: it asked for history
	owedSelf                    // it said the message
)

// owed says how a place stands to a message, and by which of its runs.
func (m *Model) owed(msg *message, p *place) (r *run, what standing) {
	r = p.runAt(msg.said)
	if r != nil && (runRef{p.Number, r.number}) == msg.origin {
		return r, owedSelf
	}
	if r != nil {
		if h := msg.hopTo(runRef{p.Number, r.number}); h != nil && h.delivery() {
			return r, owedHeard
		}
	}
	if c := p.current(); c != nil && c != r {
		if h := msg.hopTo(runRef{p.Number, c.number}); h != nil && h.delivery() {
			return c, owedExtra
		}
	}
	switch {
	case r == nil || !msg.sure:
		return nil, owedNothing
	case !r.ended.IsZero():
		return r, owedDied
	case msg.said.Sub(r.began) < startGrace && m.old(msg, p, r):
		return r, owedNothing
	}
	return r, owedDue
}

// old reports whether a peer that has just started may rightly take a message for older than itself.
func (m *Model) old(msg *message, p *place, r *run) bool {
	h := msg.hopTo(runRef{p.Number, r.number})
	return h == nil || h.drop == "" || h.drop == "old"
}

// keeping is who still has a message for those who missed it.
type keeping struct {
	by    []int
	until time.Time // zero: nobody, or no longer
}

// kept says who keeps a message: whoever has it, until the retention window closes, or the peer's memory for it is
// full and the oldest go.
func (m *Model) kept(msg *message) (k keeping) {
	until := msg.said.Add(m.cfg.Retain)
	if !until.After(m.now) {
		return k
	}
	for _, p := range m.places {
		c := p.current()
		if c == nil || !p.Alive {
			continue
		}
		self := runRef{p.Number, c.number}
		ordinal := msg.ordinal
		if self != msg.origin {
			h := msg.hopTo(self)
			if h == nil || !h.delivery() {
				continue
			}
			ordinal = h.ordinal
		}
		if ordinal == 0 || ordinal > p.said.evicted {
			k.by = append(k.by, p.Number)
		}
	}
	if len(k.by) > 0 {
		k.until = until
	}
	return k
}

// settle closes the messages that everybody has who is owed them, once their spans have come or had their time.
func (m *Model) settle(now time.Time) {
	l := &m.messages
	keep := l.open[:0]
	for _, msg := range l.open {
		if !msg.recheck || !m.settled(msg, now) {
			keep = append(keep, msg)
			continue
		}
		msg.closed = true
		m.measures.add(m.sample(msg))
		if m.unread(msg) {
			m.measures.neverRead++
		}
	}
	clear(l.open[len(keep):])
	l.open = keep
}

// spansFor is how long the spans of a message may come after everybody has it.
const spansFor = 3 * time.Second

// settled reports whether nothing more is to be expected of a message. While only time is to pass, it stays to be
// checked again.
func (m *Model) settled(msg *message, now time.Time) bool {
	heard, due := m.coverage(msg)
	if due > 0 || !msg.sure {
		msg.recheck = false
		return false
	}
	if heard > 0 {
		m.faults.everywhere(m, msg.said, m.lastHeard(msg))
	}
	if now.Sub(msg.changed) >= spansFor {
		return true
	}
	if m.neverRead(msg) != nil {
		return false // somebody may have it who has not told yet
	}
	for i := range msg.hops {
		if msg.hops[i].event && !msg.hops[i].traced {
			return false
		}
	}
	return msg.spanned
}

// lastHeard is when the last of those who are owed a message had it.
func (m *Model) lastHeard(msg *message) (last time.Time) {
	for i := range msg.hops {
		if h := &msg.hops[i]; h.delivery() && h.at.After(last) {
			last = h.at
		}
	}
	return last
}

func (m *Model) sample(msg *message) sample {
	s := sample{took: -1}
	for i := range msg.hops {
		h := &msg.hops[i]
		if !h.delivery() {
			continue
		}
		s.took = max(s.took, sinceMS(msg.said, h.at))
		s.hops = max(s.hops, h.links)
		if h.traced {
			s.heard++
			s.copies += 1 + len(h.copies)
		}
	}
	return s
}
