package overlay

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// A world is a network of many overlays in virtual time: links with latency that keep their order,
// dials that are refused or hang, partitions that hold back what is sent until they end, kills that
// are loud (a reset) or silent, and announcements in the manner of Trickle. After every event the
// node that took part is checked against what must hold always (check), so that a bug shows where it
// happens and not where it hurts. Same seed, same run.
type world struct {
	t         testing.TB
	seed      uint64
	rng       *rand.Rand
	now       time.Time
	queue     happenings
	count     uint64
	nodes     []*node
	at        map[netip.AddrPort]*node
	group     map[*node]int // partitions; nil: none
	multicast bool
	lossy     float64 // part of the datagrams that are lost
	latency   func() time.Duration
	log       []string
	logging   bool
	changed   bool // a link came up or went down
}

type happening struct {
	at  time.Time
	seq uint64
	do  func()
}

type happenings []happening

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(happening)) }
func (h *happenings) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), now: epoch, at: map[netip.AddrPort]*node{}, multicast: true}
	w.latency = func() time.Duration {
		return 200*time.Microsecond + time.Duration(w.rng.Int64N(int64(time.Millisecond)))
	}
	return w
}

func (w *world) after(d time.Duration, do func()) {
	w.count++
	heap.Push(&w.queue, happening{w.now.Add(d), w.count, do})
}

// run lets time pass.
func (w *world) run(d time.Duration) { w.until(d, func() bool { return false }) }

// until lets time pass until something about links holds, and returns how long that took, or -1.
func (w *world) until(d time.Duration, holds func() bool) time.Duration {
	began, end := w.now, w.now.Add(d)
	if holds() {
		return 0
	}
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		h := heap.Pop(&w.queue).(happening)
		w.now = h.at
		w.changed = false
		h.do()
		if w.changed && holds() {
			return w.now.Sub(began)
		}
	}
	w.now = end
	return -1
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	if len(w.log) > 0 {
		w.t.Log("\n" + strings.Join(w.log, "\n"))
	}
	w.t.Fatalf("seed %d at %v: %s", w.seed, w.now.Sub(epoch), fmt.Sprintf(format, args...))
}

func (w *world) logf(format string, args ...any) {
	if w.logging {
		w.log = append(w.log, fmt.Sprintf("%10.4f ", w.now.Sub(epoch).Seconds())+fmt.Sprintf(format, args...))
	}
}

// node is one peer and the shell around it.
type node struct {
	w      *world
	i      int
	o      *Overlay
	addr   netip.AddrPort
	alive  bool
	silent bool // once dead: nothing answers
	paused bool
	late   []func() // what came while it was paused
	ends   map[wire.Conn]*end
	waits  map[wire.Conn]bool // dials under way
	ups    map[wire.Conn]Link
	opened map[wire.Conn]int // events of each dial and accept
	begun  map[wire.Conn]bool
	wake   time.Time
	join   []netip.AddrPort

	tau      time.Duration
	speaks   time.Time
	interval time.Time
	heardAny bool
	events   []Event
	sent     map[wire.Verb]int
}

// end is one end of a TCP connection.
type end struct {
	n      *node
	conn   wire.Conn
	other  *end
	shut   bool // this end is hung up or dead
	arrive time.Time
	stuck  []func()
}

type option func(*Config)

func slots(links, serve int) option {
	return func(c *Config) { c.Links, c.Serve = links, serve }
}

func withID(id wire.ID) option { return func(c *Config) { c.ID = id } }

func (w *world) add(opts ...option) *node {
	n := &node{w: w, i: len(w.nodes), addr: address(len(w.nodes))}
	w.nodes = append(w.nodes, n)
	n.start(opts...)
	return n
}

// addJoin adds a node with a join list: the addresses of the nodes with these numbers.
func (w *world) addJoin(to []int, opts ...option) *node {
	i := len(w.nodes)
	n := &node{w: w, i: i, addr: address(i)}
	for _, j := range to {
		n.join = append(n.join, address(j))
	}
	w.nodes = append(w.nodes, n)
	n.start(opts...)
	return n
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func address(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 49152)
}

