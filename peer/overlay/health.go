package overlay

import (
	"time"

	"hearsay/peer/planted"
)

// Lifeguard's local health (Dadgar, Phillips and Currey, DSN-W 2018): whoever is slow himself takes
// others for dead. So a peer whose own loop comes late is patient with others in that measure.

const (
	// lateAfter is how late Advance must come to count: what a busy machine with two cores does now and
	// then is below it, what a paused process does is above.
	lateAfter = 200 * time.Millisecond
	// maxHealth stretches patience to four times at most.
	maxHealth = 3
	// recoverAfter is how long we must have been on time to get one better.
	recoverAfter = 5 * time.Second
)

// health is how late we have been lately. The zero value is in good health.
type health struct {
	score int // 0 is good
	since time.Time
}

// woke takes note of how late Advance came. The time in which we did not run is not held against
// anybody: what others said meanwhile waits in the sockets, unread.
func (h *health) woke(o *Overlay, late time.Duration) {
	if late <= lateAfter {
		return
	}
	o.counts.limit("late")
	h.score = min(maxHealth, h.score+1+int(late/time.Second))
	h.since = o.now
	for _, c := range o.order {
		c.heard = earlier(c.heard.Add(late), o.now)
		if !c.deadline.IsZero() {
			c.deadline = c.deadline.Add(late)
		}
	}
	o.root.excuse(o, late)
}

// recover makes us a little less patient, once we have been on time for a while.
func (h *health) recover(o *Overlay) {
	if h.score > 0 && o.now.Sub(h.since) >= recoverAfter {
		h.score--
		h.since = o.now
	}
}

// patience is how long a link may be silent.
func (o *Overlay) patience() time.Duration {
	if planted.On(planted.NeverNotice) {
		return time.Hour
	}
	return silentFor * time.Duration(1+o.health.score)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
