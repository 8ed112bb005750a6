package scenario

import (
	"fmt"
	"time"
)

// settled is how long a publisher must have lived after publishing, in a whole network, for its message to
// be owed to all though nobody is seen to have it: that gets a message over a link that stalls for a
// retransmission or two.
const settled = time.Second

// terms are what the peers' promise depends on at the moment of judging.
type terms struct {
	now         time.Time
	side        func(peer int) int // who can reach whom
	retain      time.Duration
	retainBytes int64
}

// spare is the share of the retention window in which a message is owed for certain: ages are measured by
// all who pass a message on, and a log forgets in whole pages.
const spare = 0.9

// debts calls f for each delivery that is owed, and when it was made, the zero time if it was not. f returns
// false to end it.
//
// A message is owed to every peer that lives, is not paused, was up before it was said, and can be reached:
// by its publisher, if that accepted it and lives, or ended when it had had the time to hand it on; and
// else by anybody who lives and has it, for what a dying peer got out to one survivor, every survivor gets.
// What could not be handed on before the retention window closed is not owed. Nor is anything to a
// siphoner, who cannot be reached.
func (l *ledger) debts(t terms, f func(s *said, h *life, at time.Time) bool) {
	for _, s := range l.said {
		if !l.debtsOf(t, s, f) {
			return
		}
	}
}

func (l *ledger) debtsOf(t terms, s *said, f func(s *said, h *life, at time.Time) bool) bool {
	firm := s.accepted && !s.by.siphoner && (s.by.lives() || s.by.clean || s.by.ended.Sub(s.begun) >= settled) && !l.cutDuring(s.begun, s.handedOn())
	for _, h := range l.lives {
		if h == s.by || !h.lives() || h.paused || h.siphoner || h.up.IsZero() || s.begun.Before(h.up) {
			continue
		}
		side := t.side(h.peer)
		if l.expired(t, s, h) || !(firm || s.accepted && !s.by.siphoner && s.by.lives() && !s.by.paused && t.side(s.by.peer) == side || s.witness(t, side)) {
			continue
		}
		if !f(s, h, s.when(h)) {
			return false
		}
	}
	return true
}

// handedOn is when a publisher has surely handed a message on, if the network is whole and it lives so long.
func (s *said) handedOn() time.Time {
	at := s.begun.Add(settled)
	if !s.by.lives() && s.by.ended.Before(at) {
		return s.by.ended
	}
	return at
}

// witness reports whether somebody has the message who lives and can reach that side.
func (s *said) witness(t terms, side int) bool {
	for _, x := range s.heard {
		if x.life.lives() && !x.life.paused && !x.life.siphoner && t.side(x.life.peer) == side {
			return true
		}
	}
	return false
}

// when is when h heard the message; the zero time is never.
func (s *said) when(h *life) time.Time {
	if !s.heardBy(h) {
		return time.Time{}
	}
	for _, x := range s.heard {
		if x.life == h {
			return x.at
		}
	}
	return time.Time{}
}

// cutDuring reports whether not everybody could reach everybody at some time in between.
func (l *ledger) cutDuring(from, to time.Time) bool {
	for _, c := range l.cuts {
		if !c.from.After(to) && (c.to.IsZero() || !c.to.Before(from)) {
			return true
		}
	}
	return false
}

// expired reports whether the retention window closed before a cut had ended that lay between the message and h.
func (l *ledger) expired(t terms, s *said, h *life) bool {
	for _, c := range l.cuts {
		end, bytes := c.to, c.bytes
		if end.IsZero() {
			end, bytes = t.now, l.bytes
		}
		if c.from.After(s.begun.Add(settled)) || end.Before(s.begun) || c.together(s.by.peer, h.peer) {
			continue
		}
		if end.Sub(s.begun) > time.Duration(float64(t.retain)*spare) || float64(bytes-s.before) > float64(t.retainBytes)*spare {
			return true
		}
	}
	return false
}

// together reports whether two peers were on one side for the whole of a cut.
func (c *cut) together(a, b int) bool {
	for _, side := range c.sides {
		if side(a) != side(b) {
			return false
		}
	}
	return true
}

// missing says what is owed and not delivered, or nothing. It is asked often, and does not look again at
// what is everywhere.
func (l *ledger) missing(t terms) string {
	for l.whole < len(l.said) && l.said[l.whole].everywhere(l.lives) {
		l.whole++
	}
	count, first := 0, ""
	for _, s := range l.said[l.whole:] {
		l.debtsOf(t, s, func(s *said, h *life, at time.Time) bool {
			if at.IsZero() {
				if count++; count == 1 {
					first = fmt.Sprintf("%s lacks message %d of %s", h, s.n, s.by)
				}
			}
			return true
		})
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("%d deliveries are missing: %s", count, first)
}

// everywhere reports whether all who live and could ever be owed the message have it. It stays so.
func (s *said) everywhere(lives []*life) bool {
	if s.answered.IsZero() {
		return false
	}
	for _, h := range lives {
		if h != s.by && h.lives() && !h.siphoner && !s.begun.Before(h.up) && !s.heardBy(h) {
			return false
		}
	}
	return true
}
