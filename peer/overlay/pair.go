package overlay

import (
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// raceFor is how long after a link came up another handshake of the same pair may have been under way
// at the same time: a handshake's longest, and some.
const raceFor = handshakeFor + time.Second

// lately is how recently a neighbor must have been heard for its link to count as well: it pings each
// second.
const lately = 1500 * time.Millisecond

// pair decides between a connection whose HELLO was read and what else there is of the same pair: one
// link per pair, and on simultaneous dials the lower ID's wins. It returns the link that the
// connection replaces, if there is one, or that the connection is the one too many.
//
// Both ends decide by what each knows, so every combination of what has crossed on the wire must come
// out the same at both; TestSimultaneousDials tries them.
func (o *Overlay) pair(c *conn) (old *conn, duplicate bool) {
	lower := o.cfg.ID < c.peer
	if planted.On(planted.SecondLink) {
		return nil, false
	}
	if old = o.linkTo(c.peer); old != nil {
		fresh := o.now.Sub(old.heard) < lately
		switch {
		case !old.out && old.remote.Addr() != c.remote.Addr() && fresh:
			return nil, true // from elsewhere: somebody may have taken its name
		case !old.out:
			return old, false // it would not dial again if it had not lost that link
		case o.now.Sub(old.since) < raceFor:
			return old, lower
		default:
			return old, fresh
		}
	}
	for _, other := range o.order {
		if other == c || other.peer != c.peer || other.state == up || !links(other.purpose) {
			continue
		}
		if other.out && lower {
			return nil, true
		}
	}
	return nil, false
}

// yieldTo ends what else there is of the pair, just before c becomes its link. A second dial of ours to
// the same peer, which we knew by two addresses, gets its verdict all the same: if its HELLO came there
// later than c's, then it has taken c's place already.
func (o *Overlay) yieldTo(c, old *conn) {
	if old != nil {
		o.close(old, wire.ReasonReplaced)
	}
	for i := 0; i < len(o.order); {
		other := o.order[i]
		dial := other.out && !(c.out && other.state == greeting)
		if other != c && other.peer == c.peer && other.state != up && links(other.purpose) && (dial || other.state == held) {
			o.close(other, wire.ReasonDuplicate)
			continue // o.order is shorter now
		}
		i++
	}
}
