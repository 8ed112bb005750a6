package watch

import (
	"encoding/hex"
	"slices"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hearsay/lab/fleet"
)

// Heal is one peer's mending: from the loss of a link until its slots were full again.
type Heal struct {
	Number  int      `json:"n"`
	At      float64  `json:"at"` // of its end
	Peer    int      `json:"peer"`
	Lost    []string `json:"lost"` // whose links, by name
	Why     string   `json:"why"`
	Took    float64  `json:"took_ms"`
	Outcome string   `json:"outcome"`
	Trace   string   `json:"trace"`
	Fault   int      `json:"fault"` // that caused it; 0 is none that we know

	end time.Time
}

// healMatch is by how much the fleet's word for a mending and the peer's span of it may differ.
const healMatch = 50 * time.Millisecond

// healed takes a mending that the fleet told of.
func (m *Model) healed(e *fleet.Event) {
	if h := m.findHeal(e.Peer, e.At, e.Took); h != nil {
		return
	}
	m.addHeal(Heal{Peer: e.Peer, Took: millisOf(e.Took), Outcome: e.Reason, end: e.At}, e.At.Add(-e.Took))
}

// findHeal is the mending that ended about then and took as long, or nil.
func (m *Model) findHeal(peer int, end time.Time, took time.Duration) *Heal {
	list := m.heals.last(64)
	for i := len(list) - 1; i >= 0; i-- {
		h := &list[i]
		if h.Peer == peer && h.end.Sub(end).Abs() < 20*healMatch && (durationOf(h.Took)-took).Abs() < healMatch {
			return h
		}
	}
	return nil
}

func (m *Model) addHeal(h Heal, start time.Time) *Heal {
	h.At = millis(h.end)
	h.Number = m.heals.add(h)
	had := m.heals.at(h.Number)
	had.Number = h.Number
	m.blame(had, start, m.lostSince(h.Peer, start))
	m.changes.heal(h.Number)
	return had
}

// lostSince are those whose links a peer lost from that time on.
func (m *Model) lostSince(number int, t time.Time) (numbers []int) {
	if p := m.known(number); p != nil {
		for _, l := range p.lost.last(maxLost) {
			if n := m.numberOf(l.far); n > 0 && !l.at.Before(t) {
				numbers = append(numbers, n)
			}
		}
	}
	return numbers
}

// blame finds the fault that made a mending necessary.
func (m *Model) blame(h *Heal, start time.Time, lost []int) *Fault {
	f := m.cause(start, h.end, h.Peer, lost)
	if f == nil {
		return nil
	}
	if was := m.faults.at(h.Fault); was != nil && was != f {
		was.Heals = slices.DeleteFunc(was.Heals, func(n int) bool { return n == h.Number })
	}
	if h.Fault = f.Number; !slices.Contains(f.Heals, h.Number) && len(f.Heals) < MaxPlaces {
		f.Heals = append(f.Heals, h.Number)
	}
	f.slotsFull(h.end)
	m.changes.fault(f.Number)
	return f
}

// spanHealed takes the span of a mending, and has it link to the fault that made it necessary.
func (m *Model) spanHealed(who runRef, a attrs, s *tracepb.Span, start, end time.Time) {
	lost, names := m.losses(a, s)
	h := m.findHeal(who.number, end, end.Sub(start))
	if h == nil || h.Trace != "" && h.Trace != hex.EncodeToString(s.TraceId) {
		h = m.addHeal(Heal{Peer: who.number, Took: millisOf(end.Sub(start)), end: end}, start)
	}
	h.Lost, h.Outcome, h.Trace = names, a.text(attrOutcome), hex.EncodeToString(s.TraceId)
	if h.Why == "" {
		h.Why = a.text(attrReason)
		for _, e := range s.Events {
			if why := attrs(e.Attributes).text(attrReason); e.Name == eventLost && why != "" {
				h.Why = why
				break
			}
		}
	}
	m.changes.heal(h.Number)
	f := m.blame(h, start, lost)
	if f == nil || f.span == (SpanRef{}) {
		return
	}
	s.Links = append(s.Links, faultLink(f))
}

// losses are the peers whose links the span says were lost.
func (m *Model) losses(a attrs, s *tracepb.Span) (numbers []int, names []string) {
	add := func(a attrs) {
		n, name := m.numberOf(a.text(attrPeer)), a.text(attrPeerName)
		if n > 0 {
			numbers = append(numbers, n)
			name = m.name(n)
		}
		if name != "" && !slices.Contains(names, name) && len(names) < 16 {
			names = append(names, name)
		}
	}
	add(a)
	for _, e := range s.Events {
		if e.Name == eventLost {
			add(attrs(e.Attributes))
		}
	}
	return numbers, names
}
