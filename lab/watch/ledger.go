package watch

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hearsay/lab/fleet"
)

// ledger is the messages that were said, the oldest first.
type ledger struct {
	byID  map[string]*message
	order []*message
	gone  int // how many were forgotten; those of order before it count from there
	hops  int
	open  []*message // not yet heard by everybody who is owed them, or not yet fully traced
	dirty map[*message]bool
}

// message is one message and who has it.
type message struct {
	id, name, text string
	number         int // in the order in which we heard of messages, from 1
	seq            uint64
	ordinal        uint64 // of its publisher's messages, said and delivered, as hop has it
	size           int
	origin         runRef
	trace          [16]byte
	said           time.Time // by the publisher's clock if its span has come
	heardOf        time.Time // when the fleet or the first span told us
	sure           bool      // said is known: not only deliveries
	spanned        bool      // the publisher's span has come
	hops           []hop
	index          []int32 // by place: 1 + which of hops is of its newest run that has one
	changed        time.Time
	closed         bool
	recheck        bool
	told           bool // the fleet told of its publication
	look           look // as it was last told of
}

// how a message came to a peer.
type how uint8

const (
	howUnknown how = iota // its span has not come, or was not made
	howEager
	howGraft
	howCatchUp
)

var hows = [...]string{"", "eager", "grafted", "catch-up"}

func (h how) String() string { return hows[h] }

// hop is one delivery.
type hop struct {
	at      time.Time // by the receiver's clock if its span has come, else when the fleet told
	to      runRef
	from    runRef // zero while no span told
	how     how
	traced  bool
	event   bool   // the fleet told
	ordinal uint64 // of the messages that the peer said or delivered; zero if not told in time
	links   int    // travelled
	held    time.Duration
	asked   time.Duration // before it came; zero if it was not asked for
	copies  []further
	drop    string // it was not delivered, and why; then it is no delivery
}

// further is a copy after the first.
type further struct {
	from   runRef
	at     time.Time
	pruned bool
}

func (l *ledger) init() { l.byID, l.dirty = map[string]*message{}, map[*message]bool{} }

// message finds one, or begins it.
func (m *Model) message(id string, at time.Time) *message {
	l := &m.messages
	if msg := l.byID[id]; msg != nil {
		return msg
	}
	msg := &message{id: id, number: l.gone + len(l.order) + 1, said: at, heardOf: at}
	l.byID[id] = msg
	l.order = append(l.order, msg)
	l.open = append(l.open, msg)
	l.touch(msg, at)
	m.trim()
	return msg
}

// trim forgets the oldest messages where a bound is passed.
func (m *Model) trim() {
	l := &m.messages
	n := 0
	for hops := l.hops; len(l.order)-n > 1 && (len(l.order)-n > MaxMessages || hops > MaxHops); n++ {
		hops -= len(l.order[n].hops)
	}
	// In strides, so that nothing is moved for each.
	if n == 0 || n < MaxMessages/16 && len(l.order) < MaxMessages+MaxMessages/16 && l.hops < MaxHops+MaxHops/16 {
		return
	}
	for _, msg := range l.order[:n] {
		l.hops -= len(msg.hops)
		delete(l.byID, msg.id)
		delete(l.dirty, msg)
		msg.closed = true
	}
	l.order = slices.Clone(l.order[n:])
	l.open = slices.DeleteFunc(l.open, func(msg *message) bool { return msg.closed })
	l.gone += n
	m.forgotten += uint64(n)
}

// touch notes that a message has changed.
func (l *ledger) touch(msg *message, at time.Time) {
	msg.changed, msg.recheck = at, true
	l.dirty[msg] = true
}

// unsettle has every open message looked at again: who is owed it has changed.
func (l *ledger) unsettle() {
	for _, msg := range l.open {
		msg.recheck = true
		l.dirty[msg] = true
	}
}

// saidBy takes a publication that the fleet told of.
func (m *Model) saidBy(e *fleet.Event) {
	msg := m.message(e.Message.ID, e.At)
	if msg.told {
		return
	}
	msg.told = true
	m.describe(msg, e.Message)
	msg.origin = runRef{e.Peer, e.Run}
	if p := m.place(e.Peer); p != nil {
		p.holds++
		msg.ordinal = p.holds
		if e.Run == 0 {
			msg.origin.run = p.Run
		}
		m.identify(p, e.Message.Origin)
	}
	if !msg.spanned {
		msg.said = e.At
	}
	m.publish(msg)
	m.messages.touch(msg, e.At)
}

