package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hearsay/lab/fleet"
)

// Limits of a ledger. When one is reached nothing more is sent, and the account of the run says so.
const (
	maxMessages   = 200_000
	maxDeliveries = 4_000_000
	maxWrong      = 50 // sentences of each kind; more are counted
)

// newborn is how much older than a peer's start a message may seem when it is delivered there: ages travel
// without the time on the wire, and a process takes a moment from being told to start to running.
const newborn = time.Second

// ledger holds what was said and who heard it, as Jepsen's checkers do: an attempt to publish is begun
// before it is made, so that what was heard but never acknowledged is known, and is then accepted, or
// remains of unknown fate.
//
// Every text begins with its number, which tells of a delivery which publication it is of.
type ledger struct {
	lives []*life
	now   map[int]*life // of each peer, the present one
	said  []*said
	cuts  []cut
	heard int
	bytes int64 // of all that was said

	whole int // those before it are everywhere, for good
	wrong [3]wrongs
}

// What is wrong for good, by Jepsen's words. Lost is another thing: it may only be late.
const (
	duplicated = iota
	outOfOrder
	unexpected
)

// wrongs are sentences, the first of them, and how many there are.
type wrongs struct {
	count int
	first []string
}

func (w *wrongs) add(format string, args ...any) {
	w.count++
	if len(w.first) < maxWrong {
		w.first = append(w.first, fmt.Sprintf(format, args...))
	}
}

// life is one run of one peer. A peer that is started again is owed nothing of its former life.
type life struct {
	index    int
	peer     int
	run      int
	id       string    // empty until known
	started  time.Time // nothing older may be delivered
	up       time.Time // it is known to run: what is published from then on is owed to it
	ended    time.Time
	clean    bool // it stopped by itself, and had time to hand on what it had accepted
	paused   bool
	siphoner bool
	missed   uint64 // things that it told and nobody could listen to

	spoken  int
	last    map[*life]int     // the number within its publisher's, of what was heard last
	lastSeq map[string]uint64 // likewise by origin, as peers count
}

func (l *life) String() string {
	if l.run == 1 {
		return "peer-" + strconv.Itoa(l.peer)
	}
	return fmt.Sprintf("peer-%d (run %d)", l.peer, l.run)
}

func (l *life) lives() bool { return l.ended.IsZero() }

// said is one publication.
type said struct {
	n        int // from 1
	by       *life
	k        int // of its publisher's, from 1
	tail     string
	size     int
	begun    time.Time
	answered time.Time
	accepted bool
	err      string // what the attempt ended with, of unknown fate
	id       string // as its publisher was told
	heardID  string // as it was heard first
	trace    string
	before   int64 // bytes that were said before it
	steady   bool  // while nothing was broken
	heard    []hearing
	by64     []uint64 // whose index is in heard
}

// hearing is one delivery.
type hearing struct {
	life *life
	at   time.Time
	hops int
}

// cut is a time in which not everybody could reach everybody.
type cut struct {
	from, to time.Time                // to is zero while it lasts
	bytes    int64                    // said until it ended
	sides    []func(peer int) (n int) // who could reach whom, in each of the forms that it took
}

func newLedger() *ledger { return &ledger{now: map[int]*life{}} }

// begin begins a life.
func (l *ledger) begin(peer, run int, at time.Time, siphoner bool) *life {
	if old := l.now[peer]; old != nil {
		if old.run == run {
			return old
		}
		l.end(peer, old.run, at, false)
	}
	n := &life{index: len(l.lives), peer: peer, run: run, started: at, siphoner: siphoner, last: map[*life]int{}, lastSeq: map[string]uint64{}}
	l.lives = append(l.lives, n)
	l.now[peer] = n
	return n
}

// end ends a life.
func (l *ledger) end(peer, run int, at time.Time, clean bool) {
	if n := l.now[peer]; n != nil && n.run == run && n.lives() {
		n.ended, n.clean, n.paused = at, clean, false
	}
}

// full reports whether nothing more may be said.
func (l *ledger) full() bool { return len(l.said) >= maxMessages || l.heard >= maxDeliveries }

