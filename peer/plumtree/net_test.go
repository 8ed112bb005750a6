package plumtree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hearsay/peer/wire"
)

// network joins Trees by links that deliver in order, each after its own delay, until they go down. It
// is driven in virtual time, and everything in it follows from its seed.
type network struct {
	t     fataler
	rng   *rand.Rand
	now   time.Time
	peers []*peer
	conns wire.Conn
	// frames are some of those that were sent, and what they were then.
	frames [][2][]byte
	delay  func() time.Duration // of one link's direction, drawn when it comes up
	// stepped is called after every step.
	stepped func()
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
	Logf(string, ...any)
}

type peer struct {
	net     *network
	name    string
	origin  wire.Origin
	tree    *Tree
	started time.Time
	dead    bool
	paused  bool
	cables  []*cable
	got     map[wire.Origin][]uint64
	when    map[string]time.Time
	texts   map[string]string
	events  []Event
	hops    map[string]int // of its own messages: the last delivery hop (LDH)
}

// cable is one end of a link.
type cable struct {
	conn   wire.Conn
	from   *peer
	to     *cable
	delay  time.Duration
	flight []packet
	down   bool
	sent   int
	verbs  map[wire.Verb]int
	hold   bool // nothing is taken off the queue
	mark   int  // if not zero, the queue's high mark
	full   bool
}

type packet struct {
	at   time.Time
	data []byte
}

func newNetwork(t fataler, seed uint64) *network {
	return &network{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1e9, 0),
		delay:   func() time.Duration { return 100 * time.Microsecond },
		stepped: func() {},
	}
}

func (n *network) start(change ...func(*Config)) *peer {
	p := &peer{net: n, name: fmt.Sprint("p", len(n.peers)), started: n.now, got: map[wire.Origin][]uint64{}, when: map[string]time.Time{}, texts: map[string]string{}, hops: map[string]int{}}
	p.origin = wire.NewOrigin(wire.NewID(n.rng), uint64(len(n.peers)+1))
	cfg := Config{Self: p.origin, Name: p.name, Started: n.now, Retain: 10 * time.Minute, RetainBytes: 64 << 20}
	for _, f := range change {
		f(&cfg)
	}
	p.tree = New(cfg, rand.New(rand.NewPCG(n.rng.Uint64(), 2)))
	n.peers = append(n.peers, p)
	return p
}

// join links a and b.
func (n *network) join(a, b *peer) (ab, ba *cable) {
	n.conns += 2
	ab = &cable{conn: n.conns - 1, from: a, delay: n.delay(), verbs: map[wire.Verb]int{}}
	ba = &cable{conn: n.conns, from: b, delay: n.delay(), verbs: map[wire.Verb]int{}}
	ab.to, ba.to = ba, ab
	a.cables, b.cables = append(a.cables, ab), append(b.cables, ba)
	a.tree.LinkUp(n.now, ab.conn, n.now.Sub(b.started))
	a.perform()
	b.tree.LinkUp(n.now, ba.conn, n.now.Sub(a.started))
	b.perform()
	return ab, ba
}

func (n *network) linked(a, b *peer) bool { return a.cable(b) != nil }

func (p *peer) cable(to *peer) *cable {
	for _, c := range p.cables {
		if c.to.from == to {
			return c
		}
	}
	return nil
}

// cut takes a link down on both sides. What is in flight is lost.
func (n *network) cut(a, b *peer) {
	c := a.cable(b)
	c.down, c.to.down = true, true
	for _, end := range []*cable{c, c.to} {
		p := end.from
		p.cables = slices.DeleteFunc(p.cables, func(x *cable) bool { return x == end })
		if !p.dead {
			p.tree.LinkDown(n.now, end.conn)
			p.perform()
		}
	}
}

// kill ends a peer; its links go down at once.
func (n *network) kill(p *peer) {
	p.dead = true
	for len(p.cables) > 0 {
		n.cut(p, p.cables[0].to.from)
	}
}

