package plumtree

import "slices"

// noted says when messages of one origin were announced that we miss. A message is no younger than its
// announcement, so a window later it has expired; what was announced after it has not.
type noted []notedUpto

// notedUpto: up to and including seq they were announced by then.
type notedUpto struct {
	seq uint64
	by  instant
}

// notedShare of the window is how exactly it is known, and bounds the list: to what it is out, we wait longer.
const notedShare = 16

// add notes that everything up to seq was announced by now.
func (n *noted) add(seq uint64, now, window instant) {
	if k := len(*n) - 1; k >= 0 && now <= (*n)[k].by {
		(*n)[k].seq = seq
		return
	}
	*n = append(*n, notedUpto{seq, now + window/notedShare})
	if len(*n) > 4*notedShare {
		*n = slices.Delete(*n, 0, 1) // it was announced four windows ago, and nobody was asked for it yet
	}
}

// before is the highest message that was announced by then, or zero.
func (n noted) before(then instant) (seq uint64) {
	for _, k := range n {
		if k.by <= then {
			seq = k.seq
		}
	}
	return seq
}

// of is when seq had been announced, at the latest.
func (n noted) of(seq uint64) instant {
	for _, k := range n {
		if k.seq >= seq {
			return k.by
		}
	}
	return 0
}
