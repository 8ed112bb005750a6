package sim

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// Ledger is what was said and who heard it, as somebody who sees everything would know it. Its words are
// Jepsen's: a message that was acknowledged to its publisher and does not reach somebody to whom it is owed
// is lost; one that is delivered more than once is duplicated; one that nobody published is unexpected; one
// that nobody heard, because its publisher died with it, is never read; one that comes after the window in
// which it had to be kept is stale.
type Ledger struct {
	Speakers []*Speaker // runs of peers that published something

	Published  int
	Delivered  int
	Duplicated int
	OutOfOrder int
	Unexpected int
	Stale      int
	GivenUp    int // deliveries that a peer said it could not make any more

	runs    []*Life
	byName  map[wire.Origin]int // in Speakers
	seed    maphash.Seed
	retains time.Duration
}

// Life is one run of one peer.
type Life struct {
	Host       *Host
	Run        uint32
	Origin     wire.Origin
	Start, End time.Duration // End is negative while it lives
	speaker    int           // in Speakers, or -1
}

// Speaker is a run that published, and what it said.
type Speaker struct {
	*Life
	Messages []Message // by sequence number, from 1
}

// Message is one message, and how it fared.
type Message struct {
	At      time.Duration // when it was published
	Heard   int           // peers that it was delivered to
	Last    time.Duration // when the last of them got it
	MaxHops int
	SumHops int
	text    uint64
}

// hearing is what one run has heard of one speaker: all up to last, but for the gaps.
type hearing struct {
	last uint64
	gaps []gap
}

type gap struct{ first, last uint64 }

func (h *hearing) has(seq uint64) bool {
	return seq <= h.last && !slices.ContainsFunc(h.gaps, func(g gap) bool { return g.first <= seq && seq <= g.last })
}

func (l *Ledger) init() {
	l.byName = map[wire.Origin]int{}
	l.seed = maphash.MakeSeed() // compares texts within one run only: it decides nothing
}

func (l *Ledger) begin(h *Host, at time.Duration) int {
	l.runs = append(l.runs, &Life{Host: h, Run: h.run, Origin: wire.NewOrigin(h.id, uint64(h.run)), Start: at, End: -1, speaker: -1})
	return len(l.runs) - 1
}

func (l *Ledger) end(h *Host, at time.Duration) { l.runs[h.origin].End = at }

// Lives are all runs of all peers, in the order in which they began.
func (l *Ledger) Lives() []*Life { return l.runs }

// Publish says something at a host. The errors are the peer's own: it is busy, or the text is too long.
func (h *Host) Publish(text []byte) (seq uint64, err error) {
	if !h.running() {
		return 0, fmt.Errorf("%s does not run", h.Name)
	}
	w := h.w
	w.Counts.Events++
	seq, _, err = h.mesh.Publish(h.local(), text, wire.Context{})
	if err == nil {
		w.Ledger.publish(w, h, seq, text)
	}
	h.perform()
	return seq, err
}

func (l *Ledger) publish(w *World, h *Host, seq uint64, text []byte) {
	life := l.runs[h.origin]
	if life.speaker < 0 {
		life.speaker = len(l.Speakers)
		l.Speakers = append(l.Speakers, &Speaker{Life: life})
		l.byName[life.Origin] = life.speaker
	}
	s := l.Speakers[life.speaker]
	if seq != uint64(len(s.Messages))+1 {
		w.violate("unexpected", fmt.Sprintf("%s published number %d after %d", h.Name, seq, len(s.Messages)))
		return
	}
	s.Messages = append(s.Messages, Message{At: w.Now(), text: maphash.Bytes(l.seed, text)})
	l.Published++
}

