package sim

import "time"

// unrest is for how long after a fault something may still be wrong: a silent death is noticed after three
// seconds, and then mended.
const unrest = 6 * time.Second

// calm remembers when nothing was wrong: no fault went on, and none had happened for a while. Some promises
// hold only then, such as that a message outlives its publisher by what one second brings.
type calm struct {
	wrong  []stretch     // in order, apart from one another
	active bool          // the last of them has no end yet
	paused int           // processes
	slow   time.Duration // for how long in all something was wrong, up to since
	since  time.Duration // when that began; negative if nothing is
}

// stalled is for how long in all messages may have waited on the way, unread or unsent: while something was
// wrong, and a while more for each time, in which TCP makes good for it.
func (c *calm) stalled(now time.Duration) time.Duration {
	if c.since >= 0 {
		return c.slow + now - c.since
	}
	return c.slow
}

type stretch struct{ from, to time.Duration }

// disturb notes that a fault began, changed or ended.
func (w *World) disturb() {
	c, now := &w.calm, w.Now()
	w.lastFault = now
	if n := len(c.wrong); n == 0 || !c.active && c.wrong[n-1].to+unrest < now {
		c.wrong = append(c.wrong, stretch{now, now})
	} else {
		c.wrong[n-1].to = now
	}
	c.active = w.Faulty()
	switch wrong := c.active; {
	case wrong && c.since < 0:
		c.since = now
	case !wrong && c.since >= 0:
		c.slow, c.since = c.slow+now-c.since+time.Duration(rtoMax), -1
	}
}

// Faulty reports whether a fault goes on now.
func (w *World) Faulty() bool { return w.groups || len(w.rules) > 0 || w.calm.paused > 0 }

// calmAround reports whether nothing was wrong when a message was published, nor for a while before, nor in
// the second that it may take to get about. Where packets are lost or queue, that is never certain.
func (w *World) calmAround(at time.Duration) bool {
	if w.cfg.Loss > 0 || w.cfg.Bandwidth > 0 {
		return false
	}
	c := &w.calm
	for i := len(c.wrong) - 1; i >= 0; i-- {
		s := c.wrong[i]
		if s.from > at+settled {
			continue
		}
		return !(c.active && i == len(c.wrong)-1) && s.to+unrest < at
	}
	return true
}
