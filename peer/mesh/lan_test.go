package mesh

import (
	"cmp"
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"hearsay/peer/overlay"
	"hearsay/peer/wire"
)

// lan is a network of whole peers in virtual time: everything happens in one goroutine, in an order
// that the seed alone decides.
type lan struct {
	t         *testing.T
	rng       *rand.Rand
	now       time.Time
	events    eventQueue
	order     uint64
	peers     []*host
	multicast int    // datagrams to everybody, so far
	digest    uint64 // of everything that was sent
}

type host struct {
	*Mesh
	lan     *lan
	addr    netip.AddrPort
	far     map[wire.Conn]end
	partial map[wire.Conn][]byte
	due     time.Time
	heard   []string
	whys    map[string]int
	stopped bool
}

// end is the other end of a connection.
type end struct {
	host *host
	conn wire.Conn
}

type event struct {
	at    time.Time
	order uint64
	run   func()
}

type eventQueue []event

func (q eventQueue) Len() int      { return len(q) }
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q eventQueue) Less(i, j int) bool {
	return cmp.Or(q[i].at.Compare(q[j].at), cmp.Compare(q[i].order, q[j].order)) < 0
}
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

func newLAN(t *testing.T, seed uint64, count int) *lan {
	l := &lan{t: t, rng: rand.New(rand.NewPCG(seed, 0)), now: time.Unix(1e9, 0)}
	for i := range count {
		h := &host{lan: l, addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), wire.MinPort), far: map[wire.Conn]end{}, partial: map[wire.Conn][]byte{}, whys: map[string]int{}}
		rng := rand.New(rand.NewPCG(seed, uint64(i)+1))
		h.Mesh = New(Config{
			ID: wire.NewID(rng), Epoch: 1, Name: fmt.Sprintf("peer-%d", i), Port: wire.MinPort, Links: 3, Serve: 6,
			Retain: 10 * time.Minute, RetainBytes: 1 << 20,
		}, l.now, rng)
		l.peers = append(l.peers, h)
	}
	for _, h := range l.peers {
		h.perform()
	}
	return l
}

func (l *lan) after(d time.Duration, run func()) {
	l.order++
	heap.Push(&l.events, event{l.now.Add(d), l.order, run})
}

func (l *lan) latency() time.Duration {
	return 50*time.Microsecond + time.Duration(l.rng.Int64N(int64(200*time.Microsecond)))
}

// run lets virtual time pass.
func (l *lan) run(d time.Duration) {
	end := l.now.Add(d)
	for len(l.events) > 0 && !l.events[0].at.After(end) {
		e := heap.Pop(&l.events).(event)
		l.now = e.at
		e.run()
	}
	l.now = end
}

func (l *lan) note(b []byte) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d ", l.digest, l.now.UnixNano())
	h.Write(b)
	l.digest = h.Sum64()
}

// perform does what a peer asks for, and wakes it at its deadline.
func (h *host) perform() {
	l := h.lan
	for {
		e := h.Effects()
		if len(e.Overlay)+len(e.Datagrams)+len(e.Broadcast.Sends)+len(e.Broadcast.Deliveries) == 0 {
			break
		}
		for _, o := range e.Overlay {
			h.performOverlay(o)
		}
		for _, d := range e.Datagrams {
			h.announce(d)
		}
		for _, a := range e.Announced {
			h.whys[a.Why]++
		}
		for _, s := range e.Broadcast.Sends {
			h.send(s.Conn, s.Frame)
		}
		for _, d := range e.Broadcast.Deliveries {
			h.heard = append(h.heard, string(d.Body))
		}
		h.Done()
	}
	at := h.Deadline()
	if at.IsZero() || h.stopped || at.Equal(h.due) {
		return
	}
	h.due = at
	l.after(max(0, at.Sub(l.now)), func() {
		if h.due.Equal(at) && !h.stopped {
			h.due = time.Time{}
			h.Advance(l.now)
			h.perform()
		}
	})
}

