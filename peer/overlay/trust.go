package overlay

import (
	"net/netip"
	"slices"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// A siphoner takes links and serves none: it cannot be dialled, or serves less than it opens, or says
// that it is full when it is not. Whoever has answered at its address is vouched for; the others share
// a small part of our slots, and lose them first.

const (
	// guestPart is the part of the incoming slots that peers may hold whom nobody has dialled yet.
	guestPart = 6
	// heldFor is how long a HELLO waits for its dial-back, which takes one round trip on a LAN.
	heldFor = 500 * time.Millisecond
	// vouchedFor is how long a successful dial is remembered, and a lie.
	vouchedFor = 10 * time.Minute
	// shunnedFor is how long a failed dial-back is: knocking again does not make us dial again.
	shunnedFor = 10 * time.Second
	// recheckAfter is when a link whose dial-back failed gets another: the peer may have been busy.
	recheckAfter = 30 * time.Second
	// maxRemembered bounds each of these memories; beyond it the oldest is forgotten and found out anew.
	maxRemembered = 64
	// maxVerifying is the most dial-backs at one time. Beyond it the oldest that had its chance is given
	// up, since an honest peer's takes a millisecond and a siphoner's takes as long as we let it.
	maxVerifying = 16
	// verifyGrace is that chance.
	verifyGrace = 50 * time.Millisecond
)

type trust struct {
	good, bad, lies memory
}

// memory is a bounded list of what was found out lately.
type memory []remembered

type remembered struct {
	id    wire.ID
	addr  netip.AddrPort
	until time.Time
}

func (m memory) has(now time.Time, id wire.ID, addr netip.AddrPort) bool {
	return slices.ContainsFunc(m, func(r remembered) bool { return r.id == id && r.addr == addr && now.Before(r.until) })
}

func (m *memory) add(id wire.ID, addr netip.AddrPort, until time.Time) {
	*m = slices.DeleteFunc(*m, func(r remembered) bool { return r.id == id && r.addr == addr })
	if len(*m) == maxRemembered {
		*m = slices.Delete(*m, 0, 1)
	}
	*m = append(*m, remembered{id, addr, until})
}

// vouch notes that somebody has answered at an address.
func (t *trust) vouch(o *Overlay, id wire.ID, addr netip.AddrPort) {
	t.good.add(id, addr, o.now.Add(vouchedFor))
	for _, c := range o.order {
		if c.state == up && c.peer == id && c.addr == addr && !t.siphonsForGood(o, c) {
			c.vouched, c.failed = true, false
		}
	}
}

// vouched reports whether the far side of c is known to serve as it takes.
func (t *trust) vouched(o *Overlay, c *conn) bool {
	return !t.siphonsForGood(o, c) && t.good.has(o.now, c.peer, c.addr)
}

func (t *trust) siphonsForGood(o *Overlay, c *conn) bool {
	return c.hello.Slots.Serve < c.hello.Slots.Links || t.lies.has(o.now, c.peer, netip.AddrPort{})
}

// guests is how many incoming links are held by peers whom nobody has vouched for.
func (o *Overlay) guests(but *conn) int {
	n := 0
	for _, c := range o.order {
		if c.state == up && !c.out && !c.vouched && c != but {
			n++
		}
	}
	return n
}

// siphons deals with somebody who wants a slot and is not vouched for, if the guests' part is taken or
// somebody else would have to go: it is dialled back first. It reports whether c is dealt with.
func (o *Overlay) siphons(c, old *conn) bool {
	c.vouched = o.trust.vouched(o, c) || planted.On(planted.ServeSiphoners)
	if c.vouched {
		return false
	}
	taken := o.in
	if old != nil && !old.out {
		taken--
	}
	if taken < o.cfg.Serve && o.guests(old) < max(1, o.cfg.Serve/guestPart) {
		return false
	}
	if !c.asked.IsZero() || o.trust.siphonsForGood(o, c) || o.trust.bad.has(o.now, "", c.addr) {
		o.refuseSiphoner(c)
		return true
	}
	c.state, c.since, c.deadline = held, o.now, o.now.Add(heldFor)
	if !o.trust.dialBack(o, c) {
		o.refuseSiphoner(c)
	}
	return true
}

func (o *Overlay) refuseSiphoner(c *conn) {
	o.counts.limit("guests")
	o.sayHello(c)
	o.refer(c, wire.ReasonSiphoner, o.referral(c.peer, nil))
}

// siphoner picks an incoming link that goes before others when c, which is vouched for, needs a slot.
func (o *Overlay) siphoner(c *conn) *conn {
	for _, l := range o.order {
		if l.state == up && !l.out && !l.vouched && (l.failed || o.trust.siphonsForGood(o, l)) {
			return l
		}
	}
	return nil
}

// check dials back the far side of a new link, unless that is known already.
func (t *trust) check(o *Overlay, c *conn) {
	if !c.vouched && !c.out && !t.siphonsForGood(o, c) {
		t.dialBack(o, c)
	}
}

// advance gives links another chance to be vouched for.
func (t *trust) advance(o *Overlay) {
	for i := range len(o.order) { // a dial-back is appended
		if c := o.order[i]; c.state == up && o.now.Sub(c.asked) >= recheckAfter {
			t.check(o, c)
		}
	}
}

// dialBack dials the address at which c says it listens, and reports whether there was room for that.
func (t *trust) dialBack(o *Overlay, c *conn) bool {
	if !dialable(c.addr) {
		return false
	}
	n := 0
	var oldest *conn
	for _, v := range o.order {
		if v.out && v.purpose == wire.PurposeVerify {
			if n++; oldest == nil {
				oldest = v
			}
		}
	}
	if n >= maxVerifying {
		o.counts.limit("verifying")
		if c.state != held || o.now.Sub(oldest.began) < verifyGrace {
			return false
		}
		o.close(oldest, wire.ReasonBusy)
	}
	c.asked = o.now
	v := o.dial(c.addr, wire.PurposeVerify, c.context)
	v.peer, v.name, v.by, v.serves = c.peer, c.name, "hello", c.id
	return true
}

// answered is the end of a dial-back.
func (t *trust) answered(o *Overlay, v *conn, ok bool) {
	c := o.conns[v.serves]
	ok = ok && c != nil && v.peer == c.peer
	if !ok {
		t.bad.add("", v.addr, o.now.Add(shunnedFor))
	}
	switch {
	case c == nil:
	case c.state == held && ok:
		o.judge(c)
	case c.state == held:
		o.refuseSiphoner(c)
	case c.state == up:
		c.failed = !ok // vouch has set the rest
	}
}

// referred notices a peer that says in one breath that it has free slots and that it is full.
func (t *trust) referred(o *Overlay, c *conn, reason wire.Reason) {
	if reason == wire.ReasonFull && c.hello.Slots.Free() > 0 {
		o.counts.limit("lies")
		t.lies.add(c.peer, netip.AddrPort{}, o.now.Add(vouchedFor))
		if l := o.linkTo(c.peer); l != nil {
			l.vouched = false
		}
	}
}
