package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"hearsay/peer/mesh"
	"hearsay/peer/overlay"
	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// Host is one machine with one peer on it, which may be started and ended many times. Each run has an ID of
// its own, as a process has.
type Host struct {
	w          *World
	site       *site
	mesh       *mesh.Mesh
	Number     int // from 1
	group      int
	alive      bool
	paused     bool
	down       bool // it said goodbye
	firewalled bool // nobody can dial it
	gone       bool // the whole machine is: nothing answers for it
	run        uint32
	speed      float64
	skew       time.Duration // what its clock had gained by skewAt
	skewAt     int64         // when speed began

	Name   string
	id     wire.ID
	origin int // in the ledger, of this run

	options Options
	started int64 // of this run
	wakeAt  int64 // of the earliest evWake in the queue; 0 is none
	ends    []end
	dials   []*dial
	slow    []wire.Conn // connections to be given up for what is queued on them
	wet     []*pipe     // with something to read, while paused
	backlog []*dial     // accepted by the kernel, while paused
	inbox   []heardGram // datagrams, while paused
	answers []*dial     // ends of dials, while paused
	lookups int         // of the join list, while paused
	links   []linked    // as the core's Up and Down have it
	met     []wire.ID   // former neighbors, each once
	heard   []hearing   // by speaker in the ledger
	frame   wire.Frame  // reused
	turns   int         // events that happened to it

	linksChanged bool          // since they were checked
	linkedUntil  time.Duration // when a link last went; negative if none has
}

// Options are what one peer differs in from the others.
type Options struct {
	Links, Serve int  // 0: as the World's Config says
	History      bool // ask for what was said before it started
	Firewalled   bool // nobody can dial it: a siphoner
	Join         []int
}

// end is our end of a connection: the pipe that we write to.
type end struct {
	conn wire.Conn
	out  *pipe
}

// linked is a link that the core has told us of.
type linked struct {
	conn wire.Conn
	id   wire.ID
	out  bool
}

// ID is the peer's, of its present run.
func (h *Host) ID() wire.ID { return h.id }

// Alive reports whether the peer runs; it may be paused.
func (h *Host) Alive() bool { return h.alive }

// Paused reports whether the peer is paused.
func (h *Host) Paused() bool { return h.paused }

func (h *Host) running() bool { return h.alive && !h.paused }

// Addr is where the peer listens.
func (h *Host) Addr() netip.AddrPort { return addrOf(h.Number) }

// Status is what the peer would tell of itself.
func (h *Host) Status() mesh.Status { return h.mesh.Status(h.local()) }

// Degree is how many links it has, out and in.
func (h *Host) Degree() (out, in int) {
	for _, l := range h.links {
		if l.out {
			out++
		} else {
			in++
		}
	}
	return out, in
}

func (w *World) nameOf(id wire.ID) string {
	if h := w.byID[id]; h != nil {
		return h.Name
	}
	return id.Short()
}

func addrOf(number int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(number >> 16), byte(number >> 8), byte(number)}), wire.MinPort)
}

// hostAt is the host that listens at an address, or nil.
func (w *World) hostAt(addr netip.AddrPort) *Host {
	if !addr.Addr().Is4() || addr.Port() != wire.MinPort {
		return nil
	}
	b := addr.Addr().As4()
	n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if b[0] != 10 || n < 1 || n > len(w.hosts) {
		return nil
	}
	return w.hosts[n-1]
}

// Add makes a host, whose peer is not started yet.
func (w *World) Add(o Options) *Host {
	h := &Host{Number: len(w.hosts) + 1, w: w, options: o, speed: 1, firewalled: o.Firewalled, site: w.sites.at(len(w.hosts))}
	h.Name = fmt.Sprintf("peer-%d", h.Number)
	w.hosts = append(w.hosts, h)
	return h
}

// local is the host's clock.
func (h *Host) local() time.Time {
	if h.speed == 1 {
		return epoch.Add(h.skew + time.Duration(h.w.now))
	}
	return epoch.Add(h.skew + time.Duration(h.skewAt) + time.Duration(float64(h.w.now-h.skewAt)*h.speed))
}

