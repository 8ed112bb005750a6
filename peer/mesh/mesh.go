// Package mesh is the whole protocol as one state machine: which links to keep (overlay), how a
// message travels over them (plumtree), and when to announce oneself (trickle).
//
// It is pure: no sockets, clock, goroutines, locks or logger. Whoever drives it, the event loop of
// package node, the simulator or a test, tells it what happened (Receive, Heard, Opened, Closed, …),
// lets time pass (Advance, at Deadline or later), and then does what Effects says. With the same
// seed and the same calls it does the same things.
//
// A Mesh is not safe for concurrent use: one goroutine owns it.
package mesh

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// Config is what a peer is. Whoever fills it in checks it: overlay.Config and wire say what is possible.
type Config struct {
	ID          wire.ID
	Epoch       uint64 // of the origin; larger at each run under one ID
	Name        string
	Port        uint16 // where the shell listens
	Links       int    // outgoing links wanted
	Serve       int    // incoming links offered
	Join        bool   // there is a join list: Resolve effects will be answered
	Retain      time.Duration
	RetainBytes int
	History     bool // owed all that is retained, not only what is said from now on
	Flood       bool // pass every message on to every neighbor, always
	// Sample decides on a trace that begins here, or (with a valid parent) goes on here. It must be a
	// function of its arguments alone. Nil never samples.
	Sample func(parent wire.Context, trace wire.TraceID) bool
	// Ears is where the peer keeps what most announcements are measured by; see overlay.Ears. Nil is a place of its
	// own. Whoever asks them itself need not call Heard with what is noise.
	Ears *overlay.Ears
}

// Mesh is one peer's protocol state.
type Mesh struct {
	overlay  *overlay.Overlay
	tree     *plumtree.Tree
	announce announcer
	cfg      Config
	started  time.Time
	ran      time.Time // when it was last called as it is all the time while it runs
	out      Effects
}

// Effects is what the shell must do: the overlay's effects first, in order, then the datagrams, then
// the broadcast's sends and deliveries. Its slices are reused after the next call of a method of Mesh.
type Effects struct {
	Overlay   []overlay.Effect // Dial, Send, Hangup, Up, Down and Resolve only
	Datagrams []Datagram
	Broadcast *plumtree.Effects
	Events    []overlay.Event
	Announced []Announced
}

// Datagram is an announcement to be sent by multicast, or to To alone if that is valid.
type Datagram struct {
	Data []byte
	To   netip.AddrPort
}

// Announced tells of one announcement, for traces, metrics and logs.
type Announced struct {
	At      time.Time
	Why     string // start, seeking, trickle, change, beacon, answer or goodbye
	Context wire.Context
	To      netip.AddrPort
}

// New returns the state of a peer that starts now, and asks to be found.
func New(cfg Config, now time.Time, rng *rand.Rand) *Mesh {
	m := &Mesh{cfg: cfg, started: now, ran: now}
	m.overlay = overlay.New(overlay.Config{
		ID: cfg.ID, Name: cfg.Name, Port: cfg.Port, Links: cfg.Links, Serve: cfg.Serve,
		Started: now, Join: cfg.Join, Sample: cfg.Sample, Ears: cfg.Ears,
	}, now, rng)
	m.tree = plumtree.New(plumtree.Config{
		Self: wire.NewOrigin(cfg.ID, cfg.Epoch), Name: cfg.Name, Started: now,
		Retain: cfg.Retain, RetainBytes: cfg.RetainBytes, History: cfg.History, Flood: cfg.Flood, Sample: cfg.Sample,
	}, rng)
	m.announce = newAnnouncer(now, rng, cfg.Sample)
	m.pump(now)
	return m
}

// Accepted names a connection that was accepted from remote. The far side speaks first.
func (m *Mesh) Accepted(now time.Time, remote netip.AddrPort) wire.Conn {
	conn := m.overlay.Accepted(now, remote)
	m.pump(now)
	return conn
}

// Opened says that a Dial succeeded.
func (m *Mesh) Opened(now time.Time, conn wire.Conn, remote netip.AddrPort) {
	m.overlay.Opened(now, conn, remote)
	m.pump(now)
}

// Closed says that a Dial failed, or that a connection ended other than by Hangup.
func (m *Mesh) Closed(now time.Time, conn wire.Conn, reason wire.Reason) {
	m.overlay.Closed(now, conn, reason)
	m.pump(now)
}

// Break ends a connection whose far side sent what it must not, and tells it why.
func (m *Mesh) Break(now time.Time, conn wire.Conn, reason wire.Reason) {
	m.overlay.Break(now, conn, reason)
	m.pump(now)
}

// Receive takes a frame that came on conn; at is when its bytes arrived. The frame's bytes are not
// kept. Frames for a connection that is no longer known are ignored: they were under way when it was
// hung up.
func (m *Mesh) Receive(now time.Time, conn wire.Conn, f *wire.Frame, at time.Time) {
	if now != m.ran { // all frames of one read have one time
		m.wake(now)
	}
	linked := m.overlay.Alive(now, conn)
	// A message on a connection that is no link is either late, after a Hangup, or out of turn.
	if f.Verb < wire.VerbMsg || !linked {
		m.overlay.Receive(now, conn, f)
		m.pump(now)
		return
	}
	if reason := m.tree.Receive(now, conn, f, at); reason != "" {
		m.Break(now, conn, reason)
	}
}

