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
	bytes   int // published, with what it takes to keep them
	through int // of these, how many had arrived everywhere when Through was called
}

// Life is one run of one peer.
type Life struct {
	Host       *Host
	Run        uint32
	Origin     wire.Origin
	Start, End time.Duration // End is negative while it lives
	Linked     time.Duration // until when it had a link, once it has ended; negative if it never had one
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
	before  int // bytes that had been published before it, by all
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

func (l *Ledger) end(h *Host, at time.Duration) {
	life := l.runs[h.origin]
	life.End, life.Linked = at, h.linkedUntil
	if len(h.links) > 0 {
		life.Linked = at
	}
}

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
	s.Messages = append(s.Messages, Message{At: w.Now(), text: maphash.Bytes(l.seed, text), before: l.bytes})
	l.Published++
	l.bytes += len(text) + keptBeside
	if len(w.watch) > 0 {
		w.observe(h, &Observation{Published: seq})
	}
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
		w.violateAt(h, s, d.Seq, "unexpected", fmt.Sprintf("%s delivered %s to itself", h.Name, name()))
		return
	case m.text != maphash.Bytes(l.seed, d.Body):
		l.Unexpected++
		w.violateAt(h, s, d.Seq, "unexpected", fmt.Sprintf("%s delivered %s with another text", h.Name, name()))
		return
	}
	if k >= len(h.heard) {
		h.heard = append(h.heard, make([]hearing, len(l.Speakers)-len(h.heard))...)
	}
	r := &h.heard[k]
	if d.Seq <= r.last {
		if r.has(d.Seq) {
			l.Duplicated++
			w.violateAt(h, s, d.Seq, "twice", fmt.Sprintf("%s delivered %s twice", h.Name, name()))
		} else {
			l.OutOfOrder++
			w.violateAt(h, s, d.Seq, "order", fmt.Sprintf("%s delivered %s after number %d", h.Name, name(), r.last))
		}
		return
	}
	if d.Seq > r.last+1 {
		r.gaps = append(r.gaps, gap{r.last + 1, d.Seq - 1})
		if seq := max(w.owedFirst(h, s), r.last+1); seq < d.Seq && seq <= w.owedLast(k) {
			w.violateAt(h, s, seq, "skipped", fmt.Sprintf("%s delivered %s and passed over number %d", h.Name, name(), seq))
			return
		}
	}
	r.last = d.Seq
	if before := h.begun() - m.At; before > w.mistaken() && !h.options.History {
		w.violateAt(h, s, d.Seq, "history", fmt.Sprintf("%s delivered %s, which was said %v before it started", h.Name, name(), before))
		return
	}
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
