package overlay

import (
	"net/netip"
	"slices"
	"time"

	"hearsay/peer/wire"
)

const (
	// maxJoin is the most addresses of the join list that are kept, chosen at random.
	maxJoin = 64
	// resolveMin and resolveMax bound the wait between look-ups while links are lacking; it doubles. A
	// name may stand for others a second later: containers start one after another.
	resolveMin = time.Second
	resolveMax = 10 * time.Second
	// resolveRest is the wait when nothing is lacking. Probes ask on their own.
	resolveRest = time.Minute
)

// joinList is what the names that people gave stand for.
type joinList struct {
	list []*peer // by address; the ID is that of whoever answered there last
	next time.Time
	wait time.Duration
}

func (j *joinList) start(o *Overlay) {
	if o.cfg.Join {
		j.next, j.wait = o.now, resolveMin
	}
}

// advance looks the names up again, soon while links are lacking.
func (j *joinList) advance(o *Overlay) {
	if j.next.IsZero() || o.now.Before(j.next) {
		return
	}
	o.effect(Effect{Action: Resolve})
	if o.Seeking() || o.out < o.cfg.Links && len(j.list) == 0 {
		j.next = o.now.Add(o.jitter(j.wait))
		j.wait = min(2*j.wait, resolveMax)
	} else {
		j.next = o.now.Add(o.jitter(resolveRest))
		j.wait = resolveMin
	}
}

// hurry makes the next look-up soon, after a loss.
func (j *joinList) hurry(o *Overlay) {
	if j.next.IsZero() {
		return
	}
	j.wait = resolveMin
	if at := o.now.Add(o.jitter(resolveMin)); at.Before(j.next) {
		j.next = at
	}
}

// resolved replaces the list, and keeps what is known about those that stay.
func (j *joinList) resolved(o *Overlay, addrs []netip.AddrPort) {
	if len(addrs) == 0 {
		return // a look-up that failed says nothing about those that it found before
	}
	addrs = slices.Clone(addrs)
	o.rng.Shuffle(len(addrs), func(a, b int) { addrs[a], addrs[b] = addrs[b], addrs[a] })
	if len(addrs) > maxJoin {
		o.counts.limit("join")
		addrs = addrs[:maxJoin]
	}
	var list []*peer
	for _, addr := range addrs {
		addr = plain(addr)
		if !dialable(addr) || slices.ContainsFunc(list, func(p *peer) bool { return p.addr == addr }) {
			continue
		}
		p := j.at(addr)
		if p == nil {
			p = &peer{addr: addr, free: 1, by: "join", told: o.now}
		}
		list = append(list, p)
	}
	j.list = list
}

func (j *joinList) at(addr netip.AddrPort) *peer {
	for _, p := range j.list {
		if p.addr == addr {
			return p
		}
	}
	return nil
}

// met notes who answers at an address.
func (j *joinList) met(addr netip.AddrPort, id wire.ID) {
	if p := j.at(addr); p != nil {
		p.id, p.dead, p.shut, p.tries, p.resume = id, false, 0, 0, time.Time{}
	}
}

// left forgets who answered at an address, after a goodbye.
func (j *joinList) left(addr netip.AddrPort) {
	if p := j.at(addr); p != nil {
		p.id, p.dead = "", true
	}
}

// elsewhere reports whether an address of the list is ourselves, or a peer that we know by its ID.
func (j *joinList) elsewhere(o *Overlay, p *peer) bool {
	return p.id == o.cfg.ID || o.view.isSelf(p.addr) || o.linkAt(p.addr) != nil || o.view.at(p.addr) != nil ||
		p.id != "" && (o.linkTo(p.id) != nil || o.view.find(p.id) != nil)
}