func (p *peer) publish(text string) uint64 {
	seq, _, err := p.tree.Publish(p.net.now, []byte(text), wire.Context{})
	if err != nil {
		p.net.t.Fatalf("%s cannot publish: %v", p.name, err)
	}
	p.when[wire.MessageID(p.origin, seq)] = p.net.now
	p.texts[wire.MessageID(p.origin, seq)] = text
	p.perform()
	return seq
}

// perform does what the tree asks for.
func (p *peer) perform() {
	for {
		e := p.tree.Effects()
		if len(e.Sends)+len(e.Deliveries)+len(e.Events) == 0 {
			return
		}
		for _, s := range e.Sends {
			i := slices.IndexFunc(p.cables, func(c *cable) bool { return c.conn == s.Conn })
			if i < 0 {
				p.net.t.Fatalf("%s sends on a link that is down", p.name)
			}
			c := p.cables[i]
			at := p.net.now.Add(c.delay)
			if k := len(c.flight); k > 0 && c.flight[k-1].at.Equal(at) {
				c.flight[k-1].data = append(c.flight[k-1].data, s.Frame...)
			} else {
				c.flight = append(c.flight, packet{at, bytes.Clone(s.Frame)})
			}
			c.sent += len(s.Frame)
			if k := len(p.net.frames); k < 100000 && p.net.rng.IntN(k/100+1) == 0 {
				p.net.frames = append(p.net.frames, [2][]byte{s.Frame, bytes.Clone(s.Frame)})
			}
		}
		for _, d := range e.Deliveries {
			p.deliver(d)
		}
		p.events = append(p.events, e.Events...)
		for _, c := range p.cables {
			c.check()
		}
	}
}

// check tells the tree when the queue passes its marks.
func (c *cable) check() {
	if c.mark == 0 {
		return
	}
	n := 0
	for _, f := range c.flight {
		n += len(f.data)
	}
	if full := n > c.mark || c.full && n > c.mark/4; full != c.full {
		c.full = full
		c.from.tree.Full(c.from.net.now, c.conn, full)
	}
}

// deliver checks safety: in order, once, unchanged.
func (p *peer) deliver(d Delivery) {
	seen := p.got[d.Origin]
	if k := len(seen); k > 0 && d.Seq <= seen[k-1] {
		p.net.t.Fatalf("%s got %s %d after %d", p.name, d.Origin, d.Seq, seen[k-1])
	}
	p.got[d.Origin] = append(seen, d.Seq)
	id := wire.MessageID(d.Origin, d.Seq)
	p.when[id] = p.net.now
	for _, q := range p.net.peers {
		if q.origin == d.Origin {
			q.hops[id] = max(q.hops[id], d.Hops)
			if want, ok := q.texts[id]; !ok || want != string(d.Body) || d.Name != q.name {
				p.net.t.Fatalf("%s got %q from %s as %s, want %q", p.name, d.Body, d.Name, id, want)
			}
		}
	}
}

// next is when something happens next.
func (n *network) next() time.Time {
	next := n.now.Add(time.Hour)
	for _, p := range n.peers {
		if p.dead || p.paused {
			continue
		}
		if d := p.tree.Deadline(); !d.IsZero() && d.Before(next) {
			next = d
		}
	}
	for _, p := range n.peers {
		for _, c := range p.cables {
			if len(c.flight) > 0 && !c.hold && !c.to.from.paused && c.flight[0].at.Before(next) {
				next = c.flight[0].at
			}
		}
	}
	if next.Before(n.now) {
		return n.now
	}
	return next
}

// run lets time pass.
func (n *network) run(d time.Duration) {
	for end := n.now.Add(d); ; {
		next := n.next()
		if next.After(end) {
			n.now = end
			return
		}
		n.now = next
		n.step()
		n.stepped()
	}
}

