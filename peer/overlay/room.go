package overlay

import (
	"slices"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// bridgeFor is how long a link that joined two parts is not given up if anything else can be: until the
// parts have mixed by shuffles and rotation, others may hang on it.
const bridgeFor = time.Minute

// roomFor reports whether there is, or can be made, an incoming slot for c. What must go for it is
// marked by old or goes here.
func (o *Overlay) roomFor(c, old *conn) bool {
	taken := o.in
	if old != nil && !old.out {
		taken--
	}
	if taken < o.cfg.Serve || planted.On(planted.IgnoreCapacity) {
		return true
	}
	victim := o.siphoner(c)
	if victim == nil && needs(c) {
		victim = o.spare(c.purpose, false)
	}
	if victim == nil {
		return false
	}
	c.priority = true
	// The newcomer stands first: if it has free slots of its own, the one who makes room for it moves
	// there, and a full ring takes one more peer without anybody else moving.
	o.giveUp(victim, wire.ReasonRoom, c)
	return true
}

// needs reports whether c's wish stands above somebody else's link.
func needs(c *conn) bool {
	if planted.On(planted.TurnAway) {
		return false
	}
	return c.purpose == wire.PurposeBridge ||
		c.purpose == wire.PurposeUrgent && c.hello.Slots.Degree() < 2 && c.hello.Slots.Free() > 0
}

// giveUpFor makes an outgoing slot for a bridge, or for the link that replaces another by rotation, in
// the step in which it comes up.
func (o *Overlay) giveUpFor(c *conn) bool {
	if c.spares != 0 {
		old := o.conns[c.spares]
		if old == nil {
			return false
		}
		o.giveUp(old, wire.ReasonRotate, c)
		return true
	}
	if c.purpose != wire.PurposeBridge {
		return false
	}
	victim := o.spare(c.purpose, true)
	if victim == nil {
		return false
	}
	o.giveUp(victim, wire.ReasonRoom, c)
	return true
}

// giveUp parts with a link in favor of c, and names others to its far side.
func (o *Overlay) giveUp(victim *conn, reason wire.Reason, c *conn) {
	o.refer(victim, reason, o.referral(victim.peer, c))
}

// spare picks the link in one direction whose other end can spare it best: the one of most links, as
// last heard. An end that would be left alone is the last choice. Young bridges are spared, unless
// there is nothing else; and where they hold a good part of the links already, a new one takes the
// place of the oldest, so that whoever invents roots does not get all our links.
func (o *Overlay) spare(purpose wire.Purpose, out bool) *conn {
	var best, oldest *conn
	young := 0
	for _, c := range o.order {
		switch {
		case c.state != up || c.out != out:
		case c.bridgeIsFresh(o.now):
			if young++; (oldest == nil || c.since.Before(oldest.since)) && o.now.Sub(c.since) >= bridgeRest {
				oldest = c
			}
		case best == nil || c.slots.Degree() > best.slots.Degree():
			best = c
		}
	}
	most := max(1, o.cfg.Serve/2)
	if out {
		most = max(1, o.cfg.Links-1)
	}
	if best == nil || purpose == wire.PurposeBridge && young >= most {
		return oldest
	}
	return best
}

func (c *conn) bridgeIsFresh(now time.Time) bool {
	return !c.bridged.IsZero() && now.Sub(c.bridged) < bridgeFor
}

// referral is whom we name to somebody whom we do not serve: first the peer for whose sake that is, if
// any, then the least loaded that we know.
func (o *Overlay) referral(to wire.ID, first *conn) []wire.Candidate {
	var list []wire.Candidate
	for _, c := range o.order {
		if c.state == up && c.peer != to && (first == nil || c.peer != first.peer) {
			list = append(list, wire.Candidate{ID: c.peer, Name: c.name, Addr: c.addr, Free: c.slots.Free()})
		}
	}
	for _, p := range o.view.list {
		if !p.dead && p.id != to && (first == nil || p.id != first.peer) {
			list = append(list, p.candidate())
		}
	}
	// Shuffled first, so that equals do not all get the same referral.
	o.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b wire.Candidate) int { return b.Free - a.Free })
	if first != nil {
		list = append([]wire.Candidate{{ID: first.peer, Name: first.name, Addr: first.addr, Free: first.hello.Slots.Free()}}, list...)
	}
	return list[:min(len(list), wire.MaxCandidates)]
}