// publish notes that a message was said, by whoever tells it first: the fleet, or the publisher's span.
func (m *Model) publish(msg *message) {
	if !msg.sure {
		msg.sure = true
		m.measures.published++
	}
}

// describe takes what any peer's word tells of a message.
func (m *Model) describe(msg *message, e *fleet.Message) {
	msg.name, msg.text, msg.seq, msg.size = e.Name, short(e.Text), e.Seq, len(e.Text)
	if r := m.runs[e.Origin]; r.number != 0 && msg.origin.number == 0 {
		msg.origin = r
	}
	if id, ok := parseTrace(e.TraceID); ok {
		msg.trace = id
	}
}

// deliveredAt takes a delivery that the fleet told of.
func (m *Model) deliveredAt(e *fleet.Event) {
	p := m.place(e.Peer)
	if p == nil {
		return
	}
	at := runRef{e.Peer, e.Run}
	if at.run == 0 {
		at.run = p.Run
	}
	msg := m.message(e.Message.ID, e.At)
	if msg.text == "" {
		m.describe(msg, e.Message)
	}
	if at.run == p.Run {
		m.checkOrder(p, msg, e)
	}
	h := m.hop(msg, at)
	if h.event && h.drop == "" {
		m.measures.duplicated++
		m.note(Event{At: e.At, Kind: kindTwice, Peer: e.Peer, Text: "delivered " + quote(msg.text, 40) + " a second time"})
		return
	}
	if at.run == p.Run {
		p.holds++
		h.ordinal = p.holds
	}
	if !h.delivery() {
		m.measures.delivered++
	}
	h.event, h.drop, h.links = true, "", e.Message.Hops
	if !h.traced {
		h.at = e.At
	}
	m.messages.touch(msg, e.At)
}

// checkOrder sees that a peer delivers each origin's messages in their order. A message it has delivered already is
// told of by its caller.
func (m *Model) checkOrder(p *place, msg *message, e *fleet.Event) {
	key := msg.id[:max(0, strings.LastIndexByte(msg.id, '.'))]
	was, known := p.seqs[key]
	if known && e.Message.Seq <= was.seq && msg.hopTo(runRef{p.Number, p.Run}) == nil {
		m.measures.outOfOrder++
		m.note(Event{At: e.At, Kind: kindOrder, Peer: e.Peer, Text: "delivered " + quote(msg.text, 40) + " after a later one of its origin"})
		return
	}
	if !known && len(p.seqs) >= maxOrigins {
		oldest := ""
		for k, s := range p.seqs {
			if oldest == "" || s.at.Before(p.seqs[oldest].at) {
				oldest = k
			}
		}
		delete(p.seqs, oldest)
	}
	p.seqs[key] = heardSeq{max(was.seq, e.Message.Seq), e.At}
}

// hopTo is the one at that run, or nil.
func (msg *message) hopTo(to runRef) *hop {
	if to.number >= len(msg.index) || msg.index[to.number] == 0 {
		return nil
	}
	if h := &msg.hops[msg.index[to.number]-1]; h.to == to {
		return h
	}
	for i := range msg.hops {
		if msg.hops[i].to == to {
			return &msg.hops[i]
		}
	}
	return nil
}

// hop finds or begins it.
func (m *Model) hop(msg *message, to runRef) *hop {
	if h := msg.hopTo(to); h != nil {
		return h
	}
	msg.hops = append(msg.hops, hop{to: to})
	m.messages.hops++
	if to.number >= len(msg.index) {
		msg.index = append(msg.index, make([]int32, to.number+1-len(msg.index))...)
	}
	if i := msg.index[to.number]; i == 0 || msg.hops[i-1].to.run < to.run {
		msg.index[to.number] = int32(len(msg.hops))
	}
	return &msg.hops[len(msg.hops)-1]
}

// delivery reports whether the message was delivered there, as far as anybody told.
func (h *hop) delivery() bool { return h.drop == "" && (h.event || h.how != howUnknown) }

// short cuts a text, at the end of a character.
func short(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
