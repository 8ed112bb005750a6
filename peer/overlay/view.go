package overlay

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"hearsay/peer/wire"
)

const (
	// maxPassive bounds the passive view: HyParView's size (section 5.1) for ten thousand nodes.
	maxPassive = 30
	// maxProven is how many of them are kept when strangers press in: peers that we have spoken with at
	// their address. A flood of invented announcements costs us rumours, not our way back.
	maxProven = 15
)

// peer is an entry of the passive view, and what stays of it while it is a neighbor.
type peer struct {
	id     wire.ID // empty for an address of the join list that has not said yet
	name   string
	addr   netip.AddrPort
	free   int          // incoming slots, as last heard
	by     string       // by whose word we know it
	source wire.Context // of that word, for a dial that follows soon
	told   time.Time    // when it was said

	heard  time.Time // the last sign of life that was its own, not hearsay
	proven bool      // it has answered at this address
	lost   time.Time // when it stopped being a neighbor without a goodbye; zero if it never was one
	probed time.Time

	tries  int       // dials in a row that came to nothing
	dead   bool      // the last did not even connect, and nothing was heard of it since
	shut   int       // dials in a row that did not connect, whatever was heard meanwhile
	last   time.Time // when we dialled it last
	resume time.Time // not to be dialled before
}

// link notes that the peer is a neighbor now.
func (p *peer) link(now time.Time, name string, addr netip.AddrPort) {
	p.name, p.addr = name, addr
	p.heard, p.proven, p.lost = now, true, time.Time{}
	p.tries, p.dead, p.shut, p.resume = 0, false, 0, time.Time{}
}

// unlink notes that the peer, which was a neighbor, no longer is.
func (p *peer) unlink(o *Overlay, c *conn, v verdict) {
	p.by, p.source, p.told = "passive", wire.Context{}, time.Time{}
	p.heard, p.lost = c.heard, o.now
	p.free = c.slots.Free()
	if c.out {
		p.free = min(p.free+1, c.slots.Serve)
	}
	switch {
	case loud(v.reason):
		// The process has probably died, but a link may also break while both ends live: it is tried
		// again at once, after everybody else.
		p.dead, p.resume = true, o.now
	case v.reason == wire.ReasonTimeout || v.reason == wire.ReasonSlow:
		p.dead, p.resume = true, o.now.Add(o.jitter(time.Second))
	default:
		// One of us parted for a reason that will hold for a while.
		p.resume = o.now.Add(o.jitter(2 * time.Second))
	}
}

// candidate is the entry as others may know it.
func (p *peer) candidate() wire.Candidate {
	return wire.Candidate{ID: p.id, Name: p.name, Addr: p.addr, Free: p.free}
}

// view is the passive view: peers that we could dial, in the order in which we came to know them.
//
// Invariant: it has no self, no neighbor, no two entries with one ID or one address, and at most
// maxPassive entries.
type view struct {
	list []*peer
	keys index            // of list
	all  *acquaintances   // has the IDs of list, and those of neighbors
	self []netip.AddrPort // our own addresses, found by dialling them
}

// maxSelf bounds our own addresses; beyond it the oldest is forgotten and may be dialled once more.
const maxSelf = 16

func (v *view) find(id wire.ID) *peer {
	for i, key := range v.keys.ids {
		if key == idKey(id) && v.list[i].id == id {
			return v.list[i]
		}
	}
	return nil
}

func (v *view) at(addr netip.AddrPort) *peer {
	for i, key := range v.keys.addrs {
		if key == addrKey(addr) && v.list[i].addr == addr {
			return v.list[i]
		}
	}
	return nil
}

func (v *view) remove(p *peer) {
	if i := slices.Index(v.list, p); i >= 0 {
		v.list = slices.Delete(v.list, i, i+1)
		v.keys.remove(i)
		v.all.remove(p.id)
	}
}

// move notes that an entry listens elsewhere, where nobody has answered yet.
func (v *view) move(p *peer, addr netip.AddrPort) {
	p.addr, p.proven = addr, false
	v.keys.addrs[slices.Index(v.list, p)] = addrKey(addr)
}

// take removes and returns the entry of a peer that becomes a neighbor.
func (v *view) take(id wire.ID) *peer {
	p := v.find(id)
	if p != nil {
		v.remove(p)
	}
	return p
}

