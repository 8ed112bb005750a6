package overlay

import (
	"net/netip"
	"strings"
	"time"

	"hearsay/peer/wire"
)

// The handshake: the dialler says HELLO and why it dialled; the acceptor answers with its own HELLO
// and, in the same write, the verdict: WELCOME, REFER or CLOSE. Its HELLO waits for the verdict, so
// that the slots it tells are those the verdict was made with.

// receive sorts a frame by what it means and whether it is in its place.
func (o *Overlay) receive(c *conn, f *wire.Frame) bool {
	switch {
	case f.Verb == wire.VerbHello && (c.state == accepted || c.state == greeting && c.hello == nil):
		o.onHello(c, f.Control.(*wire.Hello))
	case f.Verb == wire.VerbWelcome && c.state == greeting && c.hello != nil && links(c.purpose):
		o.onWelcome(c)
	case f.Verb == wire.VerbRefer && (c.state == up || c.state == greeting && c.hello != nil):
		o.onRefer(c, f.Control.(*wire.Refer))
	case f.Verb == wire.VerbClose && c.state != dialling:
		o.onClose(c, f.Control.(*wire.Close))
	case c.state != up:
		o.close(c, wire.ReasonHandshake)
		return false
	case f.Verb == wire.VerbPing:
		o.onPing(c, f.Control.(*wire.Ping))
	case f.Verb == wire.VerbPong:
		o.onPong(c, f.Control.(*wire.Pong))
	case f.Verb == wire.VerbRoot:
		o.onRoot(c, f.Control.(*wire.Root))
	case f.Verb == wire.VerbShuffle:
		o.onShuffle(c, f.Control.(*wire.Shuffle))
	case f.Verb == wire.VerbShuffleReply:
		o.onShuffleReply(c, f.Control.(*wire.ShuffleReply))
	case f.Verb >= wire.VerbMsg:
		// The broadcast's; it passes here only if nobody looked at Linked first.
	default:
		o.close(c, wire.ReasonHandshake) // a second HELLO, or a WELCOME to a link
		return false
	}
	return true
}

// greet says HELLO on a dial that has connected.
func (o *Overlay) greet(c *conn) {
	if o.filling(c) {
		// Of several dials beside one another, the first to connect get the slots; the others part before
		// they have said anything, so that nobody gives them a slot in vain.
		spoken := o.out
		for _, other := range o.order {
			if o.filling(other) && other.state == greeting && o.now.Before(other.hedge()) {
				spoken++
			}
		}
		if spoken >= o.cfg.Links {
			o.finish(c, verdict{ours: true, reason: wire.ReasonFull})
			return
		}
		c.purpose = o.urgency()
	}
	if c.purpose == wire.PurposeBridge && !o.bridge.wanted(o) {
		o.finish(c, verdict{ours: true, reason: wire.ReasonProbed})
		return
	}
	c.state, c.since, c.deadline = greeting, o.now, o.now.Add(handshakeFor)
	if c.purpose == wire.PurposeVerify {
		c.deadline = o.now.Add(dialFor)
	}
	o.sayHello(c)
}

// urgency is the purpose of a dial for a link. Whoever has no link asks full peers to make room, and
// so does one with a single link whom several have refused: every peer has two neighbors or more. It
// must have a slot for the one who makes room, as the head of a chain has: if its tail pushed itself in
// somewhere, it would cut the chain and close a ring with a part of it. One such request at a time, or
// a newcomer would push several links aside to get one.
func (o *Overlay) urgency() wire.Purpose {
	if o.degree() > 1 || o.degree() == 1 && o.full < 2 || o.Slots().Free() == 0 {
		return wire.PurposeLink
	}
	for _, c := range o.order {
		if c.state == greeting && c.purpose == wire.PurposeUrgent && o.now.Before(c.hedge()) {
			return wire.PurposeLink
		}
	}
	return wire.PurposeUrgent
}

func (o *Overlay) sayHello(c *conn) {
	o.send(c, wire.AppendHello(nil, wire.Hello{
		Version: wire.Version, ID: o.cfg.ID, Name: o.cfg.Name, Port: o.cfg.Port, Slots: o.Slots(),
		Root: o.root.id, RootSeq: o.root.seq, Uptime: o.now.Sub(o.cfg.Started),
		Purpose: c.purpose, Context: c.context,
	}))
}