// start makes a process of a node, the first time or again.
func (n *node) start(opts ...option) {
	w := n.w
	rng := rand.New(rand.NewPCG(w.rng.Uint64(), w.rng.Uint64()))
	cfg := Config{ID: wire.NewID(rng), Name: fmt.Sprint("peer-", n.i), Port: n.addr.Port(), Links: 3, Serve: 6, Started: w.now, Join: len(n.join) > 0}
	for _, opt := range opts {
		opt(&cfg)
	}
	n.alive, n.silent, n.paused = true, false, false
	n.ends, n.waits, n.ups = map[wire.Conn]*end{}, map[wire.Conn]bool{}, map[wire.Conn]Link{}
	n.opened, n.begun = map[wire.Conn]int{}, map[wire.Conn]bool{}
	n.sent = map[wire.Verb]int{}
	n.wake = time.Time{}
	w.at[n.addr] = n
	n.o = New(cfg, w.now, rng)
	n.reset()
	n.perform()
	n.announce(netip.AddrPort{})
}

func (n *node) id() wire.ID { return n.o.cfg.ID }

func (n *node) String() string { return fmt.Sprintf("%d(%s)", n.i, n.id().Short()) }

// call does something to the core, unless the process cannot run.
func (n *node) call(do func()) {
	o := n.o
	run := func() {
		if !n.alive || n.o != o {
			return
		}
		do()
		n.perform()
	}
	if n.paused {
		n.late = append(n.late, run)
		return
	}
	run()
}

func (w *world) reach(a, b *node) bool {
	return b.alive && (w.group == nil || w.group[a] == w.group[b])
}

// perform does what the core asks for, and checks it.
func (n *node) perform() {
	w, o := n.w, n.o
	for _, e := range o.Events() {
		n.events = append(n.events, e)
		if e.Kind == Dialled || e.Kind == Accepted {
			if !n.begun[e.Conn] {
				w.fatalf("%v: an event about connection %d that never was", n, e.Conn)
			}
			if n.opened[e.Conn]++; n.opened[e.Conn] > 1 {
				w.fatalf("%v: a second end of connection %d", n, e.Conn)
			}
		}
		w.logf("%v event %s", n, eventString(e))
	}
	quiet := true // pings are most of what happens, and change nothing
	for _, e := range slices.Clone(o.Effects()) {
		quiet = quiet && e.Action == Send && (e.Frame[1] == 'I' || e.Frame[1] == 'O')
		n.effect(e)
	}
	if !quiet {
		n.check()
	}
	n.schedule()
}

func eventString(e Event) string {
	kind := [...]string{"", "discovered", "dialled", "accepted", "healed", "lost", "rooted"}[e.Kind]
	return fmt.Sprintf("%s conn=%d peer=%s purpose=%s by=%s outcome=%s reason=%s priority=%v", kind, e.Conn, e.Peer.Short(), e.Purpose, e.By, e.Outcome, e.Reason, e.Priority)
}

