package plumtree

import "slices"

// sent is an ask that was made of one link, for one origin, and is not answered yet. GONE does not repeat for
// whom it was asked, and we ask for ourselves and, in deep fetches, for peers that are older than we are. What
// is too old for us may be owed to them. A link is in order, and so are its answers for one message, so the
// first ask that fits is the one that was answered.
type sent struct {
	next, last uint64
	start      instant // since when whoever it was for is owed messages
	at         instant // when we asked
	doubt      instant // link.doubt then, which start has in it
	told       bool    // it has heard since that we have got so far, and may have let the ask drop
}

// maxSent is how many of them are remembered for one origin of one link: beyond it the oldest is forgotten. Each
// takes the patience of a deep fetch to come about.
const maxSent = 8

func (v *view) ask(a *ask, doubt, now instant) {
	if len(v.sent) == maxSent {
		v.sent = slices.Delete(v.sent, 0, 1)
	}
	v.sent = append(v.sent, sent{next: a.first, last: a.last, start: a.start, at: now, doubt: doubt})
}

// answered takes note of an answer for first to last, and returns the ask that it answers; none reports that
// nobody asked, as far as we remember. If more than one fits, since one was let drop, an answer that says "too old" is
// taken for that to whoever is youngest: of the others it says nothing, and they are asked for again.
func (v *view) answered(first, last uint64, old bool) (a sent, none bool) {
	pick := -1
	for i, s := range v.sent {
		if s.next <= last && first <= s.last && (pick < 0 || old && s.start-s.at > v.sent[pick].start-v.sent[pick].at) {
			pick = i
		}
	}
	if pick < 0 {
		return sent{}, true
	}
	s := &v.sent[pick]
	a = *s
	if s.next = last + 1; s.next > s.last {
		if v.sent = slices.Delete(v.sent, pick, pick+1); len(v.sent) == 0 {
			v.sent = nil
		}
	}
	return a, false
}

// tell notes that the far side is told of our mark.
func (v *view) tell(upto uint64) {
	for i := range v.sent {
		if s := &v.sent[i]; s.next <= upto {
			s.told = true
		}
	}
}

// awaits reports whether an answer for seq is outstanding that is of use to who is owed messages since start.
func (v *view) awaits(seq uint64, start instant) bool {
	return slices.ContainsFunc(v.sent, func(s sent) bool { return s.next <= seq && seq <= s.last && s.start <= start })
}

// before is when messages had been published, at the latest, that the far side calls too old for the ask: for whom
// it took the asker to be when the ask came, which was under way for no longer than the answer has taken.
func (s *sent) before(now instant) instant { return s.start - startSlack + now - s.at }