// step does what is due, the peers in random order.
func (n *network) step() {
	for _, i := range n.rng.Perm(len(n.peers)) {
		p := n.peers[i]
		if p.dead || p.paused {
			continue
		}
		for _, c := range slices.Clone(p.cables) {
			c.to.arrive()
		}
		if d := p.tree.Deadline(); !d.IsZero() && !d.After(n.now) {
			p.tree.Advance(n.now)
		}
		p.perform()
	}
}

// arrive hands what has come over c to its far side.
func (c *cable) arrive() {
	n, p := c.from.net, c.to.from
	for len(c.flight) > 0 && !c.down && !c.hold && !c.flight[0].at.After(n.now) {
		f := c.flight[0]
		c.flight = c.flight[1:]
		c.check()
		for b := f.data; len(b) > 0; {
			var frame wire.Frame
			k, err := wire.Decode(b, &frame)
			if err != nil || k == 0 {
				n.t.Fatalf("%s sent %q: %v", c.from.name, b, err)
			}
			c.verbs[frame.Verb]++
			if reason := p.tree.Receive(n.now, c.to.conn, &frame, n.now); reason != "" {
				n.t.Fatalf("%s breaks with %s for %q: %s", p.name, c.from.name, b[:k], reason)
			}
			for i := range b[:k] {
				b[i] = '#' // nothing may refer to it any more
			}
			b = b[k:]
		}
	}
}

// has reports whether p has delivered the message.
func (p *peer) has(origin *peer, seq uint64) bool {
	_, ok := slices.BinarySearch(p.got[origin.origin], seq)
	return ok
}

// all reports whether all living peers but the publisher have got the message.
func (n *network) all(origin *peer, seq uint64) bool {
	for _, p := range n.peers {
		if p != origin && !p.dead && !p.has(origin, seq) {
			return false
		}
	}
	return true
}

func (n *network) wantAll(origin *peer, seqs ...uint64) {
	n.t.Helper()
	for _, seq := range seqs {
		if !n.all(origin, seq) {
			n.t.Fatalf("message %d of %s did not reach everybody:\n%s", seq, origin.name, n.table(origin))
		}
	}
}

func (n *network) table(origin *peer) string {
	var s strings.Builder
	for _, p := range n.peers {
		fmt.Fprintf(&s, "%s dead=%v got %d %v %+v\n", p.name, p.dead, len(p.got[origin.origin]), tail(p.got[origin.origin]), p.tree.Stats())
	}
	return s.String()
}

func tail(seqs []uint64) []uint64 { return seqs[max(0, len(seqs)-20):] }

func (n *network) total(f func(Stats) uint64) (sum uint64) {
	for _, p := range n.peers {
		sum += f(p.tree.Stats())
	}
	return sum
}

// random links peers so that each has at least k links, and all are connected.
func (n *network) random(k int) {
	for i, p := range n.peers {
		if i > 0 {
			if q := n.peers[n.rng.IntN(i)]; !n.linked(p, q) {
				n.join(p, q)
			}
		}
	}
	for _, p := range n.peers {
		for tries := 0; len(p.cables) < k && tries < 100; tries++ {
			if q := n.peers[n.rng.IntN(len(n.peers))]; q != p && !n.linked(p, q) {
				n.join(p, q)
			}
		}
	}
}

func TestEverybodyGetsEverything(t *testing.T) {
	n := newNetwork(t, 1)
	for range 16 {
		n.start()
	}
	n.random(5)
	n.run(10 * time.Millisecond)
	for i := range 200 {
		p := n.peers[i%len(n.peers)]
		seq := p.publish("hello")
		n.run(time.Millisecond)
		_ = seq
	}
	n.run(time.Second)
	for _, p := range n.peers {
		n.wantAll(p, 1, 2, 3, 10)
	}
	t.Logf("duplicates %d delivered %d grafts %d prunes %d ihaves %d",
		n.total(func(s Stats) uint64 { return s.Duplicates }), n.total(func(s Stats) uint64 { return s.Delivered }),
		n.total(func(s Stats) uint64 { return s.Grafts }), n.total(func(s Stats) uint64 { return s.Prunes }), n.total(func(s Stats) uint64 { return s.IHaves }))
}