func (n *node) effect(e Effect) {
	w := n.w
	switch e.Action {
	case Dial:
		n.waits[e.Conn], n.begun[e.Conn] = true, true
		n.dial(e.Conn, e.Addr)
	case Send:
		c := n.ends[e.Conn]
		if c == nil {
			w.fatalf("%v sends on connection %d, which is not open: %q", n, e.Conn, e.Frame)
		}
		var f wire.Frame
		size, err := wire.Decode(e.Frame, &f)
		if err != nil || size != len(e.Frame) {
			w.fatalf("%v sends what cannot be read: %q: %v", n, e.Frame, err)
		}
		n.sent[f.Verb]++
		if f.Verb != wire.VerbPing && f.Verb != wire.VerbPong {
			w.logf("%v -> %v conn=%d %s", n, c.other.n, e.Conn, strings.TrimSpace(string(e.Frame)))
		}
		c.carry(func(to *end) {
			to.n.call(func() {
				to.n.o.Alive(w.now, to.conn)
				var f wire.Frame
				wire.Decode(e.Frame, &f)
				to.n.o.Receive(w.now, to.conn, &f)
			})
		})
	case Hangup:
		if n.waits[e.Conn] {
			delete(n.waits, e.Conn)
			return
		}
		c := n.ends[e.Conn]
		if c == nil {
			w.fatalf("%v hangs up connection %d, which is not open", n, e.Conn)
		}
		n.shut(c, wire.ReasonEOF)
	case Up:
		if _, ok := n.ups[e.Conn]; ok {
			w.fatalf("%v: link %d comes up a second time", n, e.Conn)
		}
		n.ups[e.Conn], w.changed = *e.Link, true
		w.logf("%v UP %d with %s out=%v", n, e.Conn, e.Link.ID.Short(), e.Link.Out)
	case Down:
		if _, ok := n.ups[e.Conn]; !ok {
			w.fatalf("%v: link %d goes down that was not up", n, e.Conn)
		}
		delete(n.ups, e.Conn)
		w.changed = true
		w.logf("%v DOWN %d with %s: %s", n, e.Conn, e.Link.ID.Short(), e.Reason)
	case Announce:
		n.announce(e.Addr)
	case Inconsistent:
		n.reset()
	case Resolve:
		if len(n.join) > 0 {
			w.after(w.latency(), func() { n.call(func() { n.o.Joined(w.now, n.join) }) })
		}
	}
}

// shut ends a connection; the other end is told after all that was sent.
func (n *node) shut(c *end, reason wire.Reason) {
	c.carry(func(to *end) { to.ended(reason) })
	c.shut = true
	delete(n.ends, c.conn)
}

// ended tells this end's core that the connection is over, once its process runs.
func (c *end) ended(reason wire.Reason) {
	c.n.call(func() {
		if c.n.ends[c.conn] == c {
			delete(c.n.ends, c.conn)
			c.shut = true
			c.n.o.Closed(c.n.w.now, c.conn, reason)
		}
	})
}

// carry brings something to the other end, in order, and not through a partition.
func (c *end) carry(do func(to *end)) {
	w, to := c.n.w, c.other
	at := w.now.Add(w.latency())
	if at.Before(c.arrive) {
		at = c.arrive
	}
	c.arrive = at
	w.after(at.Sub(w.now), func() {
		step := func() {
			if !to.shut && to.n.alive {
				do(to)
			}
		}
		if w.group != nil && w.group[c.n] != w.group[to.n] || len(c.stuck) > 0 {
			c.stuck = append(c.stuck, step)
			return
		}
		step()
	})
}

func (n *node) dial(conn wire.Conn, addr netip.AddrPort) {
	w, o := n.w, n.o
	w.logf("%v dials %v as %d", n, addr, conn)
	w.after(w.latency(), func() {
		to := w.at[addr]
		if to == nil || !to.alive && !to.silent && (w.group == nil || w.group[n] == w.group[to]) {
			w.after(w.latency(), func() {
				n.call(func() {
					if n.o == o && n.waits[conn] {
						delete(n.waits, conn)
						o.Closed(w.now, conn, wire.ReasonRefused)
					}
				})
			})
			return
		}
		if !w.reach(n, to) || !n.alive || n.o != o || !n.waits[conn] {
			return // a SYN that nobody answers
		}
		near, far := &end{n: n, conn: conn}, &end{n: to}
		near.other, far.other = far, near
		from := netip.AddrPortFrom(n.addr.Addr(), uint16(30000+w.rng.IntN(10000)))
		// The acceptor's side first: its kernel says yes before anybody else knows.
		to.call(func() {
			far.conn = to.o.Accepted(w.now, from)
			if far.shut {
				return
			}
			to.ends[far.conn], to.begun[far.conn] = far, true
		})
		w.after(w.latency(), func() {
			n.call(func() {
				if !n.waits[conn] {
					near.carry(func(e *end) { e.ended(wire.ReasonEOF) })
					return
				}
				delete(n.waits, conn)
				if near.shut {
					return
				}
				n.ends[conn] = near
				n.o.Opened(w.now, conn, addr)
			})
		})
	})
}

