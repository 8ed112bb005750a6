package sim

import (
	"time"

	"hearsay/peer/overlay"
	"hearsay/peer/wire"
)

// whole finds the instant at which the living peers are one good mesh. Meshed looks at every peer, so it
// cannot be asked after every event. What it asks for that can be counted is counted here as links come and
// go: links that only one end knows, peers with fewer than two of them, and parts. Meshed is asked when the
// counts would let it be, and has the last word.
type whole struct {
	w  *World
	at time.Duration // when it was; negative while it is not

	stale bool // a fault has changed more than links: everything is to be counted anew
	half  int  // links that only one end knows, of living peers
	few   int  // living honest peers with fewer neighbors than they should have
	live  int
	part  []int // of each host, by number: a forest, in which each points to another of its part
	parts int
}

func newWhole(w *World) *whole {
	x := &whole{w: w, at: -1, stale: true}
	x.look()
	return x
}

func (x *whole) observe(h *Host, o *Observation) {
	switch {
	case x.at >= 0:
	case o.Fault != "":
		x.stale = true
	case o.Link != nil:
		if far := x.w.byID[o.Link.Link.ID]; h.firewalled || far != nil && far.firewalled {
			x.stale = true // without a link a siphoner is no part
		}
		if !x.stale {
			x.changed(h, o.Link)
		}
		x.look()
	}
}

// look asks whether the mesh is whole, if it can be.
func (x *whole) look() {
	if x.stale {
		x.count()
	}
	if x.half > 0 || x.few > 0 || x.parts > 1 {
		return
	}
	if x.w.Meshed() == "" {
		x.at = x.w.Now()
		return
	}
	// Links that went may have split a part: that cannot be seen in the forest.
	x.count()
}

// count counts everything.
func (x *whole) count() {
	x.stale, x.half, x.few, x.parts, x.live = false, 0, 0, 0, 0
	x.part = x.part[:0]
	for i, h := range x.w.hosts {
		x.part = append(x.part, i)
		if h.alive {
			x.live++
			if !h.firewalled || len(h.links) > 0 {
				x.parts++
			}
		}
	}
	for _, h := range x.w.hosts {
		if !h.alive {
			continue
		}
		if len(h.links) < x.w.leastOf(h, x.live) && !h.firewalled {
			x.few++
		}
		for _, l := range h.links {
			if far := x.far(h, l.id); far != nil {
				x.join(h, far)
			} else {
				x.half++
			}
		}
	}
}

// changed takes in that a link of a peer came or went.
func (x *whole) changed(h *Host, e *overlay.Effect) {
	far := x.far(h, e.Link.ID)
	n, least := len(h.links), x.w.leastOf(h, x.live)
	if e.Action == overlay.Up {
		if n == least && !h.firewalled {
			x.few--
		}
		if far == nil {
			x.half++
			return
		}
		x.half--
		x.join(h, far)
		return
	}
	if n == least-1 && !h.firewalled {
		x.few++
	}
	if far != nil {
		x.half++ // the other end has yet to see it
	} else {
		x.half--
	}
}

// far is the living peer with the given ID, if it has a link to h.
func (x *whole) far(h *Host, id wire.ID) *Host {
	if far := x.w.byID[id]; far != nil && far.alive && far.id == id && far.LinkedTo(h) {
		return far
	}
	return nil
}

// join makes one part of two peers' parts.
func (x *whole) join(a, b *Host) {
	i, k := x.root(a.Number-1), x.root(b.Number-1)
	if i != k {
		x.part[i] = k
		x.parts--
	}
}

func (x *whole) root(i int) int {
	for x.part[i] != i {
		x.part[i] = x.part[x.part[i]]
		i = x.part[i]
	}
	return i
}
