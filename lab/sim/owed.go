package sim

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// What is owed to whom, as the promises have it: a message goes to every peer that was started before it was
// published and can be reached before the retention window closes.

const (
	// settled is how long a publisher must have lived after publishing, with a link and while nothing was wrong, for
	// its message to be owed to all even if nobody who lives has it: a second gets a message over a link that stalls
	// for a retransmission or two. One whom nobody can find, as the only name on the join list stands for nobody, has
	// nobody to tell.
	settled = time.Second
	// keptBeside is more than what keeping a message takes beside its text: its header, and its places in the
	// log.
	keptBeside = 400
)

// Missing is one message that one peer lacks.
type Missing struct {
	Host    *Host
	Speaker *Speaker
	Seq     uint64
}

func (m Missing) String() string {
	return fmt.Sprintf("%s lacks number %d of %s", m.Host.Name, m.Seq, m.Speaker.Host.Name)
}

// Missing lists what is owed to peers that run now and was not delivered to them, up to most of them; the
// first result is how many there are. Siphoners are owed nothing.
func (w *World) Missing(most int) (count int, list []Missing) {
	for k, s := range w.Ledger.Speakers {
		last := w.owedLast(k)
		for _, h := range w.hosts {
			if !h.alive || h.firewalled || h == s.Host && h.run == s.Run {
				continue
			}
			var r hearing
			if k < len(h.heard) {
				r = h.heard[k]
			}
			if r.last >= last && len(r.gaps) == 0 {
				continue
			}
			for seq := w.owedFirst(h, s); seq <= last; seq++ {
				if r.has(seq) {
					continue
				}
				if count++; len(list) < most {
					list = append(list, Missing{h, s, seq})
				}
			}
		}
	}
	return count, list
}

// GivenUp counts the deliveries that were due to peers that run now, were not made, and are owed no more: what they
// lack is older than the window, or had to make room for others. What was on its way when it had to may still come.
func (w *World) GivenUp() (count int) {
	for k, s := range w.Ledger.Speakers {
		for _, h := range w.hosts {
			if !h.alive || h.firewalled || h == s.Host && h.run == s.Run {
				continue
			}
			var r hearing
			if k < len(h.heard) {
				r = h.heard[k]
			}
			owed := w.owedFirst(h, s)
			if r.last+1 >= owed && len(r.gaps) == 0 {
				continue
			}
			for seq := uint64(1); seq < owed; seq++ {
				m := &s.Messages[seq-1]
				due := h.options.History || m.At > h.begun()+w.drifted(w.Now()-m.At)
				died := s.End >= 0 && m.Heard == 0 // with its publisher
				if due && !died && !r.has(seq) {
					count++
				}
			}
		}
	}
	return count
}

// owedFirst is the number of the first message of a speaker that is owed to a host now: those before are
// older than the host's peer, if it did not ask for history, or than the window, or had to make room for others.
func (w *World) owedFirst(h *Host, s *Speaker) uint64 {
	return uint64(sort.Search(len(s.Messages), func(i int) bool {
		m := &s.Messages[i]
		age := w.Now() - m.At
		return (h.options.History || m.At > h.begun()+w.drifted(age)) && age <= w.window() && w.roomFor(m)
	})) + 1
}

// owedLast is the number of the last message of a speaker that is owed to anybody. If the speaker lives, that
// is its newest. If it has died, a message that nobody has died with it, unless the speaker had a second in
// peace to get it out; and what it said later waits for that one until the window closes (see the README,
// "Promises, and their limits").
func (w *World) owedLast(k int) uint64 {
	s := w.Ledger.Speakers[k]
	if s.End < 0 {
		return uint64(len(s.Messages))
	}
	for i := range s.Messages {
		m, seq := &s.Messages[i], uint64(i+1)
		if min(s.End, s.Linked)-m.At >= settled && w.calmAround(m.At) {
			continue
		}
		if w.Now()-m.At <= w.window() && !w.somebodyHas(k, seq) {
			return seq - 1
		}
	}
	return uint64(len(s.Messages))
}

func (w *World) somebodyHas(k int, seq uint64) bool {
	for _, h := range w.hosts {
		if h.alive && !h.firewalled && k < len(h.heard) && h.heard[k].has(seq) {
			return true
		}
	}
	return false
}

// window is for how long a message is owed: the retention window, less what peers may be out in taking a
// message's age, and what fast clocks take off it.
func (w *World) window() time.Duration { return w.cfg.Retain*9/10 - w.drifted(w.cfg.Retain) }

// drifted is by how much clocks that run fast and slow may be out about a duration that one peer measures in
// part, and another in part.
func (w *World) drifted(d time.Duration) time.Duration {
	return time.Duration(3 * w.drift * float64(d))
}

// roomFor reports whether a message cannot have had to make room for others. Logs evict in the order in which
// messages arrived, which may be late, so all that was said counts: since the beginning, or since everything
// was through.
func (w *World) roomFor(m *Message) bool {
	l := &w.Ledger
	if m.before >= l.through {
		return l.bytes-l.through <= w.cfg.RetainBytes
	}
	return l.bytes <= w.cfg.RetainBytes
}

// Overflown reports whether more was said than peers keep.
func (w *World) Overflown() bool { return w.Ledger.bytes > w.cfg.RetainBytes }

// Through says that nothing is under way any more of what was said so far, as after a Settle: what is said
// from now on is owed even if it and all the rest together are more than peers keep.
func (l *Ledger) Through() { l.through = l.bytes }

// unsettled is how many bytes were said since all was through.
func (l *Ledger) unsettled() int { return l.bytes - l.through }

// begun is when the host's peer started.
func (h *Host) begun() time.Duration { return time.Duration(h.started) }

// mistaken is by how much peers may take a message for younger than it is: its time in queues and on the wire is
// not counted. Where packets are lost or queue, nobody knows how long that is.
func (w *World) mistaken() time.Duration {
	if w.cfg.Loss > 0 || w.cfg.Bandwidth > 0 {
		return math.MaxInt64
	}
	return time.Second + 20*w.cfg.LatencyMax + w.calm.stalled(w.Now()) + w.drifted(w.Now())
}

// Uncounted returns a peer that has missed messages and does not say so, and how many more than it says, or nil.
// What cannot be kept is counted, never swept away. Who forgets an origin forgets what it had of it, too, so
// runs of several windows prove nothing. Nor does a peer know of what a publisher had said, and no longer kept,
// before the peer first heard of it.
func (w *World) Uncounted() (h *Host, missed int) {
	if w.Now() > 2*w.cfg.Retain {
		return nil, 0
	}
	for _, h := range w.hosts {
		if !h.running() || h.firewalled {
			continue
		}
		missed := 0
		for k, s := range w.Ledger.Speakers {
			if k >= len(h.heard) || s.Host == h && s.Run == h.run {
				continue
			}
			for _, g := range h.heard[k].gaps {
				if g.first == 1 && w.Overflown() {
					continue
				}
				for seq := g.first; seq <= g.last; seq++ {
					if at := s.Messages[seq-1].At; at > h.begun()+w.drifted(w.Now()-at) {
						missed++
					}
				}
			}
		}
		t := h.Status().Tree
		counted := int(t.Lost)
		for _, n := range t.Dropped {
			counted += int(n)
		}
		if missed > counted {
			return h, missed - counted
		}
	}
	return nil, 0
}
