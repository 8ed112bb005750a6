// Package overlay decides which links a peer keeps.
//
// It is membership in the manner of HyParView (Leitão, Pereira and Rodrigues, DSN 2007) with three
// changes: links have a direction, and each end keeps its own count of them, so that nobody serves
// less than he takes; a full peer refers a newcomer to others instead of dropping somebody for it; and
// a root beacon, flooded over links, lets two parts of a split mesh know each other as parts.
//
// The package is pure: no sockets, clock, goroutines, locks or logger. Whoever drives it says what
// happened (Receive, Heard, Opened, Closed, …), lets time pass (Advance, at Deadline or later), and
// then does what Effects says. With the same seed and the same calls it does the same things.
//
// Each file is one concern, with its limits at the top. Every call ends in settle, which looks at what
// is lacking and dials; handlers only change the state.
package overlay

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"hearsay/peer/wire"
)

// Config is what a peer is. Serve must not be less than Links, and neither may be less than one.
type Config struct {
	ID           wire.ID
	Name         string
	Port         uint16 // where the shell listens
	Links, Serve int    // outgoing links wanted, incoming ones offered
	Started      time.Time
	Join         bool // there is a join list: Resolve effects will be answered
	// Sample decides on a trace that begins here. It must be a function of its arguments alone. Nil never
	// samples.
	Sample func(parent wire.Context, trace wire.TraceID) bool
	// Ears is where the overlay keeps what most announcements are measured by; see there. Nil is a place of its own.
	Ears *Ears
}

// Overlay is one peer's membership. It is not safe for concurrent use.
type Overlay struct {
	ears       *Ears
	leaving    bool
	idle       bool // the last announcement heard changed nothing
	acquainted acquaintances
	newcomerAt time.Time // announcements introduce nobody before
	bridge     bridge

	cfg Config
	rng *rand.Rand
	// spans names spans. It is another source than rng, so that whether they are recorded decides nothing.
	spans *rand.Rand
	now   time.Time // of the call in progress

	conns map[wire.Conn]*conn // for looking up only: what goes through all of them uses order
	order []*conn             // by name, which is by age
	last  wire.Conn           // the name handed out last

	// Invariant: linked is those of order that are links, oldest first, and links is their index.
	linked  []*conn
	linkIDs []wire.Conn
	links   index
	in      int // links by direction. Invariant: in <= Serve, out <= Links
	out     int
	full    int // refusals as full since we last got a link

	view    view
	join    joinList
	trust   trust
	root    root
	probe   probe
	ping    ping
	health  health
	shuffle shuffle
	rotate  rotate
	heal    heal
	answers answers
	counts  counts

	seeking  bool   // as it was at the end of the last call
	turns    turns  // changes of seeking that Trickle may still be told of
	dialing  bucket // dials for links that may still be made
	newcomer bucket // peers that announcements may still introduce

	effects  outbox[Effect]
	events   outbox[Event]
	deadline time.Time
	dirty    bool // deadline must be looked at again
}

// New returns the membership of a peer that starts now and has no links.
func New(cfg Config, now time.Time, rng *rand.Rand) *Overlay {
	if cfg.Links < 1 || cfg.Serve < cfg.Links {
		panic("overlay: a peer wants one link or more, and serves at least as many")
	}
	spans := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
	o := &Overlay{cfg: cfg, rng: rng, spans: spans, now: now, conns: make(map[wire.Conn]*conn), dirty: true, ears: cfg.Ears}
	if o.ears == nil {
		o.ears = new(Ears)
	}
	*o.ears = Ears{self: idKey(cfg.ID)}
	o.view.all = &o.acquainted
	o.counts.init()
	o.dialing = bucket{rate: dialsPerSecond, burst: dialsBurst}
	o.newcomer = bucket{rate: newcomersPerSecond, burst: newcomersBurst}
	o.turns.idle = bucket{rate: 1 / turnEvery.Seconds(), burst: turnsBurst}
	o.root.start(o)
	o.join.start(o)
	o.ping.start(o)
	o.shuffle.start(o)
	o.rotate.start(o)
	o.seeking = true
	o.listen()
	return o
}

// Accepted names a connection that was accepted from remote. The far side speaks first.
func (o *Overlay) Accepted(now time.Time, remote netip.AddrPort) wire.Conn {
	o.begin(now)
	defer o.settle()
	return o.accept(remote).id
}

// Opened says that a Dial succeeded.
func (o *Overlay) Opened(now time.Time, id wire.Conn, remote netip.AddrPort) {
	o.begin(now)
	defer o.settle()
	if c := o.conns[id]; c != nil && c.state == dialling {
		c.remote = plain(remote)
		o.greet(c)
	}
}

// Closed says that a Dial failed, or that a connection ended other than by Hangup.
func (o *Overlay) Closed(now time.Time, id wire.Conn, reason wire.Reason) {
	o.begin(now)
	defer o.settle()
	if c := o.conns[id]; c != nil {
		o.gone(c, reason)
	}
}

// Break ends a connection whose far side sent what it must not, and tells it why.
func (o *Overlay) Break(now time.Time, id wire.Conn, reason wire.Reason) {
	o.begin(now)
	defer o.settle()
	if c := o.conns[id]; c != nil {
		o.close(c, reason)
	}
}

