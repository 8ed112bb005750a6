package watch

import (
	"maps"
	"slices"
	"time"
)

// partsPast is what the parts were, the oldest first: since when two peers are in different ones.
type partsPast []partsAt

// partsAt is what they became at a time.
type partsAt struct {
	at time.Time
	of map[int]int // as partTable has it
}

// note takes what the parts are now, if that is something else than before.
func (p *partsPast) note(at time.Time, of map[int]int) {
	if n := len(*p); n > 0 {
		last := &(*p)[n-1]
		if maps.Equal(last.of, of) {
			return
		}
		if !at.After(last.at) {
			last.of = of
			return
		}
		if n == maxSpells {
			*p = slices.Delete(*p, 0, 1)
		}
	}
	*p = append(*p, partsAt{at, of})
}

// apartSince is since when a peer is in another part than all of these, as far back as is remembered; the zero time if it
// is not.
func (m *Model) apartSince(n int, others []int) (since time.Time) {
	m.Parts()
	for _, p := range slices.Backward(m.partsPast) {
		if slices.ContainsFunc(others, func(o int) bool { return p.of[o] > 0 && p.of[o] == p.of[n] }) {
			break
		}
		since = p.at
	}
	return since
}
