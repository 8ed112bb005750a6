package overlay

import (
	"slices"
	"time"

	"hearsay/peer/planted"
	"hearsay/peer/wire"
)

// Probes find the other part of a split mesh where multicast does not pass and nobody hears it: a part
// whose slots are full would otherwise never look for it (memberlist's issue 222). A probe is a
// handshake with an address that should answer and is not in the neighborhood; the two compare roots,
// and part or bridge.

const (
	// probeMin is the pace of the root, always, and of everybody else right after a loss; theirs doubles
	// to probeMax. The root's bounds how long a split that has healed stays unnoticed.
	probeMin = 2 * time.Second
	probeMax = time.Minute
	// rootProbes is how many addresses the root tries at one time; others try one.
	rootProbes = 2
	// maxProbes is the most that are under way: a SYN into a partition hangs until dialFor.
	maxProbes = 2
)

type probe struct {
	next time.Time
	wait time.Duration
	turn int // in probeTurns, of the next
}

// probeTurns is who is probed by turns. Who never was a neighbor comes last and comes all the same: when the peers
// of the join list have died, and all the neighbors that we ever lost, it is the only way back.
var probeTurns = [...]probed{gone, joined, anybody, joined}

// probed is a sort of address.
type probed uint8

const (
	joined  probed = iota // of the join list
	gone                  // of a former neighbor that went without a goodbye
	anybody               // whoever was not probed for longest
)

// linked begins to probe with the first link: before, all that can be dialled is dialled for links.
func (p *probe) linked(o *Overlay) {
	if p.next.IsZero() {
		p.wait = probeMin
		p.next = o.now.Add(o.jitter(p.wait))
	}
}

// lost makes probes frequent again: what took a neighbor away may have split the mesh.
func (p *probe) lost(o *Overlay) {
	p.wait, p.turn = probeMin, 0
	p.next = o.now.Add(o.jitter(p.wait))
	o.join.hurry(o)
}

func (p *probe) advance(o *Overlay) {
	if p.next.IsZero() || o.now.Before(p.next) {
		return
	}
	n := 1
	if o.IsRoot() {
		p.wait, n = probeMin, rootProbes
	}
	p.next = o.now.Add(o.jitter(p.wait))
	p.wait = min(2*p.wait, probeMax)
	if planted.On(planted.NeverProbe) {
		return
	}
	if o.degree() == 0 {
		return // all that can be dialled is being dialled for a link
	}
	if o.cfg.Join {
		o.effect(Effect{Action: Resolve}) // for the next time
	}
	for _, c := range o.order {
		if c.out && c.state != up && c.purpose == wire.PurposeProbe {
			n = min(n, maxProbes-1)
		}
	}
	for range n {
		sort := probeTurns[p.turn%len(probeTurns)]
		p.turn++
		if t := p.choose(o, sort); t != nil {
			t.probed = o.now
			o.counts.probes++
			o.dialPeer(t, wire.PurposeProbe)
		}
	}
}

// choose picks an address of a sort; failing that one of the other, or one that did not answer; and of equals
// the one that was not probed for longest.
func (p *probe) choose(o *Overlay, sort probed) *peer {
	var best *peer
	rank := func(t *peer) int {
		switch {
		case sort == anybody:
			return 0
		case t.id == "" || o.join.at(t.addr) != nil:
			if sort == joined {
				return 3
			}
			return 1
		case !t.lost.IsZero():
			return 2
		case t.dead:
			return 1
		}
		return 0
	}
	for t := range o.candidates() {
		if o.dialledAtAll(t) {
			continue
		}
		if best == nil || rank(t) > rank(best) || rank(t) == rank(best) && t.probed.Before(best.probed) {
			best = t
		}
	}
	return best
}

// dialledAtAll reports whether any dial to the entry is under way, or one for a link has just failed.
func (o *Overlay) dialledAtAll(p *peer) bool {
	return slices.ContainsFunc(o.order, func(c *conn) bool { return c.out && c.state != up && c.addr == p.addr })
}

// probedBy has a peer without links dial whoever has probed it. If it stands on everybody's join list and has
// started again, everybody looks for it there, and it knows nobody.
func (o *Overlay) probedBy(c *conn) {
	if !dialable(c.addr) || o.view.isSelf(c.addr) {
		return
	}
	p := o.view.find(c.peer)
	if p == nil {
		p = &peer{id: c.peer, name: c.name, addr: c.addr, by: "hello", source: c.context, told: o.now}
		if !o.view.put(o, p) {
			return
		}
	}
	p.dead, p.free, p.heard = false, c.hello.Slots.Free(), o.now
	p.resume = earlier(p.resume, p.last.Add(o.jitter(time.Second)))
}
