package plumtree

import "time"

// lateness is how long it pays to wait for what was announced before it is grafted. On an idle LAN that
// is no time at all. Where the processors are busy, or the tree is deep, payload is late; to graft it too
// soon makes duplicates, and so more load. That a graft was too soon shows when the payload comes the
// old way after all: then the next wait is longer than this one would have had to be.
type lateness struct {
	excess instant // over graftDelayMin, when it was last raised
	raised instant
}

// lateHalf is how soon half of what was learned is forgotten.
const lateHalf = 5 * time.Second

// delay is how long to wait.
func (s *lateness) delay(now instant) instant {
	return graftDelayMin + s.excess>>min((now-s.raised)/lateHalf, 60)
}

// tooSoon notes that what was grafted came the old way after so long.
func (s *lateness) tooSoon(after, now instant) {
	if want := min(after+after/4, graftDelayMax); want > s.delay(now) {
		s.excess, s.raised = want-graftDelayMin, now
	}
}

// grace is how long what was just announced may be on its way. A random time is added to it, so that of
// many peers that miss the same, the first to graft has it sent to the others, too, before they graft.
func (t *Tree) grace() instant {
	if t.now < t.urgent {
		return 0
	}
	return t.late.delay(t.now)
}