func (o *Overlay) onHello(c *conn, h *wire.Hello) {
	id := wire.ID(strings.Clone(string(h.ID)))
	stranger := false
	if c.out && c.peer != "" && c.peer != id {
		// Another process listens there now, and the one that we knew is gone.
		if old := o.view.find(c.peer); old != nil && old.addr == c.addr {
			o.view.remove(old)
		}
		stranger = o.join.at(c.addr) == nil
	}
	c.peer, c.name = id, strings.Clone(h.Name)
	hello := *h
	hello.ID, hello.Name, hello.Root = c.peer, c.name, wire.ID(strings.Clone(string(h.Root)))
	c.hello = &hello
	if !c.out {
		c.addr, c.purpose = netip.AddrPortFrom(c.remote.Addr(), h.Port), h.Purpose
		c.parent, c.context = h.Context, o.span(h.Context)
	}
	switch {
	case h.Version != wire.Version:
		o.close(c, wire.ReasonVersion)
	case h.Port < wire.MinPort:
		o.close(c, wire.ReasonFrame)
	case id == o.cfg.ID:
		if c.out {
			o.view.addSelf(c.addr)
		}
		o.close(c, wire.ReasonSelf)
	case stranger:
		// It may be our peer, restarted; then it will make itself known. It may as well belong to another
		// mesh that got a dead peer's port, or whose address a liar gave for his own: only the join list and
		// announcements say who is one of us.
		o.counts.limit("strangers")
		o.close(c, wire.ReasonProbed)
	case c.out:
		o.met(c)
	default:
		o.judge(c)
	}
}

// met takes in what the HELLO of somebody we dialled tells, whatever the verdict will be.
func (o *Overlay) met(c *conn) {
	o.join.met(c.addr, c.peer)
	o.trust.vouch(o, c.peer, c.addr)
	if o.linkTo(c.peer) == nil {
		p := o.view.find(c.peer)
		if p == nil {
			p = &peer{id: c.peer, by: c.by}
		} else {
			o.view.remove(p)
		}
		p.name, p.addr, p.free = c.name, c.addr, c.hello.Slots.Free()
		if p.dead {
			p.tries, p.resume = 0, time.Time{} // it lives: only what it refuses counts now
		}
		p.heard, p.last, p.proven, p.dead, p.shut = o.now, c.began, true, false, 0
		o.view.put(o, p)
		c.target = p
	}
	switch c.purpose {
	case wire.PurposeVerify:
		o.close(c, wire.ReasonProbed)
	case wire.PurposeProbe:
		if p := c.target; p != nil && !o.apart(c.hello.Root, c.hello.RootSeq) {
			p.lost = time.Time{} // it is in our part: nothing to find there
		}
		o.close(c, wire.ReasonProbed)
		o.bridge.suspect(o, c.peer, c.addr, c.hello.Root, c.hello.RootSeq, c.hello.Slots, c.context, true)
	}
}

// judge decides about somebody who dialled us, now or once it is dialled back.
func (o *Overlay) judge(c *conn) {
	if !links(c.purpose) {
		o.sayHello(c)
		o.close(c, wire.ReasonProbed)
		if c.purpose == wire.PurposeProbe && o.degree() == 0 {
			o.probedBy(c)
		}
		return // the prober knows both roots now, and whether it meant us
	}
	if c.purpose == wire.PurposeBridge && !o.apartFrom(c.hello) {
		// The roots have become one while it dialled.
		o.sayHello(c)
		o.close(c, wire.ReasonProbed)
		return
	}
	old, duplicate := o.pair(c)
	if duplicate {
		o.sayHello(c)
		o.close(c, wire.ReasonDuplicate)
		return
	}
	if o.siphons(c, old) {
		return
	}
	if !o.roomFor(c, old) {
		o.counts.limit("serve")
		o.sayHello(c)
		o.refer(c, wire.ReasonFull, o.referral(c.peer, nil))
		return
	}
	o.yieldTo(c, old)
	o.sayHello(c)
	o.send(c, wire.AppendWelcome(nil))
	o.up(c)
	o.trust.check(o, c)
}

// onWelcome makes a link of a dial, if there is still a slot for it.
func (o *Overlay) onWelcome(c *conn) {
	old := o.linkTo(c.peer)
	if old != nil && !old.out && o.now.Sub(old.since) < raceFor && o.cfg.ID > c.peer {
		o.close(c, wire.ReasonDuplicate) // both dialled at once, and the lower ID's dial wins
		return
	}
	room := o.out < o.cfg.Links || old != nil && old.out
	if !room {
		room = o.giveUpFor(c)
	}
	if !room {
		o.close(c, wire.ReasonFull)
		return
	}
	o.yieldTo(c, old)
	o.up(c)
}

func (o *Overlay) onRefer(c *conn, r *wire.Refer) {
	o.learn(r.Candidates, "referral", c.context, c.remote.Addr())
	if c.state != up {
		o.trust.referred(o, c, r.Reason)
	}
	o.finish(c, verdict{reason: r.Reason, referred: true})
}

func (o *Overlay) onClose(c *conn, r *wire.Close) {
	o.finish(c, verdict{reason: r.Reason})
}