// Slept parts with all links, since we have not run for so long that whatever waits in them is too old.
func (o *Overlay) Slept(now time.Time) {
	o.begin(now)
	defer o.settle()
	for i := 0; i < len(o.order); {
		if c := o.order[i]; c.state == up {
			o.close(c, wire.ReasonTimeout)
			i = 0
		} else {
			i++
		}
	}
}

// Alive says that bytes arrived on a connection; whatever they say is a sign of life. It is called
// for every frame, so for a link it looks up one number and writes another. It reports whether the
// connection is a link.
func (o *Overlay) Alive(now time.Time, id wire.Conn) (linked bool) {
	for i, link := range o.linkIDs {
		if link == id {
			o.linked[i].heard = now
			return true
		}
	}
	if c := o.conns[id]; c != nil {
		c.heard = now
	}
	return false
}

// Linked reports whether the connection is a link.
func (o *Overlay) Linked(id wire.Conn) bool {
	c := o.conns[id]
	return c != nil && c.state == up
}

// Receive takes a frame that came on a connection. It reports whether the frame was in its place: on
// a known connection, in the right order. A broadcast frame on a link is, and means nothing here.
func (o *Overlay) Receive(now time.Time, id wire.Conn, f *wire.Frame) (ok bool) {
	c := o.conns[id]
	if c == nil {
		return false // it was under way when the connection was hung up
	}
	o.begin(now)
	defer o.settle()
	c.heard = o.now
	return o.receive(c, f)
}

// Joined takes the addresses that the join list stands for now.
func (o *Overlay) Joined(now time.Time, addrs []netip.AddrPort) {
	o.begin(now)
	defer o.settle()
	o.join.resolved(o, addrs)
}

// Leave says goodbye to everybody. What it asks for is the last that this peer does.
func (o *Overlay) Leave(now time.Time) {
	o.begin(now)
	if !o.leaving {
		o.leaving = true
		for len(o.order) > 0 {
			o.close(o.order[0], wire.ReasonGoodbye)
		}
		o.effect(Effect{Action: Announce, Why: "goodbye"})
	}
	o.listen()
	o.dirty = true
}

// Advance lets time pass.
func (o *Overlay) Advance(now time.Time) {
	late := now.Sub(o.Deadline())
	if o.Deadline().IsZero() {
		late = 0
	}
	o.begin(now)
	if o.leaving {
		return
	}
	defer o.settle()
	o.health.woke(o, late)
	o.expire()
	o.ping.advance(o)
	o.trust.advance(o)
	o.root.advance(o)
	o.bridge.advance(o)
	o.probe.advance(o)
	o.join.advance(o)
	o.shuffle.advance(o)
	o.rotate.advance(o)
	o.answers.advance(o)
}

// Deadline is when Advance must be called next; the zero time means never. It is asked at every turn
// of the loop, so it is computed once after each change.
func (o *Overlay) Deadline() time.Time {
	if o.dirty {
		o.dirty = false
		o.deadline = o.earliest()
	}
	return o.deadline
}

func (o *Overlay) earliest() time.Time {
	if o.leaving {
		return time.Time{}
	}
	var a alarm
	for _, c := range o.order {
		if c.state == up {
			a.by(c.heard.Add(o.patience()))
		} else {
			a.by(c.deadline)
		}
	}
	o.dialDeadline(&a)
	a.by(o.ping.next)
	o.root.deadline(o, &a)
	a.by(o.bridge.at)
	a.by(o.probe.next)
	a.by(o.join.next)
	a.by(o.shuffle.deadline(o))
	a.by(o.rotate.next)
	o.answers.deadline(&a)
	return a.at
}

// alarm is the earliest of some times, of which the zero time is none.
type alarm struct{ at time.Time }

func (a *alarm) by(t time.Time) {
	if !t.IsZero() && (a.at.IsZero() || t.Before(a.at)) {
		a.at = t
	}
}

// Effects returns what the shell must do that it was not told before. The slice is good until Effects
// is called again.
func (o *Overlay) Effects() []Effect { return o.effects.take() }

// Events returns what happened, as Effects does.
func (o *Overlay) Events() []Event { return o.events.take() }

func (o *Overlay) effect(e Effect) { o.effects.add(e) }

// outbox is a list that is handed out and begun anew, in two slices by turns.
type outbox[T any] struct{ list, lent []T }

func (b *outbox[T]) add(v T) { b.list = append(b.list, v) }

func (b *outbox[T]) take() []T {
	clear(b.lent) // what it refers to was used by now; do not keep it alive
	b.list, b.lent = b.lent[:0], b.list
	return b.lent
}

// begin begins a call. Time never goes back, whatever the caller's clock does.
func (o *Overlay) begin(now time.Time) {
	if now.After(o.now) {
		o.now = now
	}
	o.dirty = true
}

// settle ends a call: it compares what we have with what we want.
func (o *Overlay) settle() {
	if !o.leaving {
		o.cancelSurplus()
		o.fill()
		o.heal.check(o)
		if s := o.Seeking(); s != o.seeking {
			o.seeking = s
			o.turns.turned(o)
		}
	}
	o.listen()
	o.dirty = true
}

// between draws a duration from [least, most).
func (o *Overlay) between(least, most time.Duration) time.Duration {
	return least + time.Duration(o.rng.Int64N(int64(most-least)))
}

// jitter draws a duration within a quarter of d.
func (o *Overlay) jitter(d time.Duration) time.Duration { return o.between(d*3/4, d*5/4) }
