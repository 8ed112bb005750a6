package overlay

import (
	"net/netip"
	"slices"
	"time"

	"hearsay/peer/wire"
)

const (
	// maxPending is the most accepted connections that are still shaking hands. Beyond it the oldest
	// that has said nothing is told busy: honest peers say HELLO within one round trip, so whoever holds
	// connections open in silence loses them, not the newcomer.
	maxPending = 64
	// pendingGrace is how long a silent connection is safe from that.
	pendingGrace = 50 * time.Millisecond
	// handshakeFor is how long either side waits for the other's part of the handshake.
	handshakeFor = 2 * time.Second
	// dialFor is how long a dial may take: on a LAN an answer takes a millisecond, and a lost SYN is sent
	// again only after a second (RFC 6298 section 2), when a new dial to somebody else is worth more.
	dialFor = time.Second
)

// state is how far a connection has come.
type state uint8

const (
	dialling state = iota // we dialled: the shell has not answered yet
	greeting              // we dialled: our HELLO is said, theirs or the verdict is outstanding
	accepted              // they dialled: their HELLO is outstanding
	held                  // they dialled: our answer waits for a dial-back
	up                    // a link
)

// conn is one connection, from the wish to dial it to its end.
type conn struct {
	id       wire.Conn
	state    state
	out      bool // we dialled
	purpose  wire.Purpose
	by       string // by whose word we dialled
	remote   netip.AddrPort
	addr     netip.AddrPort // where the far side listens
	peer     wire.ID        // who it says it is; before its HELLO whom we expect, which may be nobody
	name     string
	hello    *wire.Hello // theirs, once it came
	target   *peer       // whom we dialled; nil for a dial-back
	began    time.Time
	since    time.Time // in this state
	deadline time.Time // when this state has lasted too long; zero for a link
	heard    time.Time // the last sign of life
	context  wire.Context
	parent   wire.Context
	priority bool      // room was made for it
	serves   wire.Conn // a dial-back: the connection that it is for
	spares   wire.Conn // a rotation: the link that it shall replace

	link
}

// link is what only an established connection has.
type link struct {
	entry   *peer
	slots   wire.Slots // the neighbor's, as it last said
	nonce   uint64     // of the ping that is under way, sent at pinged
	pinged  time.Time
	rtt     time.Duration
	bridged time.Time // when it came up as a bridge; zero for other links
	vouched bool      // its far side can be dialled
	asked   time.Time // when we last tried a dial-back
	failed  bool      // and that did not succeed
	roots   bucket    // beacons it may still bring
	walks   bucket    // shuffles it may still bring
}

// links reports whether the purpose is a link in the end.
func links(p wire.Purpose) bool { return p <= wire.PurposeBridge }

func (o *Overlay) newConn() *conn {
	o.last++
	c := &conn{id: o.last, began: o.now, since: o.now, heard: o.now}
	o.conns[c.id] = c
	o.order = append(o.order, c)
	return c
}

func (o *Overlay) forget(c *conn) {
	delete(o.conns, c.id)
	if i := slices.Index(o.order, c); i >= 0 {
		o.order = slices.Delete(o.order, i, i+1)
	}
	if i := slices.Index(o.linked, c); i >= 0 {
		o.linked, o.linkIDs = slices.Delete(o.linked, i, i+1), slices.Delete(o.linkIDs, i, i+1)
		o.links.remove(i)
		o.acquainted.remove(c.peer)
	}
}

// accept makes room among the pending connections for one more.
func (o *Overlay) accept(remote netip.AddrPort) *conn {
	n := 0
	var silent *conn
	for _, c := range o.order {
		if !c.out && c.state != up {
			n++
			if silent == nil && c.state == accepted && o.now.Sub(c.began) >= pendingGrace {
				silent = c
			}
		}
	}
	c := o.newConn()
	c.remote, c.state, c.deadline = plain(remote), accepted, o.now.Add(handshakeFor)
	switch {
	case o.leaving:
		o.close(c, wire.ReasonGoodbye)
	case n < maxPending:
	case silent != nil:
		o.counts.limit("pending")
		o.close(silent, wire.ReasonBusy)
	default:
		o.counts.limit("pending")
		o.close(c, wire.ReasonBusy)
	}
	return c
}

// expire ends what has lasted too long.
func (o *Overlay) expire() {
	for i := 0; i < len(o.order); {
		c := o.order[i]
		if c.deadline.IsZero() || o.now.Before(c.deadline) {
			i++
			continue
		}
		i = 0 // the end of one may be the end of others
		switch c.state {
		case dialling:
			o.finish(c, verdict{reason: wire.ReasonUnreached})
		case held:
			o.refuseSiphoner(c)
		case greeting, accepted:
			o.close(c, wire.ReasonHandshake)
		}
	}
}

func (o *Overlay) send(c *conn, frame []byte) {
	o.effect(Effect{Action: Send, Conn: c.id, Frame: frame})
}

// plain is the address in the one form we compare.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