// schedule calls Advance at the deadline.
func (n *node) schedule() {
	at := n.o.Deadline()
	if at.IsZero() || at.Equal(n.wake) {
		return
	}
	n.wake = at
	o := n.o
	n.w.after(max(0, at.Sub(n.w.now)), func() {
		if n.o != o || !n.wake.Equal(at) {
			return
		}
		n.wake = time.Time{}
		n.call(func() {
			n.o.Advance(n.w.now)
			if d := n.o.Deadline(); !d.IsZero() && !d.After(n.w.now) {
				n.w.fatalf("%v: Advance at %v leaves the deadline at %v", n, n.w.now.Sub(epoch), d.Sub(epoch))
			}
		})
	})
}

// announce says what the core would say, to all or to one.
func (n *node) announce(to netip.AddrPort) {
	w := n.w
	if !w.multicast {
		return
	}
	a := n.o.Announcement()
	line := wire.AppendAnnouncement(nil, a)
	for _, other := range w.nodes {
		if other == n && to.IsValid() || to.IsValid() && other.addr != to || w.rng.Float64() < w.lossy {
			continue
		}
		w.after(w.latency(), func() {
			if !w.reach(n, other) {
				return
			}
			other.call(func() {
				a, err := wire.ParseAnnouncement(line)
				if err != nil {
					w.fatalf("an announcement that cannot be read: %v", err)
				}
				if other.o.Heard(w.now, n.addr, &a) {
					other.heardAny = true
				}
			})
		})
	}
}

// reset and tick are a simple Trickle.
func (n *node) reset() {
	if n.tau == 100*time.Millisecond && n.interval.After(n.w.now) {
		return
	}
	n.tau = 50 * time.Millisecond
	n.tick()
}

func (n *node) tick() {
	w, o := n.w, n.o
	most := time.Minute
	if o != nil && o.Seeking() {
		most = 10 * time.Second
	}
	n.tau = min(2*n.tau, most)
	n.heardAny = false
	mine := w.now.Add(n.tau)
	n.interval = mine
	w.after(n.tau/2+time.Duration(w.rng.Int64N(int64(n.tau/2))), func() {
		if n.o == o && n.alive && n.interval.Equal(mine) && !n.paused && (!n.heardAny || n.o.Seeking()) {
			n.announce(netip.AddrPort{})
		}
	})
	w.after(n.tau, func() {
		if n.o == o && n.alive && n.interval.Equal(mine) {
			n.tick()
		}
	})
}

// kill ends a process. A loud death resets its connections, a silent one says nothing.
func (n *node) kill(silent bool) {
	n.w.logf("%v KILLED silent=%v", n, silent)
	n.alive, n.silent = false, silent
	conns := make([]wire.Conn, 0, len(n.ends))
	for c := range n.ends {
		conns = append(conns, c)
	}
	slices.Sort(conns)
	for _, c := range conns {
		e := n.ends[c]
		if silent {
			e.shut = true
			continue
		}
		n.shut(e, wire.ReasonReset)
	}
}

func (n *node) pause() { n.paused = true; n.w.logf("%v PAUSED", n) }

func (n *node) resume() {
	n.w.logf("%v RESUMED", n)
	n.paused = false
	late := n.late
	n.late = nil
	for _, do := range late {
		do()
	}
}

// split puts the nodes into groups that cannot reach one another.
func (w *world) split(groups ...[]*node) {
	w.logf("SPLIT")
	w.group = map[*node]int{}
	for i, g := range groups {
		for _, n := range g {
			w.group[n] = i
		}
	}
}

