package watch

import (
	"time"

	"hearsay/peer/node"
)

// end is one end of a link: what the peer there says of it.
type end struct {
	out   bool // it dialled
	eager bool
	since time.Time
	told  time.Time // when an event last told of eager
	rtt   time.Duration
}

// lostLink is an end that is gone.
type lostLink struct {
	far   string
	at    time.Time
	eager bool
	why   string
}

// pair is two places, the lower number first.
type pair struct{ low, high int }

func pairOf(a, b int) pair { return pair{min(a, b), max(a, b)} }

// linkTable is the links between places, as their ends add up.
type linkTable struct {
	up map[pair]*Link
}

func (t *linkTable) init() { t.up = map[pair]*Link{} }

// The states of a Link.
const (
	LinkWhole = "up"    // both ends have it
	LinkHalf  = "half"  // one end has it: it is about to be, or no longer is
	LinkDying = "dying" // its other end is gone, or the network between is cut; whoever has it does not know yet
)

// Link is a link between two peers, as people see it.
type Link struct {
	From  int     `json:"from"` // dialled
	To    int     `json:"to"`
	State string  `json:"state"`
	Eager bool    `json:"eager"` // payload goes over it, in one direction at least
	Push  [2]bool `json:"push"`  // whether From pushes payload to To, and To to From
	Since float64 `json:"since"`
	RTT   int64   `json:"rtt_us"`
	Has   [2]bool `json:"has"` // whether From has it, and To
}

// LostLink is a link that is no more.
type LostLink struct {
	From int     `json:"from"`
	To   int     `json:"to"`
	At   float64 `json:"at"`
	Why  string  `json:"why"`
}

// linkUp says that p has a link to far.
func (m *Model) linkUp(p *place, far string, out bool, at time.Time) {
	if p.ends[far] == nil && len(p.ends) > 2*node.MaxServe {
		return // no peer has so many: an engine tells nonsense
	}
	p.ends[far] = &end{out: out, since: at}
	m.relink(p.Number, m.numberOf(far))
	m.shaken(at)
}

// linkDown says that it no longer has.
func (m *Model) linkDown(p *place, far, why string, at time.Time) {
	e := p.ends[far]
	if e == nil {
		return
	}
	delete(p.ends, far)
	p.lost.add(lostLink{far, at, e.eager, why})
	m.noticed(p, far, at)
	m.relink(p.Number, m.numberOf(far))
	m.shaken(at)
}

// linkMode says whether p pushes payload over its link to far.
func (m *Model) linkMode(p *place, far string, eager bool, at time.Time) {
	if e := p.ends[far]; e != nil {
		e.eager, e.told = eager, at
		m.relink(p.Number, m.numberOf(far))
	}
}

// endTo is p's end of a link to q, and whether it is to q's present run. If there are two, the present one counts.
func (m *Model) endTo(p, q *place) (e *end, present bool) {
	if e = p.ends[q.ID]; e != nil && q.ID != "" {
		return e, true
	}
	for far, old := range p.ends {
		if m.numberOf(far) == q.Number && (e == nil || old.since.After(e.since)) {
			e = old
		}
	}
	return e, false
}

// relink works out the link between two places again, after an end of it has changed.
func (m *Model) relink(a, b int) {
	p, q := m.known(min(a, b)), m.known(max(a, b))
	if p == nil || q == nil || p == q {
		return
	}
	k := pairOf(a, b)
	was := m.links.up[k]
	now := m.combine(p, q)
	switch {
	case now == nil && was == nil:
		return
	case now == nil:
		delete(m.links.up, k)
		m.changes.gone(k, LostLink{From: was.From, To: was.To, At: millis(m.now), Why: m.whyLost(p, q)})
	case was == nil || *was != *now:
		m.links.up[k] = now
		m.changes.link(k, was == nil)
	}
	m.parts.dirty = true
}

// relinkAll does so for all links of a place.
func (m *Model) relinkAll(p *place) {
	for far := range p.ends {
		m.relink(p.Number, m.numberOf(far))
	}
}

// combine makes a link of its ends, or nil of none.
func (m *Model) combine(p, q *place) *Link {
	atP, toQ := m.endTo(p, q)
	atQ, toP := m.endTo(q, p)
	if atP == nil && atQ == nil {
		return nil
	}
	l := &Link{State: LinkHalf}
	pOut := atP != nil && atP.out
	if atP == nil {
		pOut = !atQ.out
	}
	if l.From, l.To = p.Number, q.Number; !pOut {
		l.From, l.To = l.To, l.From
		atP, atQ = atQ, atP
	}
	// From here on atP is the dialling end.
	var since time.Time
	for i, e := range []*end{atP, atQ} {
		if e == nil {
			continue
		}
		l.Push[i], l.Has[i] = e.eager, true
		if since.IsZero() || e.since.Before(since) {
			since = e.since
		}
		if e.rtt > 0 {
			l.RTT = e.rtt.Microseconds()
		}
	}
	l.Eager, l.Since = l.Push[0] || l.Push[1], millis(since)
	switch {
	case !p.Alive || !q.Alive || !toQ && !toP || m.cut.separates(p.Number, q.Number), p.Paused && !toP, q.Paused && !toQ:
		l.State = LinkDying
	case toQ && toP:
		l.State = LinkWhole
	}
	return l
}

// whyLost is the first reason that either end gave for the loss of their newest link.
func (m *Model) whyLost(p, q *place) (why string) {
	var first time.Time
	for _, ends := range [2][2]*place{{p, q}, {q, p}} {
		list := ends[0].lost.last(maxLost)
		for i := len(list) - 1; i >= 0; i-- {
			if l := list[i]; m.numberOf(l.far) == ends[1].Number {
				if first.IsZero() || l.at.Before(first) {
					first, why = l.at, l.why
				}
				break
			}
		}
	}
	switch {
	case !p.Alive || !q.Alive:
		return "dead"
	case why == "":
		return "gone"
	}
	return why
}
