package watch

import (
	"fmt"
	"slices"
	"time"
)

// handedOn is how long a publisher must have lived after it said something, in a network that was whole, for its message
// to be owed to all though nobody who lives has it. Scenarios have the same.
const handedOn = time.Second

// neverRead is the run with which a message died: its publisher ended before it had handed the message on for certain,
// and nobody who lives has it. It is then owed to nobody. It is nil if somebody may still be owed the message.
func (m *Model) neverRead(msg *message) *run {
	if !msg.sure {
		return nil
	}
	by := m.publisher(msg)
	if by == nil || by.ended.IsZero() || by.how == "stop" { // who stops hands on first what it has accepted
		return nil
	}
	for i := range msg.hops {
		h := &msg.hops[i]
		if p := m.known(h.to.number); h.delivery() && p != nil && p.Alive && p.Run == h.to.run {
			return nil
		}
	}
	until := msg.said.Add(handedOn)
	if by.ended.Before(until) || m.hindered(msg.origin.number, msg.said, until) {
		return by
	}
	return nil
}

// heard reports whether anybody ever had a message from its publisher.
func (msg *message) heard() bool {
	return slices.ContainsFunc(msg.hops, func(h hop) bool { return h.delivery() })
}

// unread reports whether a message died with its publisher, who alone had it.
func (m *Model) unread(msg *message) bool { return !msg.heard() && m.neverRead(msg) != nil }

// publisher is the run that said a message, or nil if it is not known, or no longer.
func (m *Model) publisher(msg *message) *run {
	p := m.known(msg.origin.number)
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.runs, func(r run) bool { return r.number == msg.origin.run })
	if i < 0 {
		return nil
	}
	return &p.runs[i]
}

// hindered reports whether at some time in between not everybody could be reached: the network was cut, somebody was
// paused, or what the publisher sent was lost.
func (m *Model) hindered(publisher int, from, to time.Time) bool {
	then := func(s spell) bool { return !s.from.After(to) && (s.until.IsZero() || !s.until.Before(from)) }
	if m.cut.any() && !m.cut.since.After(to) {
		return true
	}
	return slices.ContainsFunc(m.cut.past, func(c pastCut) bool { return then(c.spell) }) ||
		slices.ContainsFunc(m.lossy, func(l loss) bool { return then(l.spell) && slices.Contains(l.peers, publisher) }) ||
		slices.ContainsFunc(m.places, func(p *place) bool { return slices.ContainsFunc(p.pauses, then) })
}

// whyNeverRead says why a message is owed to nobody.
func (m *Model) whyNeverRead(msg *message, by *run) string {
	if msg.heard() {
		return "it died with " + m.name(msg.origin.number) + ", and with whoever else had it"
	}
	how := "ended"
	if by.how == "kill" {
		how = "was killed"
	}
	return fmt.Sprintf("it died with %s, which %s %s after this was said", m.name(msg.origin.number), how, span(by.ended.Sub(msg.said)))
}
