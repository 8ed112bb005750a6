package watch

import (
	"time"

	"hearsay/peer/node"
)

// rttStep is by how much a round trip must change for the page to be told: a quarter. It varies all the time.
const rttStep = 4

// Asked is a question for a peer's status.
type Asked struct {
	number int
	at     time.Time
	holds  uint64
}

// Ask is called before a peer is asked for its status: what is told meanwhile is newer than the answer.
func (m *Model) Ask(now time.Time, number int) Asked {
	a := Asked{number: number, at: now}
	if p := m.known(number); p != nil {
		a.holds = p.holds
	}
	return a
}

// Status takes what a peer said of itself. It knows of links from before we listened, and how long their round trips
// are.
func (m *Model) Status(question Asked, s *node.Status) {
	asked, number := question.at, question.number
	m.begin(asked)
	p := m.known(number)
	if p == nil || !p.Alive {
		return
	}
	if p.ID != s.ID {
		c := p.current()
		if r := m.runs[s.ID]; c == nil || r.number != 0 || c.id != "" {
			return // of a run that is over, or that we have not heard of yet
		}
		m.identify(p, s.ID)
	}
	m.refineStart(p, asked, s.UptimeMS)
	was := p.said
	p.said = status{
		at: asked, slots: s.Slots, announced: s.Announce.Sent, multicast: s.Announce.Multicast,
	}
	if kept := s.Messages.Retained; question.holds > kept {
		p.said.evicted = question.holds - kept
	}
	if p.Addr != s.Addr || p.root != s.Root || was.slots != s.Slots {
		p.Addr, p.root = s.Addr, s.Root
		m.changes.peer(number)
	}
	if d := asked.Sub(was.at); !was.at.IsZero() && d > 0 && p.said.announced >= was.announced {
		p.said.rate = float64(p.said.announced-was.announced) / d.Seconds()
	}
	m.reconcile(p, asked, s.Links)
}

// refineStart takes a peer's word for when it began: what is published before is not owed to it, and a process takes
// a while from its start to its first thought.
func (m *Model) refineStart(p *place, asked time.Time, uptimeMS int64) {
	began := asked.Add(-time.Duration(uptimeMS) * time.Millisecond)
	if c := p.current(); c != nil && began.After(c.began) {
		c.began = began
	}
}

// reconcile has the ends of p be those of its status.
func (m *Model) reconcile(p *place, asked time.Time, links []node.LinkStatus) {
	there := make(map[string]bool, len(links))
	for i := range links {
		l := &links[i]
		there[l.ID] = true
		e := p.ends[l.ID]
		if e == nil {
			if p.lostAfter(l.ID, asked) {
				continue
			}
			m.linkUp(p, l.ID, l.Dir == "out", asked.Add(-time.Duration(l.SinceMS)*time.Millisecond))
			if e = p.ends[l.ID]; e == nil {
				continue
			}
		}
		if rtt := time.Duration(l.RTTUS) * time.Microsecond; (rtt - e.rtt).Abs() > e.rtt/rttStep {
			e.rtt = rtt
		}
		if e.told.Before(asked) {
			e.eager = l.Eager
		}
		m.relink(p.Number, m.numberOf(l.ID))
	}
	for far, e := range p.ends {
		if !there[far] && e.since.Before(asked) {
			m.linkDown(p, far, "gone", asked)
		}
	}
}

// lostAfter reports whether an end was lost after that time.
func (p *place) lostAfter(far string, t time.Time) bool {
	for _, l := range p.lost.last(maxLost) {
		if l.far == far && !l.at.Before(t) {
			return true
		}
	}
	return false
}