// global is when the host's clock will show t.
func (h *Host) global(t time.Time) int64 {
	d := t.Sub(epoch) - h.skew
	if h.speed == 1 {
		return int64(d)
	}
	return h.skewAt + int64(float64(int64(d)-h.skewAt)/h.speed) + 1
}

// Start starts the host's peer.
func (h *Host) Start() {
	if h.alive {
		return
	}
	w := h.w
	h.run++
	h.alive, h.paused, h.gone, h.down = true, false, false, false
	h.open()
	h.wakeAt = 0
	h.ends, h.dials, h.slow, h.links, h.met, h.heard = nil, nil, nil, nil, nil, nil
	h.wet, h.backlog, h.inbox, h.answers, h.lookups = nil, nil, nil, nil, 0
	h.started, h.linkedUntil = w.now, -1
	rng := rand.New(rand.NewPCG(w.cfg.Seed+uint64(h.run)<<32, uint64(h.Number)))
	h.id = wire.NewID(rng)
	w.byID[h.id] = h
	c := mesh.Config{
		ID: h.id, Epoch: uint64(h.run), Name: h.Name, Port: h.Addr().Port(),
		Links: h.options.Links, Serve: h.options.Serve, Join: w.cfg.Join || h.options.Join != nil,
		Retain: w.cfg.Retain, RetainBytes: w.cfg.RetainBytes, History: h.options.History, Flood: w.cfg.Flood,
		Ears: &h.site.ears,
	}
	if c.Links == 0 {
		c.Links = w.cfg.Links
	}
	if c.Serve == 0 {
		c.Serve = w.cfg.Serve
	}
	if w.cfg.Sampled {
		c.Sample = func(wire.Context, wire.TraceID) bool { return true }
	}
	h.origin = w.Ledger.begin(h, w.Now())
	h.mesh = mesh.New(c, h.local(), rng)
	w.note(h, "start")
	h.perform()
}

// perform does what the peer's core asks for, and has it woken at its deadline.
func (h *Host) perform() {
	if !h.running() {
		return
	}
	w := h.w
	for {
		e := h.mesh.Effects()
		b := e.Broadcast
		if len(e.Overlay)+len(e.Datagrams)+len(e.Events)+len(e.Announced)+len(b.Sends)+len(b.Deliveries)+len(b.Events) == 0 {
			break
		}
		for i := range e.Overlay {
			h.performOverlay(&e.Overlay[i])
		}
		for i := range e.Datagrams {
			w.send(h, &e.Datagrams[i])
		}
		for i := range b.Sends {
			h.write(b.Sends[i].Conn, b.Sends[i].Frame)
		}
		for i := range b.Deliveries {
			w.deliver(h, &b.Deliveries[i])
		}
		for i := range b.Events {
			if b.Events[i].Kind == plumtree.Lost {
				w.Ledger.gaveUp(h, &b.Events[i])
			}
		}
		if len(w.watch) > 0 {
			for i := range e.Events {
				w.observe(h, &Observation{Overlay: &e.Events[i]})
			}
			for i := range e.Announced {
				w.observe(h, &Observation{Announced: &e.Announced[i]})
			}
			for i := range b.Events {
				w.observe(h, &Observation{Broadcast: &b.Events[i]})
			}
		}
		h.mesh.Done()
		for _, conn := range h.slow {
			h.end(conn, wire.ReasonReset)
			h.mesh.Closed(h.local(), conn, wire.ReasonSlow)
		}
		h.slow = h.slow[:0]
		if w.failure != nil {
			return
		}
	}
	w.checkHost(h)
	h.arm()
}

// arm has the peer woken at its deadline.
func (h *Host) arm() {
	d := h.mesh.Deadline()
	if d.IsZero() || h.down {
		return
	}
	at := max(h.global(d), h.w.now)
	if h.wakeAt != 0 && h.wakeAt <= at {
		return
	}
	h.wakeAt = at
	e := h.w.queue.push(at, evWake)
	e.host, e.run = h, h.run
}

// wake lets time pass for the peer, if it is its time.
func (h *Host) wake(at int64) {
	if at != h.wakeAt || !h.running() {
		return // an earlier one came before it
	}
	h.wakeAt = 0
	if d := h.mesh.Deadline(); d.IsZero() || h.global(d) > h.w.now {
		h.arm()
		return
	}
	h.w.Counts.Events++
	h.mesh.Advance(h.local())
	h.perform()
}