// mend ends the partition; what was held back arrives.
func (w *world) mend() {
	w.logf("MENDED")
	w.group = nil
	for _, n := range w.nodes {
		conns := make([]wire.Conn, 0, len(n.ends))
		for c := range n.ends {
			conns = append(conns, c)
		}
		slices.Sort(conns)
		for _, c := range conns {
			e := n.ends[c]
			stuck := e.stuck
			e.stuck = nil
			for _, do := range stuck {
				do()
			}
		}
	}
}

// living are the nodes whose processes run.
func (w *world) living() []*node {
	var list []*node
	for _, n := range w.nodes {
		if n.alive {
			list = append(list, n)
		}
	}
	return list
}

// parts are the connected components, as links that both ends have.
func (w *world) parts() [][]*node {
	label := map[*node]*node{}
	var find func(n *node) *node
	find = func(n *node) *node {
		if label[n] == n || label[n] == nil {
			label[n] = n
			return n
		}
		label[n] = find(label[n])
		return label[n]
	}
	for _, n := range w.nodes {
		if !n.alive {
			continue
		}
		for c := range n.ups {
			e := n.ends[c]
			if e == nil || !e.other.n.alive {
				continue
			}
			if _, ok := e.other.n.ups[e.other.conn]; ok && e.other.n.ends[e.other.conn] == e.other && w.reach(n, e.other.n) {
				label[find(n)] = find(e.other.n)
			}
		}
	}
	groups := map[*node][]*node{}
	for _, n := range w.living() {
		groups[find(n)] = append(groups[find(n)], n)
	}
	var list [][]*node
	for _, n := range w.living() {
		if g := groups[n]; g != nil && find(n) == n {
			list = append(list, g)
		}
	}
	return list
}

// steady lets time pass and returns after how long something holds for good, or -1.
func (w *world) steady(d time.Duration, holds func() bool) time.Duration {
	began := w.now
	last := time.Duration(-1)
	was := false
	w.until(d, func() bool {
		is := holds()
		if is && !was {
			last = w.now.Sub(began)
		}
		was = is
		return false
	})
	if !was {
		return -1
	}
	return last
}

func (w *world) whole() bool { return len(w.parts()) == 1 }

// content reports whether a node has the links it wants, not counting those to the dead, or nobody is
// left who could give it one.
func (n *node) content() bool {
	out := 0
	for c, l := range n.ups {
		if e := n.ends[c]; l.Out && e != nil && e.other.n.alive {
			out++
		}
	}
	if out == n.o.cfg.Links {
		return true
	}
	for _, other := range n.w.nodes {
		if other != n && n.w.reach(n, other) && n.o.linkTo(other.id()) == nil && other.o.Slots().Free() > 0 {
			return false
		}
	}
	return len(n.ups) > 0
}

// lacking fails, and says who lacks links.
func (w *world) lacking() {
	for _, n := range w.living() {
		if !n.content() {
			w.fatalf("%v lacks links: %d/%d out, %d/%d in, seeking %v", n, n.o.out, n.o.cfg.Links, n.o.in, n.o.cfg.Serve, n.o.Seeking())
		}
	}
}

func (w *world) content() bool {
	for _, n := range w.living() {
		if !n.content() {
			return false
		}
	}
	return true
}

// check is what must hold at every moment: what the core says of itself, and that it has told its shell.
func (n *node) check() {
	in, out := 0, 0
	for _, l := range n.ups {
		if l.Out {
			out++
		} else {
			in++
		}
	}
	if in != n.o.in || out != n.o.out {
		n.w.fatalf("%v has told of %d links out and %d in, and counts %d and %d", n, out, in, n.o.out, n.o.in)
	}
	if err := n.o.Check(); err != nil {
		n.w.fatalf("%v: %v", n, err)
	}
}

func percentile(d []time.Duration, p float64) time.Duration {
	d = slices.Clone(d)
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	if len(d) == 0 {
		return 0
	}
	return d[min(len(d)-1, int(p*float64(len(d))))]
}
