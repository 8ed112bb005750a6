package plumtree

import (
	"iter"
	"slices"
)

// turn is what an asker looked for, when he had his turn.
type turn struct {
	link  *link
	deep  bool // it was his view.deep
	next  uint64
	start instant
}

// turn has the deep fetch look for what r waits for, up to last.
func (d *deep) turn(l *link, r *owed, last uint64) {
	d.next, d.last, d.start = r.wants(l), last, r.start
	d.tried, d.gone, d.silent = nil, nil, 0
	d.turns = append(d.turns, turn{l, r.deep, d.next, d.start})
}

// had reports whether r had its turn in this round, or another that looked for the same as somebody older. That who
// asks seems older now than he did then is no reason for another: where newcomers ask one another in a ring, he does
// after each round.
func (d *deep) had(l *link, r *owed) bool {
	next := r.wants(l)
	return slices.ContainsFunc(d.turns, func(x turn) bool {
		return x.next == next && (x.start <= r.start || x.link == l && x.deep == r.deep)
	})
}

// deepTurn gives an asker his turn who has not had it in this round, and reports whether there is one.
func (t *Tree) deepTurn(o *origin) bool {
	for l, r := range t.askers(o) {
		next, last := r.wants(l), min(r.last, r.asked, o.skipped)
		_, beyond, held := o.log.find(next)
		if beyond > 0 {
			last = min(last, beyond-1)
		}
		if !held && next <= last && !o.deep.had(l, r) {
			o.deep.turn(l, r, last)
			return true
		}
	}
	return false
}

// askers are those who wait for a deep fetch of o, in the order of their links.
func (t *Tree) askers(o *origin) iter.Seq2[*link, *owed] {
	return func(yield func(*link, *owed) bool) {
		for _, l := range t.links {
			v := &l.views[o.slot]
			for _, r := range []*owed{v.owed, v.deep} {
				if r != nil && r.parked && !yield(l, r) {
					return
				}
			}
		}
	}
}

// wants is the first message that l waits for: of what is not for somebody older it may have got more from others.
func (r *owed) wants(l *link) uint64 {
	if r.deep {
		return r.next
	}
	return max(r.next, l.views[r.origin.slot].has+1)
}

// awaited reports whether anybody but l waits for what a deep fetch of o looks for next.
func (t *Tree) awaited(o *origin, but *link) bool {
	next := o.deep.next
	for l, r := range t.askers(o) {
		if l != but && r.wants(l) <= next && next <= min(r.last, r.asked) {
			return true
		}
	}
	return false
}

// sought reports whether an asker waits for a message of o from first to last, or its deep fetch looks for one.
func (t *Tree) sought(o *origin, first, last uint64) bool {
	for l, r := range t.askers(o) {
		if next := r.wants(l); first <= next && next <= last {
			return true
		}
	}
	return first <= o.deep.next && o.deep.next <= last
}

// unpark serves whoever waits for seq next, and reports whether anybody does.
func (t *Tree) unpark(o *origin, seq uint64) (found bool) {
	for l, r := range t.askers(o) {
		if r.wants(l) == seq {
			t.resume(l, r)
			found = true
		}
	}
	return found
}

// resume serves what had waited for a deep fetch, as far as that is to be had by now; for the rest it waits again.
func (t *Tree) resume(l *link, r *owed) {
	r.parked = false
	t.serveSoon(l, r)
}