func (h *Host) performOverlay(o *overlay.Effect) {
	switch o.Action {
	case overlay.Dial:
		h.w.dial(h, o.Conn, o.Addr)
	case overlay.Send:
		h.write(o.Conn, o.Frame)
	case overlay.Hangup:
		h.end(o.Conn, wire.ReasonEOF)
	case overlay.Up:
		h.links = append(h.links, linked{o.Conn, o.Link.ID, o.Link.Out})
		h.linksChanged = true
	case overlay.Down:
		h.links = slices.DeleteFunc(h.links, func(l linked) bool { return l.conn == o.Conn })
		h.linksChanged = true
		h.linkedUntil = h.w.Now()
		if h.local().Sub(o.Link.Since) >= time.Second && !h.Met(o.Link.ID) {
			h.met = append(h.met, o.Link.ID)
		}
	case overlay.Resolve:
		h.w.resolve(h)
	}
	if len(h.w.watch) > 0 && (o.Action == overlay.Up || o.Action == overlay.Down) {
		h.w.observe(h, &Observation{Link: o})
	}
}

// Met reports whether this run of the host's peer had a link with another for a second or more, which has ended. A dial
// that meant somebody else at its address may make one for a moment.
func (h *Host) Met(id wire.ID) bool { return slices.Contains(h.met, id) }

// pipe is where the peer writes for conn, or nil if the connection has ended.
func (h *Host) pipe(conn wire.Conn) *pipe {
	for i := range h.ends {
		if h.ends[i].conn == conn {
			return h.ends[i].out
		}
	}
	return nil
}

func (h *Host) write(conn wire.Conn, frame []byte) {
	p := h.pipe(conn)
	if p == nil {
		return // it ended in this very turn
	}
	h.w.digestFrame(h, frame)
	p.push(h.w, frame, "")
	if p.overflowing() && !slices.Contains(h.slow, conn) {
		h.slow = append(h.slow, conn)
	}
}

// end closes our end of a connection, or gives up a dial.
func (h *Host) end(conn wire.Conn, how wire.Reason) {
	for i, d := range h.dials {
		if d.conn == conn {
			h.dials = slices.Delete(h.dials, i, i+1)
			return
		}
	}
	for i := range h.ends {
		if h.ends[i].conn == conn {
			p := h.ends[i].out
			h.ends = slices.Delete(h.ends, i, i+1)
			p.push(h.w, nil, how)
			p.back.kill()
			return
		}
	}
}

// closed tells the peer that a connection has ended at the other end.
func (h *Host) closed(conn wire.Conn, reason wire.Reason) {
	for i := range h.ends {
		if h.ends[i].conn == conn {
			h.ends[i].out.kill()
			h.ends = slices.Delete(h.ends, i, i+1)
			h.w.Counts.Events++
			h.mesh.Closed(h.local(), conn, reason)
			h.perform()
			return
		}
	}
}

// receive hands the peer what was read from a pipe: frames, or a piece of one.
func (h *Host) receive(p *pipe, b []byte) {
	w := h.w
	whole := len(p.partial) == 0
	if !whole {
		p.partial = append(p.partial, b...)
		b = p.partial
	}
	for len(b) > 0 && h.pipe(p.toConn) == p.back {
		n, err := wire.Decode(b, &h.frame)
		if err != nil {
			w.violate("frame", fmt.Sprintf("%s got from %s what it cannot read: %v", h.Name, p.from.Name, err))
			return
		}
		if n == 0 {
			break
		}
		b = b[n:]
		w.Counts.Events++
		w.Counts.Frames++
		if h.frame.Verb == wire.VerbMsg {
			w.Counts.Copies++
		}
		now := h.local()
		h.mesh.Receive(now, p.toConn, &h.frame, now)
	}
	switch {
	case len(b) == 0:
		p.partial = p.partial[:0]
	case whole:
		p.partial = append(p.partial[:0], b...)
	default:
		p.partial = p.partial[:copy(p.partial, b)]
	}
}
