package plumtree

// lateness measures how late payload is on its way when an IHAVE for it has come first: how long it
// pays to wait before grafting. On an idle LAN that is nothing; where the processors are busy, grafting
// too soon makes duplicates, and so more load. Mean and deviation are smoothed as a TCP round trip's
// are (RFC 6298, section 2).
type lateness struct {
	mean, dev instant
}

func newLateness() lateness {
	return lateness{dev: graftDelayMin / 2} // a delay of 10 ms to begin with
}

// delay is how long to wait for something announced.
func (s *lateness) delay() instant {
	return min(max(s.mean+4*s.dev, graftDelayMin), graftDelayMax)
}

// graftDelay is delay and a random time, so that of many peers that miss the same, the first to graft
// has it sent to the others, too, before they graft. Where the tree is restless, that time is longer.
func (t *Tree) graftDelay() instant {
	d := t.late.delay()
	return d + t.jitter(d/2+t.churn.spread(t.now))
}

// noticed starts the clock for the message that o misses next.
func (s *lateness) noticed(o *origin, now instant) {
	o.noticed, o.noticedAt = o.upto+1, now
}

// late stops the clock when that message is pushed, whether or not it was grafted meanwhile.
func (s *lateness) late(o *origin, seq uint64, now instant) {
	if seq != o.noticed {
		return
	}
	o.noticed = 0
	sample := min(now-o.noticedAt, 2*graftDelayMax)
	off := sample - s.mean
	s.mean += off / 8
	s.dev += (max(off, -off) - s.dev) / 4
}
