package scenario

import "time"

// calm adds up what happens while nothing is broken and people speak.
type calm struct {
	since    time.Time // it has been quiet since then; the zero time is not
	open     bool      // for so long that what is seen counts
	from, to time.Time // of the open stretch
	base     counters  // at its beginning,
	last     counters  // and as it was seen last

	total  counters // of the stretches that have ended
	lasted time.Duration
}

// look is called after each look at the mesh.
func (c *calm) look(m *monitor, at time.Time) {
	if !m.quiet() {
		c.end()
		return
	}
	switch {
	case c.since.IsZero():
		c.since = at
	case !c.open && at.Sub(c.since) >= calmAfter:
		c.open, c.from, c.base = true, at, m.total
		fallthrough
	case c.open:
		c.to, c.last = at, m.total
	}
}

// end ends a stretch.
func (c *calm) end() {
	if c.open {
		c.total.add(c.last, 1)
		c.total.add(c.base, ^uint64(0))
		c.lasted += c.to.Sub(c.from)
	}
	c.since, c.open = time.Time{}, false
}

// quiet reports whether nothing is broken, and somebody speaks.
func (m *monitor) quiet() bool {
	r := m.r
	if m.shape.why != "" || !r.net.whole() || r.shaking {
		return false
	}
	for _, p := range m.view.peers {
		if p.Alive && p.Paused {
			return false
		}
	}
	for _, s := range r.speakers {
		if !s.done {
			return true
		}
	}
	return false
}

// rmr is how many copies were received for each that was needed, less one; negative if nothing was.
func (c *counters) rmr() float64 {
	if c.delivered == 0 {
		return -1
	}
	return float64(c.duplicates) / float64(c.delivered)
}