// Full says that what is queued for conn passed the shell's high mark (true), or has drained below
// its low mark (false).
func (m *Mesh) Full(now time.Time, conn wire.Conn, full bool) {
	m.tree.Full(now, conn, full)
}

// Heard takes an announcement that came from the given address. It reports whether that changed anything: if
// not, there is nothing to perform, and the deadline is as it was.
func (m *Mesh) Heard(now time.Time, from netip.AddrPort, a *wire.Announcement) (changed bool) {
	if m.overlay.Heard(now, from, a) {
		m.announce.consistent(1)
	}
	if m.overlay.Idle() {
		return false
	}
	m.pump(now)
	return true
}

// Warm reads what calls look at, and returns a number that means nothing. Whoever drives thousands of peers in one
// goroutine calls it for the next few, so that the processor fetches their memory side by side: for each with depth 0,
// then with 1, 2 and 3, since where one step leads the next one looks.
func (m *Mesh) Warm(depth int) uint64 {
	if depth == 0 {
		return uint64(len(m.out.Overlay)) + uint64(len(m.cfg.Name)) + uint64(m.announce.rest.Interval()) + uint64(m.announce.seek.Interval())
	}
	return m.overlay.Warm(depth-1) + m.tree.Warm(depth-1)
}

// WarmView does so for what Heard looks at beside that, once the rest is warm.
func (m *Mesh) WarmView() uint64 { return m.overlay.WarmView() }

// Reannounce has the peer announce itself anew: others than before may hear it now.
func (m *Mesh) Reannounce(now time.Time) {
	m.announce.consistent(m.overlay.Agreed())
	m.announce.reset(now)
}

// Joined takes the addresses that the join list stands for now.
func (m *Mesh) Joined(now time.Time, addrs []netip.AddrPort) {
	m.overlay.Joined(now, addrs)
	m.pump(now)
}

// Publish sends body to everybody. The errors are plumtree's: ErrTooLong and ErrBusy.
func (m *Mesh) Publish(now time.Time, body []byte, parent wire.Context) (seq uint64, ctx wire.Context, err error) {
	return m.tree.Publish(now, body, parent)
}

// Leave says goodbye to everybody. What it asks for is the last that should be done.
func (m *Mesh) Leave(now time.Time) {
	m.overlay.Leave(now)
	m.pump(now)
}

// Advance lets time pass.
func (m *Mesh) Advance(now time.Time) {
	m.wake(now)
	m.overlay.Advance(now)
	m.pump(now)
	m.tree.Advance(now)
	if why := m.announce.advance(now, m.overlay.Seeking()); why != "" {
		m.say(now, why, netip.AddrPort{})
	}
}

// wake parts with all links if we have not run for a good part of the window. Our kernel went on, and in its buffers
// messages do not age: they would come as news, to us and to those who have forgotten their origins since. The far
// sides have given us up by now, and what we are owed is asked for over new links.
func (m *Mesh) wake(now time.Time) {
	if m.cfg.Retain > 0 && now.Sub(m.ran) >= m.cfg.Retain/2 {
		m.overlay.Slept(now)
		m.pump(now)
	}
	m.ran = now
}

// Deadline is when Advance must be called next; the zero time means never.
func (m *Mesh) Deadline() time.Time {
	return earliest(m.overlay.Deadline(), earliest(m.tree.Deadline(), m.announce.deadline()))
}

// Effects returns what is to be done since the last call.
func (m *Mesh) Effects() *Effects {
	m.out.Broadcast = m.tree.Effects()
	return &m.out
}

// Done empties Effects, once they are performed.
func (m *Mesh) Done() {
	clear(m.out.Overlay)
	clear(m.out.Datagrams)
	clear(m.out.Events)
	m.out.Overlay = m.out.Overlay[:0]
	m.out.Datagrams = m.out.Datagrams[:0]
	m.out.Events = m.out.Events[:0]
	m.out.Announced = m.out.Announced[:0]
}

// Check looks at everything that must hold at every moment between two calls: tables within their bounds,
// no two links of one pair, no neighbor among the candidates. It is for simulators and tests; an error is a
// bug of ours.
func (m *Mesh) Check() error {
	if err := m.overlay.Check(); err != nil {
		return err
	}
	return m.tree.Check()
}

// pump carries the overlay's word to the broadcast and the announcer, and the rest to the shell. It
// runs after every call into the overlay, so that no message frame meets a link the broadcast does
// not know.
func (m *Mesh) pump(now time.Time) {
	m.announce.consistent(m.overlay.Agreed()) // before anything that begins another interval
	for _, e := range m.overlay.Effects() {
		switch e.Action {
		case overlay.Announce:
			m.say(now, e.Why, e.Addr)
			continue
		case overlay.Inconsistent:
			m.announce.reset(now)
			continue
		case overlay.Up:
			m.tree.LinkUp(now, e.Conn, e.Link.Uptime)
		case overlay.Down:
			m.tree.LinkDown(now, e.Conn)
		}
		m.out.Overlay = append(m.out.Overlay, e)
	}
	m.out.Events = append(m.out.Events, m.overlay.Events()...)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