// put adds an entry, and drops another if the view is full. It reports whether the entry is in.
func (v *view) put(o *Overlay, p *peer) bool {
	if old := v.at(p.addr); old != nil {
		v.remove(old) // one process listens at an address: the newer word is right
	}
	if len(v.list) >= maxPassive {
		victim := v.victim(o, p.proven)
		if victim == nil {
			return false
		}
		o.counts.limit("passive")
		v.remove(victim)
	}
	v.list = append(v.list, p)
	v.keys.add(p.id, p.addr)
	v.all.add(p.id)
	return true
}

// victim picks the entry to drop: a stranger before one who has answered, and among either one that
// fails before a random one. Of the proven the one that has failed for longest goes, and only if there
// are too many or another of them comes in.
func (v *view) victim(o *Overlay, proven bool) *peer {
	strangers, failing := make([]*peer, 0, maxPassive), make([]*peer, 0, maxPassive) // on the stack
	var oldest *peer
	n := 0
	for _, p := range v.list {
		switch {
		case p.proven:
			n++
			if oldest == nil || worse(p, oldest) {
				oldest = p
			}
		case p.dead:
			failing = append(failing, p)
		default:
			strangers = append(strangers, p)
		}
	}
	switch {
	case n > maxProven || proven && n == len(v.list):
		return oldest
	case len(failing) > 0:
		return failing[o.rng.IntN(len(failing))]
	case len(strangers) > 0:
		return strangers[o.rng.IntN(len(strangers))]
	}
	return nil
}

// worse reports whether a is less worth keeping than b.
func worse(a, b *peer) bool {
	if a.dead != b.dead {
		return a.dead
	}
	return a.heard.Before(b.heard)
}

// isSelf reports whether an address is our own.
func (v *view) isSelf(addr netip.AddrPort) bool { return slices.Contains(v.self, addr) }

func (v *view) addSelf(addr netip.AddrPort) {
	if v.isSelf(addr) {
		return
	}
	if len(v.self) == maxSelf {
		v.self = slices.Delete(v.self, 0, 1)
	}
	v.self = append(v.self, addr)
	if p := v.at(addr); p != nil {
		v.remove(p)
	}
}

// dialable reports whether somebody could listen at an address.
func dialable(addr netip.AddrPort) bool {
	ip := addr.Addr()
	return ip.IsValid() && !ip.IsUnspecified() && !ip.IsMulticast() && addr.Port() >= wire.MinPort
}

// learn takes the word of another peer, which is at teller, about candidates. What is hearsay never
// overrules what we heard ourselves.
func (o *Overlay) learn(candidates []wire.Candidate, by string, source wire.Context, teller netip.Addr) {
	for _, k := range candidates {
		addr := plain(k.Addr)
		if k.ID == o.cfg.ID || !dialable(addr) || o.view.isSelf(addr) || o.linkTo(k.ID) != nil || o.linkAt(addr) != nil {
			continue
		}
		if addr.Addr().IsLoopback() && !teller.IsLoopback() {
			continue // the teller's own machine, not ours
		}
		p := o.view.find(k.ID)
		if p == nil {
			if old := o.view.at(addr); old != nil && !old.dead && old.proven {
				continue
			}
			p = &peer{id: wire.ID(strings.Clone(string(k.ID))), name: strings.Clone(k.Name), addr: addr, free: k.Free}
			if !o.view.put(o, p) {
				continue
			}
		} else {
			if p.addr != addr && (p.dead || !p.proven) && o.view.at(addr) == nil {
				o.view.move(p, addr)
			}
			if o.now.Sub(p.heard) > hearsayAfter {
				p.free = k.Free
			}
			// Somebody holds it for alive: that is worth one try, not more.
			if p.dead && o.now.Sub(p.last) > hearsayAfter {
				p.resume = o.now
			}
		}
		p.by, p.source, p.told = by, source, o.now
	}
}

// hearsayAfter is how old our own knowledge must be for another's to count.
const hearsayAfter = 5 * time.Second

// Known returns all peers that we know, neighbors included, in the order of their IDs.
func (o *Overlay) Known() []wire.Candidate {
	var list []wire.Candidate
	for _, c := range o.order {
		if c.state == up {
			list = append(list, wire.Candidate{ID: c.peer, Name: c.name, Addr: c.addr, Free: c.slots.Free()})
		}
	}
	for _, p := range o.view.list {
		list = append(list, p.candidate())
	}
	slices.SortFunc(list, func(a, b wire.Candidate) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list
}
