package overlay

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// A bridge joins two parts of a mesh that has split: hearing a peer that follows another root is the
// proof, and one link is enough, since the lower root's beacon then makes them one. Both sides may be
// full. So the dialler gives up a link of its own in the step in which the bridge comes up, and so does
// the acceptor; each names the other's side to the one it leaves.

const (
	// A root acts first, and at once: it is the one that both parts hear. It leaves its own beacon a
	// moment to come by links, lest a slow path be taken for a split.
	bridgeRootMin, bridgeRootMax = 100 * time.Millisecond, 300 * time.Millisecond
	// Everybody else waits for the roots to have done it.
	bridgeMin, bridgeMax = 300 * time.Millisecond, 3 * time.Second
	// bridgeEvery is the least time between two attempts, whatever is heard: lying about roots must not
	// make anybody dial faster.
	bridgeEvery = time.Second
	// bridgeRest is the least time after one that succeeded. One bridge joins the parts.
	bridgeRest = 5 * time.Second
	// bridgeRetryMax bounds the wait before an address is tried again, which doubles from bridgeEvery.
	bridgeRetryMax = 30 * time.Second
	// maxBridgeRetries bounds the addresses for which that is known; beyond it the oldest is forgotten.
	maxBridgeRetries = 16
	// cutOffFor is how long we must have missed the beacons of our own root, while others name newer
	// ones, to take ourselves for cut off.
	cutOffFor = beaconEvery + time.Second
)

// bridge is the attempt to come, if any. A newer word replaces it only if it is about the same peer:
// whoever shouts most must not decide.
type bridge struct {
	at      time.Time // when to dial; zero: no attempt
	id      wire.ID
	addr    netip.AddrPort
	root    wire.ID
	seq     uint64
	source  wire.Context
	next    time.Time // no attempt before
	retries []bridgeRetry
	told    wire.ID   // the other root that an event told of last
	news    time.Time // when we last told Trickle
}

type bridgeRetry struct {
	addr  netip.AddrPort
	tries int
	after time.Time
}

// apart reports whether a peer that follows root, and has seen its beacon seq, is in another part.
func (o *Overlay) apart(id wire.ID, seq uint64) bool {
	switch {
	case id == "" || o.root.id == "" || id == o.cfg.ID:
		return false
	case id == o.root.id:
		return seq >= o.root.seq+2 && o.now.Sub(o.root.heard) >= cutOffFor
	}
	return seq > o.root.newest(id)
}

// apartFrom reports whether somebody who wants a bridge has reason to: it may know of beacons that we
// have not seen, and we of some that it has not.
func (o *Overlay) apartFrom(h *wire.Hello) bool {
	if h.Root == o.root.id {
		return h.RootSeq >= o.root.seq+2 || o.root.seq >= h.RootSeq+2
	}
	return true
}

// heard tells of another root that was announced, and gets our own announced soon. Once in a second:
// whoever invents roots must not make us shout.
func (b *bridge) heard(o *Overlay, a *wire.Announcement, addr netip.AddrPort, ctx wire.Context) wire.Context {
	if o.now.Sub(b.news) < bridgeEvery {
		return ctx
	}
	b.news = o.now
	if b.told != a.Root {
		b.told = wire.ID(strings.Clone(string(a.Root)))
		ctx = o.discovered(a, addr, "other-root")
	}
	o.effect(Effect{Action: Inconsistent})
	return ctx
}

// suspect takes in that a peer follows another root. Sooner is for what we found out ourselves: nobody
// else has heard it, so there is nobody to wait for.
func (b *bridge) suspect(o *Overlay, id wire.ID, addr netip.AddrPort, root wire.ID, seq uint64, slots wire.Slots, source wire.Context, sooner bool) {
	if b.id == id && !o.apart(root, seq) {
		b.at = time.Time{} // it has come over to us
	}
	if planted.On(planted.NeverBridge) {
		return
	}
	// A peer without links is a newcomer like any other, and so are we while we have none.
	if o.degree() == 0 || slots.Degree() == 0 || !o.apart(root, seq) || o.linkTo(id) != nil {
		return
	}
	if i := b.retry(addr); i >= 0 && o.now.Before(b.retries[i].after) {
		return
	}
	if !b.at.IsZero() && b.id != id {
		return
	}
	at := o.now.Add(o.between(bridgeMin, bridgeMax))
	if sooner || o.IsRoot() {
		at = o.now.Add(o.between(bridgeRootMin, bridgeRootMax))
	}
	if at.Before(b.next) {
		at = b.next
	}
	if !b.at.IsZero() {
		at = earlier(at, b.at)
	}
	b.at, b.id, b.addr, b.root, b.seq, b.source = at, id, addr, root, seq, source
}

// wanted reports whether the roots still differ, and we have a slot for the bridge or one to give up
// for it.
func (b *bridge) wanted(o *Overlay) bool {
	return o.degree() > 0 && o.apart(b.root, b.seq) && o.linkTo(b.id) == nil &&
		(o.out < o.cfg.Links || o.spare(wire.PurposeBridge, true) != nil)
}

func (b *bridge) advance(o *Overlay) {
	if b.at.IsZero() || o.now.Before(b.at) {
		return
	}
	b.at = time.Time{}
	if !b.wanted(o) || o.view.isSelf(b.addr) || o.dialledFor(b.id, b.addr) {
		return
	}
	b.next = o.now.Add(bridgeEvery)
	c := o.dial(b.addr, wire.PurposeBridge, b.source)
	c.peer, c.by = b.id, "root"
	if p := o.view.find(b.id); p != nil {
		c.target, c.name, p.last = p, p.name, o.now
	}
}

// ended makes the address wait, if no link came of the attempt.
func (b *bridge) ended(o *Overlay, c *conn, outcome string) {
	if outcome == "cancelled" || outcome == "probed" {
		return
	}
	i := b.retry(c.addr)
	if i < 0 {
		if len(b.retries) == maxBridgeRetries {
			b.retries = slices.Delete(b.retries, 0, 1)
		}
		b.retries = append(b.retries, bridgeRetry{addr: c.addr})
		i = len(b.retries) - 1
	}
	r := &b.retries[i]
	r.after = o.now.Add(o.jitter(min(bridgeEvery<<min(r.tries, 8), bridgeRetryMax)))
	r.tries++
}

// linked lets the new neighbors settle.
func (b *bridge) linked(o *Overlay, c *conn) {
	b.next = o.now.Add(bridgeRest)
	if i := b.retry(c.addr); i >= 0 {
		b.retries = slices.Delete(b.retries, i, i+1)
	}
}

func (b *bridge) retry(addr netip.AddrPort) int {
	return slices.IndexFunc(b.retries, func(r bridgeRetry) bool { return r.addr == addr })
}
