package plumtree

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// Config is what a Tree is told once.
type Config struct {
	Self        wire.Origin
	Name        string
	Started     time.Time     // when this peer started; it is owed what is published from then on
	Retain      time.Duration // how long messages are kept for those who missed them
	RetainBytes int           // and how many bytes of them; a message counts with what it takes to keep it
	History     bool          // owed everything that is retained, not only what is published since Started
	Flood       bool          // no link is ever pruned: what Plumtree is compared with
	// Sample decides whether a trace that begins here is recorded. It must be a function of its
	// arguments alone. Nil is never.
	Sample func(parent wire.Context, trace wire.TraceID) bool
}

// The errors of Publish.
var (
	ErrTooLong = errors.New("the message is too long")
	ErrBusy    = errors.New("neighbors cannot take more just now")
)

// instant is a time as the core keeps it: since this peer started. A message's is when it was
// published, as far as we can tell, so that a negative one is older than this peer.
type instant = time.Duration

// never is later than any time.
const never instant = math.MaxInt64

// Tree is one peer's part in the broadcast. One goroutine owns it.
//
// Whoever drives it tells what happened, then takes Effects and performs them, and calls Advance at
// Deadline. Only Effects lets queues move, so it must be called after any of the others.
type Tree struct {
	cfg Config
	rng *rand.Rand
	// spans names spans. It is another source than rng, so that whether they are recorded decides nothing.
	spans *rand.Rand
	now   instant

	origins origins
	self    *origin
	links   []*link // in the order in which they came up
	log     retained

	behind    []*origin // those with missing messages
	deeps     []*origin // those with a deep fetch under way
	heldBytes int
	late      lateness
	ref       reference
	explore   explore
	chosen    *link   // of a second copy that came over fewer links than the first, at chosenAt
	chosenAt  instant // it need not be up any more
	urgent    instant // until then, graft at once
	retryAt   instant // no timer of behind or deeps is earlier
	ihaveAt   instant // when pending marks are due
	sweepAt   instant // when to look for what has expired
	forgetAt  instant
	forgot    bool // some origin was forgotten, so that an unknown one may be an old acquaintance
	unflushed bool // asks wait for Effects
	stats     Stats
	out       Effects
	handed    bool // out was returned by Effects, and is emptied before anything is added
	quiet     bool // nothing has happened since Effects last came to nothing
	timed     bool // and deadline is known
	deadline  time.Time
	frames    arena
	freeOwed  []*owed
	marks     []wire.Mark
	ranges    []wire.Range
}

// New returns the state of a peer that has published and heard nothing.
func New(cfg Config, rng *rand.Rand) *Tree {
	t := &Tree{
		cfg: cfg, rng: rng, spans: rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())),
		retryAt: never, ihaveAt: never, sweepAt: never,
		late: lateness{excess: graftDelayMin},
	}
	t.stats.Dropped = map[string]uint64{}
	t.stats.Limits = map[string]uint64{}
	t.log.init(cfg.RetainBytes)
	t.origins.init()
	t.self = t.origins.add(cfg.Self)
	t.self.own = true
	t.forgetAt = t.forgetEvery()
	t.explore.every = exploreEvery
	return t
}

// at converts a time; when converts it back.
func (t *Tree) at(x time.Time) instant   { return x.Sub(t.cfg.Started) }
func (t *Tree) when(x instant) time.Time { return t.cfg.Started.Add(x) }
func (t *Tree) jitter(d instant) instant { return instant(t.rng.Int64N(int64(d) + 1)) }

// begin is how every method but Full begins.
func (t *Tree) begin(now time.Time) {
	t.now = max(t.now, t.at(now))
	t.quiet, t.timed = false, false
	t.empty()
}

// empty forgets the effects that were handed out.
func (t *Tree) empty() {
	if !t.handed {
		return
	}
	t.handed = false
	clear(t.out.Sends)
	clear(t.out.Deliveries)
	clear(t.out.Events)
	t.out.Sends, t.out.Deliveries, t.out.Events = t.out.Sends[:0], t.out.Deliveries[:0], t.out.Events[:0]
}

func (t *Tree) link(conn wire.Conn) *link {
	for _, l := range t.links {
		if l.conn == conn {
			return l
		}
	}
	return nil
}

// Receive takes a frame from conn; at is when its bytes arrived. It keeps none of the frame's memory. A
// reason that is not empty says what the far side did that nobody may; the caller closes the link.
// Frames from a link that is not up are ignored, since they were under way when it went down.
func (t *Tree) Receive(now time.Time, conn wire.Conn, f *wire.Frame, at time.Time) wire.Reason {
	t.begin(now)
	l := t.link(conn)
	if l == nil {
		return ""
	}
	if f.Verb == wire.VerbMsg {
		m := &f.Msg
		if m.Seq-1 >= wire.MaxSeq || m.Low == 0 || m.Low > m.Seq {
			return wire.ReasonFrame
		}
		t.onMsg(l, m, min(t.at(at), t.now))
		return ""
	}
	return t.onControl(l, f)
}

func (t *Tree) onControl(l *link, f *wire.Frame) wire.Reason {
	switch c := f.Control.(type) {
	case *wire.IHave:
		return t.onIHave(l, c)
	case *wire.Graft:
		return t.onGraft(l, c)
	case *wire.Have:
		return t.onHave(l, c)
	case *wire.Want:
		return t.onWant(l, c)
	case *wire.Gone:
		return t.onGone(l, c)
	}
	if f.Verb == wire.VerbPrune {
		t.onPrune(l)
		return ""
	}
	return wire.ReasonFrame
}

// Advance lets time pass.
func (t *Tree) Advance(now time.Time) {
	t.begin(now)
	t.tick()
}

// tick does what is due.
func (t *Tree) tick() {
	if t.now >= t.retryAt {
		t.retry()
	}
	if t.now >= t.sweepAt {
		t.sweep()
	}
}

// Deadline is when Advance must be called next; the zero time means never.
func (t *Tree) Deadline() time.Time {
	if !t.timed {
		t.deadline, t.timed = t.next(), t.quiet
	}
	return t.deadline
}

func (t *Tree) next() time.Time {
	d := min(t.retryAt, t.sweepAt)
	if t.unflushed {
		d = min(d, t.now)
	}
	for _, l := range t.links {
		if l.full {
			continue
		}
		if len(l.owed) > 0 {
			d = min(d, t.now)
		}
		if len(l.pending) > 0 {
			d = min(d, t.ihaveAt)
		}
	}
	if d == never {
		return time.Time{}
	}
	return t.when(d)
}

// Effects returns what is to be done since the last call of Effects, and lets every link have a slice
// of what it is owed. It returns nothing new when called again until nothing is owed on a link that is
// not full. What it returns is good until the next call of any method but Full, Eager, Stats and
// Deadline; the bytes that it refers to are good for ever.
func (t *Tree) Effects() *Effects {
	t.empty()
	if t.quiet {
		return &t.out
	}
	t.tick()
	t.exploreLink()
	t.flushAsks() // before what takes long
	t.flushMarks()
	t.flushOwed()
	t.flushAsks() // of deep fetches
	if d := t.out.Deliveries; planted.On(planted.SwapDeliveries) && len(d) > 1 && d[0].Origin == d[1].Origin {
		d[0], d[1] = d[1], d[0]
	}
	t.handed, t.timed = true, false
	t.quiet = len(t.out.Sends)+len(t.out.Deliveries)+len(t.out.Events) == 0
	return &t.out
}
