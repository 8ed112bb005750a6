package overlay

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// describe returns what others may know of a link.
func (o *Overlay) describe(c *conn) *Link {
	return &Link{
		Conn: c.id, ID: c.peer, Name: c.name, Addr: c.addr, Out: c.out,
		Uptime: c.hello.Uptime, Since: c.since, RTT: c.rtt, Context: shown(c.context),
	}
}

// Links returns the links, in the order of their peers' IDs.
func (o *Overlay) Links() []Link {
	var list []Link
	for _, c := range o.order {
		if c.state == up {
			list = append(list, *o.describe(c))
		}
	}
	slices.SortFunc(list, func(a, b Link) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}

// linkTo finds the link to a peer.
func (o *Overlay) linkTo(id wire.ID) *conn {
	for i, key := range o.links.ids {
		if key == idKey(id) && o.linked[i].peer == id {
			return o.linked[i]
		}
	}
	return nil
}

// linkAt finds the link whose far side listens at an address.
func (o *Overlay) linkAt(addr netip.AddrPort) *conn {
	for i, key := range o.links.addrs {
		if key == addrKey(addr) && o.linked[i].addr == addr {
			return o.linked[i]
		}
	}
	return nil
}

// up makes a link of a connection whose handshake is done.
func (o *Overlay) up(c *conn) {
	if c.out {
		o.out++
	} else {
		o.in++
	}
	if (o.out > o.cfg.Links || o.in > o.cfg.Serve) && !planted.On(planted.IgnoreCapacity) {
		panic("overlay: a link came up that there is no slot for")
	}
	c.state, c.since, c.heard, c.deadline = up, o.now, o.now, time.Time{}
	o.linked, o.linkIDs = append(o.linked, c), append(o.linkIDs, c.id)
	o.links.add(c.peer, c.addr)
	o.acquainted.add(c.peer)
	c.entry = o.view.take(c.peer)
	if c.entry == nil {
		c.entry = &peer{id: c.peer}
	}
	c.entry.link(o.now, c.name, c.addr)
	c.slots = c.hello.Slots
	// Its HELLO was said before it could count this link.
	if c.out {
		c.slots.In++
	} else {
		c.slots.Out++
	}
	if c.purpose == wire.PurposeBridge {
		c.bridged = o.now
		o.counts.bridges++
	}
	c.roots, c.walks = perSecond(rootsPerSecond), perSecond(walksPerSecond)
	c.vouched = c.vouched || c.out
	o.full = 0
	o.told(c, "linked", "")
	o.effect(Effect{Action: Up, Conn: c.id, Link: o.describe(c)})
	o.root.linked(o, c)
	o.shuffle.linked(o)
	o.probe.linked(o)
	if c.purpose == wire.PurposeBridge {
		o.bridge.linked(o, c)
	}
}

// down is the end of a link.
func (o *Overlay) down(c *conn, v verdict) {
	if c.out {
		o.out--
	} else {
		o.in--
	}
	o.counts.closed(v)
	o.event(Event{Kind: Lost, Start: o.now, End: o.now, Context: shown(c.context), Conn: c.id,
		Peer: c.peer, Name: c.name, Addr: c.addr, Purpose: c.purpose, Reason: v.reason})
	o.effect(Effect{Action: Down, Conn: c.id, Link: o.describe(c), Reason: v.reason})
	switch {
	case v.reason == wire.ReasonGoodbye && !v.ours:
		o.join.left(c.addr)
	case v.reason == wire.ReasonProbed && !v.ours:
		// It meant somebody else: we are strangers.
	default:
		c.entry.unlink(o, c, v)
		o.view.put(o, c.entry)
	}
	if o.leaving {
		return
	}
	loud := loud(v.reason)
	o.root.lost(o, c, loud)
	if v.reason != wire.ReasonGoodbye {
		o.probe.lost(o)
	}
	// What we gave up ourselves for something better is no loss.
	given := v.ours && (v.reason == wire.ReasonRotate || v.reason == wire.ReasonRoom)
	if !given && v.reason != wire.ReasonReplaced && v.reason != wire.ReasonDuplicate {
		o.heal.lost(o, c)
	}
}

// loud reports whether a link ended in the manner of a process that died, and not by anybody's choice.
func loud(r wire.Reason) bool {
	return r == wire.ReasonEOF || r == wire.ReasonReset || r == wire.ReasonRefused || r == wire.ReasonUnreached
}
