package scenario

import (
	"time"
)

// Sample is what the mesh looked like at one moment.
type Sample struct {
	At         time.Duration
	Living     int
	Parts      int
	Links      int
	Meshed     bool
	Said       int
	Heard      int    // deliveries that the ledger knows
	Delivered  uint64 // by the peers' own counters, of all that ever ran
	Duplicates uint64
	Announced  uint64
}

func (m *monitor) sample(at time.Time) {
	if len(m.samples) > 0 && at.Sub(m.sampled) < m.every {
		return
	}
	if len(m.samples) >= maxSamples {
		half := m.samples[:0]
		for i := 0; i < len(m.samples); i += 2 {
			half = append(half, m.samples[i])
		}
		m.samples = half
		m.every *= 2
	}
	m.sampled = at
	s := Sample{
		At: at.Sub(m.r.began), Parts: m.shape.parts, Links: m.shape.links, Meshed: m.shape.why == "",
		Said: len(m.r.ledger.said), Heard: m.r.ledger.heard,
		Delivered: m.total.delivered, Duplicates: m.total.duplicates, Announced: m.total.announced,
	}
	for _, p := range m.view.peers {
		if p.Alive {
			s.Living++
		}
	}
	m.samples = append(m.samples, s)
}