func (h *host) performOverlay(o overlay.Effect) {
	l := h.lan
	switch o.Action {
	case overlay.Dial:
		l.after(l.latency(), func() {
			for _, far := range l.peers {
				if far.addr == o.Addr && !far.stopped {
					theirs := far.Accepted(l.now, netip.AddrPortFrom(h.addr.Addr(), 50000))
					h.far[o.Conn], far.far[theirs] = end{far, theirs}, end{h, o.Conn}
					h.Opened(l.now, o.Conn, far.addr)
					far.perform()
					h.perform()
					return
				}
			}
			h.Closed(l.now, o.Conn, wire.ReasonRefused)
			h.perform()
		})
	case overlay.Send:
		h.send(o.Conn, o.Frame)
	case overlay.Hangup:
		if far, ok := h.far[o.Conn]; ok {
			delete(h.far, o.Conn)
			// As late as a frame may be: what was sent before arrives before.
			l.after(300*time.Microsecond, func() { far.host.closed(far.conn, wire.ReasonEOF) })
		}
	}
}

func (h *host) closed(conn wire.Conn, reason wire.Reason) {
	if _, open := h.far[conn]; open && !h.stopped {
		delete(h.far, conn)
		h.Closed(h.lan.now, conn, reason)
		h.perform()
	}
}

func (h *host) send(conn wire.Conn, frame []byte) {
	far, open := h.far[conn]
	if !open {
		return
	}
	h.lan.note(frame)
	// One latency for all, so that a connection keeps its order.
	h.lan.after(100*time.Microsecond, func() {
		if _, open := far.host.far[far.conn]; !open || far.host.stopped {
			return
		}
		// A frame may be sent in two pieces, as a stream allows.
		buf := append(far.host.partial[far.conn], frame...)
		var f wire.Frame
		n, err := wire.Decode(buf, &f)
		if err != nil || n != 0 && n != len(buf) {
			h.lan.t.Fatalf("a peer sent %q: %v", buf, err)
		}
		far.host.partial[far.conn] = buf[n:]
		if n > 0 {
			far.host.Receive(h.lan.now, far.conn, &f, h.lan.now)
			far.host.perform()
		}
	})
}

func (h *host) announce(d Datagram) {
	l := h.lan
	l.note(d.Data)
	a, err := wire.ParseAnnouncement(d.Data)
	if err != nil {
		l.t.Fatalf("a peer announced %q: %v", d.Data, err)
	}
	if !d.To.IsValid() {
		l.multicast++
	}
	for _, far := range l.peers {
		if !d.To.IsValid() || d.To.Addr() == far.addr.Addr() {
			l.after(l.latency(), func() {
				if !far.stopped {
					far.Heard(l.now, netip.AddrPortFrom(h.addr.Addr(), 50001), &a)
					far.perform()
				}
			})
		}
	}
}

// kill ends a peer without a word; the kernel resets its connections.
func (h *host) kill() {
	h.stopped = true
	for _, conn := range sorted(h.far) {
		far := h.far[conn]
		h.lan.after(h.lan.latency(), func() { far.host.closed(far.conn, wire.ReasonReset) })
	}
}

func sorted(m map[wire.Conn]end) (conns []wire.Conn) {
	for c := wire.Conn(1); len(conns) < len(m); c++ {
		if _, ok := m[c]; ok {
			conns = append(conns, c)
		}
	}
	return conns
}

// parts is the number of components that the living peers form.
func (l *lan) parts() (parts int) {
	index := map[wire.ID]*host{}
	for _, h := range l.peers {
		if !h.stopped {
			index[h.cfg.ID] = h
		}
	}
	seen := map[*host]bool{}
	for _, h := range l.peers {
		if h.stopped || seen[h] {
			continue
		}
		parts++
		for todo := []*host{h}; len(todo) > 0; {
			h, todo = todo[0], todo[1:]
			if h == nil || seen[h] {
				continue
			}
			seen[h] = true
			for _, k := range h.Status(l.now).Links {
				todo = append(todo, index[k.ID])
			}
		}
	}
	return parts
}
