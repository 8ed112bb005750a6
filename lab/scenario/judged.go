package scenario

import (
	"fmt"
	"time"
)

// maxLacking is how many are named who lack one message.
const maxLacking = 10

// judged is how every message fared, at the end.
type judged struct {
	owed, lost int
	neverRead  int
	delivered  int
	fates      []fate   // of the messages, in their order
	sentences  []string // who lacks what, the first of them
}

// fate is how one message fared.
type fate struct {
	owed    int
	made    int       // of these
	last    time.Time // of these
	hops    int       // at most, of these
	lacking []*life   // the first of them
}

func (l *ledger) judge(t terms) *judged {
	j := &judged{fates: make([]fate, len(l.said)), delivered: l.heard}
	l.debts(t, func(s *said, h *life, at time.Time) bool {
		f := &j.fates[s.n-1]
		f.owed++
		j.owed++
		if at.IsZero() {
			j.lost++
			if len(f.lacking) < maxLacking {
				f.lacking = append(f.lacking, h)
			}
			if len(j.sentences) < maxWrong {
				j.sentences = append(j.sentences, fmt.Sprintf("%s lacks message %d of %s", h, s.n, s.by))
			}
			return true
		}
		f.made++
		if at.After(f.last) {
			f.last = at
		}
		return true
	})
	for i, s := range l.said {
		if s.accepted && len(s.heard) == 0 {
			j.neverRead++
		}
		for _, h := range s.heard {
			j.fates[i].hops = max(j.fates[i].hops, h.hops)
		}
	}
	return j
}

// blind counts what peers told and nobody could listen to.
func (r *run) blind() (n uint64) {
	for _, l := range r.ledger.lives {
		n += l.missed
	}
	return n
}

// flow finds out for each mark how long it took until the first message after it was everywhere.
func (r *run) flow() {
	for i := range r.marks {
		m := &r.marks[i]
		from := r.began.Add(m.From())
		for k, s := range r.ledger.said {
			f := &r.judged.fates[k]
			if s.begun.Before(from) || !s.accepted || f.owed == 0 || f.made < f.owed {
				continue
			}
			if d := f.last.Sub(from); m.Flowed < 0 || d < m.Flowed {
				m.Flowed = d
			}
		}
	}
}
