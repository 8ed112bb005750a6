package plumtree

// lose gives up what comes next, up to and including last.
func (t *Tree) lose(o *origin, last uint64, why string) {
	if o.upto > 0 || !t.forgot { // it may have been delivered before we forgot its origin
		t.stats.Lost += last - o.upto
		t.out.Events = append(t.out.Events, Event{Kind: Lost, Start: t.when(t.now), End: t.when(t.now), Origin: o.name, From: o.upto + 1, Seq: last, Reason: why})
	}
	t.settle(o, last)
}

// skip settles what is older than this peer, up to and including last, and was published at the given time or
// before.
func (t *Tree) skip(o *origin, last uint64, published instant) {
	if last <= o.upto {
		return
	}
	o.skipped, o.skippedAt = last, max(o.skippedAt, published)
	t.settle(o, last)
}

// settle moves the mark over messages that we do not have.
func (t *Tree) settle(o *origin, last uint64) {
	o.upto = last
	o.touched = t.now
	t.announce(o)
	if o.waiting {
		t.review(o)
	}
}
