package check

import (
	"fmt"
	"time"

	"hearsay/lab/sim"
)

const (
	// rmrMost is how many copies too many there may be for each delivery, of what one peer says in a mesh at
	// rest. A tree has none.
	rmrMost = 0.1
	// Where packets are lost, or take longer than messages are apart, what is late is grafted, and several
	// more come twice before the prune arrives. To flood would be several times as bad.
	rmrFar    = 1.0
	rmrFarMax = 5 * time.Millisecond
	// warm and steady are how many messages make the tree, and how many are counted then.
	warm, steady = 10, 20
	sayEvery     = 20 * time.Millisecond
	// spreadFor is how long what was said last may be under way.
	spreadFor = 500 * time.Millisecond

	// quietMost is how many announcements a second all peers together make at rest: the root's beacon comes
	// every two seconds.
	quietMost = 1.0
	// A siphoner that nobody has a slot for is the root of itself, and has a beacon of its own.
	quietSiphoner = 0.5
	// Who opens one link and is dialled by nobody has one neighbor, and goes on seeking at the slowest pace.
	quietLeaf = 0.1
	// Who is heard by nobody is not told that others say the same, and says it once in a minute at rest.
	quietDeaf = 1. / 40
	quietFor  = 4 * time.Second
)

// frugal has one peer speak until hardly a copy is too many.
func (p *play) frugal() bool {
	h := p.honest()
	if h == nil {
		return true
	}
	rmr, most := 0.0, rmrMost
	if p.s.Latency.Max > rmrFarMax || p.s.Loss > lossyFrom {
		most = rmrFar
	}
	for begin := p.w.Now(); p.w.Now()-begin < rmrWithin; {
		var ok bool
		if rmr, ok = p.round(h); !ok {
			return false
		}
		if rmr <= most {
			return p.heard()
		}
	}
	p.w.Violate(sim.Violation{Rule: "rmr", What: fmt.Sprintf("after %v there are %.2f copies too many for each delivery of what %s says", rmrWithin, rmr, h.Name)})
	return false
}

// round is some messages, and how many copies too many there were of the later ones.
func (p *play) round(h *sim.Host) (rmr float64, ok bool) {
	w := p.w
	var copies uint64
	var delivered int
	for i := range warm + steady {
		if i == warm {
			if !w.Run(spreadFor) {
				return 0, false
			}
			copies, delivered = w.Counts.Copies, w.Ledger.Delivered
		}
		if !p.say(h) || !w.Run(sayEvery) {
			return 0, false
		}
	}
	if !w.Run(spreadFor) || w.Ledger.Delivered == delivered {
		return 0, w.Failed() == nil
	}
	return float64(w.Counts.Copies-copies)/float64(w.Ledger.Delivered-delivered) - 1, true
}

// quiet waits until announcements are rare.
func (p *play) quiet() bool {
	w := p.w
	for begin := w.Now(); ; {
		before := w.Counts.Announcements
		if !w.Run(quietFor) || p.stopped() {
			return false
		}
		rate := float64(w.Counts.Announcements-before) / quietFor.Seconds()
		if rate <= p.quietMost() {
			return true
		}
		if w.Now()-begin >= quietWithin {
			w.Violate(sim.Violation{Rule: "loud", What: fmt.Sprintf("%v after the last fault there are %.1f announcements a second", quietWithin, rate)})
			return false
		}
	}
}

func (p *play) quietMost() float64 {
	most := quietMost + quietSiphoner*float64(len(p.s.Siphoners))
	if p.single() {
		most += quietLeaf * float64(len(p.hosts))
	}
	if p.s.NoMulticast {
		most += quietDeaf * float64(len(p.hosts))
	}
	return most
}