// speak enters an attempt to publish. tail is what follows the number and the name.
func (l *ledger) speak(by *life, tail string, size int, at time.Time) *said {
	by.spoken++
	s := &said{n: len(l.said) + 1, by: by, k: by.spoken, tail: tail, size: size, begun: at, before: l.bytes}
	l.said = append(l.said, s)
	s.size = len(s.text())
	l.bytes += int64(s.size)
	return s
}

// text is what is said: a number, a name, and what makes it as long as was asked for.
func (s *said) text() string {
	head := fmt.Sprintf("#%d peer-%d: ", s.n, s.by.peer)
	if s.tail != "" {
		return head + s.tail
	}
	return head + strings.Repeat(".", max(0, s.size-len(head)))
}

// settle enters how the attempt ended.
func (l *ledger) settle(s *said, p fleet.Published, err error, at time.Time) {
	s.answered = at
	if err != nil {
		s.err = err.Error()
		return
	}
	s.accepted, s.id, s.trace = true, p.ID, p.TraceID
	if s.heardID != "" && s.heardID != s.id {
		l.wrong[unexpected].add("message %d was heard as %s, and its publisher was told %s", s.n, s.heardID, s.id)
	}
}

// hear enters a delivery, and says what is wrong with it for good.
func (l *ledger) hear(peer, run int, m *fleet.Message, at time.Time) {
	h := l.now[peer]
	if h == nil || h.run != run {
		h = l.begin(peer, run, at, false)
	}
	l.heard++
	s := l.find(m.Text)
	switch {
	case s == nil:
		l.wrong[unexpected].add("%s heard %.60q from %s, which nobody said", h, m.Text, m.Name)
		return
	case s.by == h:
		l.wrong[unexpected].add("%s heard its own message %d", h, s.n)
		return
	case s.heardBy(h):
		l.wrong[duplicated].add("%s heard message %d of %s again, as %s", h, s.n, s.by, m.ID)
		return
	case s.begun.Add(newborn).Before(h.started):
		l.wrong[unexpected].add("%s heard message %d, which was said %v before it started", h, s.n, h.started.Sub(s.begun).Round(time.Millisecond))
	}
	if s.heardID == "" {
		s.heardID = m.ID
	}
	if id := s.id; s.heardID != m.ID || id != "" && id != m.ID {
		if id == "" {
			id = s.heardID
		}
		l.wrong[unexpected].add("%s heard message %d as %s, and it is %s", h, s.n, m.ID, id)
	}
	l.order(h, s, m)
	s.note(hearing{h, at, m.Hops})
}

// order checks that what is heard comes after what was heard of the same publisher before.
func (l *ledger) order(h *life, s *said, m *fleet.Message) {
	if before := h.last[s.by]; before > s.k {
		l.wrong[outOfOrder].add("%s heard message %d of %s, its %s, after its %s", h, s.n, s.by, nth(s.k), nth(before))
	} else if before := h.lastSeq[m.Origin]; m.Seq <= before {
		l.wrong[outOfOrder].add("%s heard message %d of %s with sequence number %d after %d", h, s.n, s.by, m.Seq, before)
	}
	h.last[s.by] = max(h.last[s.by], s.k)
	h.lastSeq[m.Origin] = max(h.lastSeq[m.Origin], m.Seq)
}

func nth(n int) string { return "number " + strconv.Itoa(n) }

// find is the publication of a text.
func (l *ledger) find(text string) *said {
	number, _, ok := strings.Cut(strings.TrimPrefix(text, "#"), " ")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > len(l.said) {
		return nil
	}
	if s := l.said[n-1]; s.text() == text {
		return s
	}
	return nil
}

func (s *said) heardBy(h *life) bool {
	w := h.index / 64
	return w < len(s.by64) && s.by64[w]>>(h.index%64)&1 == 1
}

func (s *said) note(h hearing) {
	s.heard = append(s.heard, h)
	for len(s.by64) <= h.life.index/64 {
		s.by64 = append(s.by64, 0)
	}
	s.by64[h.life.index/64] |= 1 << (h.life.index % 64)
}