// deliver notes a delivery, and checks what must hold for each.
func (w *World) deliver(h *Host, d *plumtree.Delivery) {
	l := &w.Ledger
	at := w.Now()
	k, known := l.byName[d.Origin]
	if !known || d.Seq == 0 || d.Seq > uint64(len(l.Speakers[k].Messages)) {
		l.Unexpected++
		w.violate("unexpected", fmt.Sprintf("%s delivered %s, which nobody published", h.Name, wire.MessageID(d.Origin, d.Seq)))
		return
	}
	s := l.Speakers[k]
	m := &s.Messages[d.Seq-1]
	name := func() string { return fmt.Sprintf("number %d of %s", d.Seq, s.Host.Name) }
	switch {
	case s.Host == h && s.Run == h.run:
		w.violate("unexpected", fmt.Sprintf("%s delivered %s to itself", h.Name, name()))
		return
	case m.text != maphash.Bytes(l.seed, d.Body):
		l.Unexpected++
		w.violate("unexpected", fmt.Sprintf("%s delivered %s with another text", h.Name, name()))
		return
	}
	if k >= len(h.heard) {
		h.heard = append(h.heard, make([]hearing, len(l.Speakers)-len(h.heard))...)
	}
	r := &h.heard[k]
	if d.Seq <= r.last {
		if r.has(d.Seq) {
			l.Duplicated++
			w.violate("twice", fmt.Sprintf("%s delivered %s twice", h.Name, name()))
		} else {
			l.OutOfOrder++
			w.violate("order", fmt.Sprintf("%s delivered %s after number %d", h.Name, name(), r.last))
		}
		return
	}
	if d.Seq > r.last+1 {
		r.gaps = append(r.gaps, gap{r.last + 1, d.Seq - 1})
	}
	r.last = d.Seq
	if age := at - m.At; age > w.cfg.Retain+w.cfg.Retain/20+2*time.Second {
		l.Stale++
	}
	l.Delivered++
	m.Heard++
	m.Last = at
	m.MaxHops = max(m.MaxHops, d.Hops)
	m.SumHops += d.Hops
	if len(w.watch) > 0 {
		w.observe(h, &Observation{Delivery: d})
	}
}

func (l *Ledger) gaveUp(_ *Host, e *plumtree.Event) { l.GivenUp += int(e.Seq - e.From + 1) }

// settled is how long a publisher must have lived after publishing for its message to be owed to all, even
// if nobody has it: a second gets a message over a link that stalls for a retransmission or two.
const settled = time.Second

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
// first result is how many there are. A message is owed to whoever was started before it was published, if
// its publisher lived a second longer or any peer that runs now has it, until it leaves the window.
func (w *World) Missing(most int) (count int, list []Missing) {
	l, now := &w.Ledger, w.Now()
	for k, s := range l.Speakers {
		// Who runs, and has heard the most of it: nothing beyond that is owed for others' sake.
		var got uint64
		for _, h := range w.hosts {
			if h.alive && k < len(h.heard) {
				got = max(got, h.heard[k].last)
			}
		}
		for i := range s.Messages {
			m := &s.Messages[i]
			seq := uint64(i + 1)
			if now-m.At > w.window() || s.End >= 0 && s.End-m.At < settled && seq > got {
				continue
			}
			for _, h := range w.hosts {
				if !h.alive || h.firewalled || h == s.Host && h.run == s.Run || w.owedFrom(h) >= m.At {
					continue
				}
				if k >= len(h.heard) || !h.heard[k].has(seq) {
					count++
					if len(list) < most {
						list = append(list, Missing{h, s, seq})
					}
				}
			}
		}
	}
	return count, list
}

// window is for how long a message is owed: the retention window, but for what clocks that run fast take
// off it.
func (w *World) window() time.Duration { return w.cfg.Retain * 9 / 10 }

// owedFrom is from when on messages are owed to a peer: its start, and a little later if clocks differ in
// speed, since ages are measured by all who pass a message on.
func (w *World) owedFrom(h *Host) time.Duration {
	from := time.Duration(h.started)
	if w.skewed {
		from += time.Second
	}
	return from
}

// NeverRead counts the messages that no peer but their publisher ever had.
func (l *Ledger) NeverRead() (n int) {
	for _, s := range l.Speakers {
		for i := range s.Messages {
			if s.Messages[i].Heard == 0 {
				n++
			}
		}
	}
	return n
}
