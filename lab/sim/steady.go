package sim

import (
	"math"
	"time"
)

// steady is some messages of one peer, said at an even pace. The first of them are for the tree to form, and
// are not counted.
type steady struct {
	life   int // of the speaker, in the ledger
	first  int // the place of the first that counts among all of that life's messages
	count  int // those that count
	copies uint64
}

// speak has a peer say n messages, of which the first warm do not count, and waits until they are everywhere.
func (s *steady) speak(r *Run, h *Host, n, warm int) bool {
	w := r.World
	if h == nil || n == 0 {
		return true
	}
	gap := time.Duration(float64(time.Second) / r.Plan.Rate)
	s.life, s.first = h.origin, math.MaxInt
	before := w.Counts
	next := w.Now()
	for i := range n {
		if i == warm {
			if !r.through(saidWithin) {
				return false
			}
			before, next = w.Counts, w.Now()
			s.first = w.Ledger.said(h)
		}
		next += gap
		if !r.say(h, i) {
			return false
		}
		if i >= warm {
			s.count++
		}
		if !r.pass(next) {
			return false
		}
		r.settle()
	}
	if !r.through(saidWithin) {
		return false
	}
	s.copies = w.Counts.Copies - before.Copies
	return true
}

// messages are those that count.
func (s *steady) messages(r *Run) []Message {
	if s.count == 0 {
		return nil
	}
	l := &r.World.Ledger
	return l.Speakers[l.runs[s.life].speaker].Messages[s.first : s.first+s.count]
}

// said is how many messages the present run of a peer has published.
func (l *Ledger) said(h *Host) int {
	if k := l.runs[h.origin].speaker; k >= 0 {
		return len(l.Speakers[k].Messages)
	}
	return 0
}
