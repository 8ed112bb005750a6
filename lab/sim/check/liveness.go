package check

import (
	"fmt"
	"slices"
	"time"

	"hearsay/lab/sim"
	"hearsay/peer/wire"
)

// What act two demands, and within what time. The promises are in the README: a mesh heals about a second
// after loud deaths and three after silent ones, and by itself when a network is one again. The times here are
// for the worst that a schedule can do: faults that compose, up to the very moment at which everything is
// healed, where a connection may sleep for eight seconds before TCP tries again.
const (
	wholeWithin = 15 * time.Second // one part, both ends of each link, neighbors for everybody
	owedWithin  = 10 * time.Second // from then on, until everything that is owed is where it is owed
	enterWithin = 5 * time.Second  // a newcomer has a link
	hearWithin  = 5 * time.Second  // what is said then is everywhere
	rmrWithin   = 10 * time.Second // hardly a copy too many
	quietWithin = 60 * time.Second // announcements are rare

	// ringWithin, and ringEach for each peer, is added where peers open one link only: there is no second way, so
	// that a loss leaves two parts, and making room for a newcomer may. Parts find one another by their roots,
	// two by two.
	ringWithin = 15 * time.Second
	ringEach   = time.Second

	// goneWithin is added where more was said than peers keep: until a peer gives up what it waits for, each
	// of its neighbors has been asked, and those that never had it have been asked twice.
	goneWithin = 40 * time.Second

	// lossyWithin is added where more than a packet in a thousand is lost: a dial fails with its SYN, and a stream
	// stands still for as long as TCP waits, which doubles.
	lossyWithin = 15 * time.Second
	lossyFrom   = 0.001

	// stillFor is how long nobody has received a copy when nothing goes round any more: as long as TCP may wait
	// before it sends again, and some.
	stillFor = 10 * time.Second

	// lookEvery is how often the whole mesh is looked at.
	lookEvery = 50 * time.Millisecond
)

// actTwo heals everything, and demands what is promised.
func (p *play) actTwo() {
	p.heal()
	for _, demand := range []func() bool{p.remembered, p.whole, p.owed, p.newcomer, p.frugal, p.quiet, p.whole, p.counted} {
		if !demand() || p.stopped() {
			return
		}
	}
	p.w.Check()
}

// within demands that what is wrong ends within a time. What wrong returns is nothing, or what is wrong.
func (p *play) within(most time.Duration, wrong func() *sim.Violation) bool {
	var v *sim.Violation
	took := p.w.Until(most, lookEvery, func() bool {
		v = wrong()
		return v == nil || p.stopped()
	})
	if took < 0 && v != nil {
		v.What = fmt.Sprintf("after %v %s", most, v.What)
		p.w.Violate(*v)
	}
	return took >= 0 && v == nil
}

// fewEnough is how many peers there may be for each to know all that ever were its neighbors: the overlay's maxProven.
const fewEnough = 15

// remembered demands that of two who were neighbors and live at least one knows where the other is. Whatever happened
// to the dials between them, it may be the only way back: to purge candidates is how partitions become permanent.
func (p *play) remembered() bool {
	if len(p.hosts) > fewEnough {
		return true
	}
	// By its address: somebody's old word may name who was there before.
	forgot := func(h, other *sim.Host) bool {
		return h.Met(other.ID()) && !slices.ContainsFunc(h.Status().Known, func(k wire.Candidate) bool { return k.Addr == other.Addr() })
	}
	for i, h := range p.hosts {
		for _, other := range p.hosts[i+1:] {
			if h.Alive() && other.Alive() && forgot(h, other) && forgot(other, h) {
				p.w.Violate(sim.Violation{Rule: "forgotten", Host: h, What: fmt.Sprintf("%s and %s were neighbors, and neither knows the other any more", h.Name, other.Name)})
				return false
			}
		}
	}
	return true
}

func (p *play) whole() bool {
	begin := p.w.Now()
	ok := p.within(wholeWithin+p.ring(), func() *sim.Violation {
		if why := p.w.Meshed(); why != "" {
			return &sim.Violation{Rule: "whole", What: why}
		}
		return nil
	})
	if ok && !p.stopped() {
		p.healed = max(p.healed, p.w.Now()-begin)
	}
	return ok
}

// owed demands that everything is where it is owed. Where more was said than peers keep, nothing of it is; but
// what goes round still takes the place of what is said now, so that is waited for.
func (p *play) owed() bool {
	if !p.within(owedWithin+p.ring(), p.missing) {
		return false
	}
	copies := uint64(0)
	still := func() bool {
		was := copies
		copies = p.w.Counts.Copies
		return copies == was
	}
	if p.w.Overflown() && p.w.Until(goneWithin, stillFor, still) < 0 {
		return false // it goes round for longer: what is said now may be lost in it
	}
	p.w.Ledger.Through()
	return true
}

// heard demands that what was said since everything was healed is everywhere soon.
func (p *play) heard() bool {
	most := hearWithin + p.ring() + p.lossy()
	if p.w.Overflown() {
		most += goneWithin
	}
	return p.within(most, p.missing)
}

// single reports whether some peers open one link only.
func (p *play) single() bool {
	return p.s.Links == 1 || slices.ContainsFunc(p.s.Slots, func(o Slots) bool { return o.Links == 1 })
}

// lossy is how much more time there is where packets are lost.
func (p *play) lossy() time.Duration {
	if p.s.Loss > lossyFrom {
		return lossyWithin
	}
	return 0
}

// ring is how much more time there is where peers open one link only.
func (p *play) ring() time.Duration {
	if !p.single() {
		return 0
	}
	return ringWithin + time.Duration(len(p.hosts))*ringEach
}

func (p *play) missing() *sim.Violation {
	n, list := p.w.Missing(1)
	if n == 0 {
		return nil
	}
	m := list[0]
	return &sim.Violation{Rule: "lost", Host: m.Host, From: m.Speaker, Seq: m.Seq, What: fmt.Sprintf("%d deliveries are missing: %v", n, m)}
}

// counted demands that whoever missed something says so.
func (p *play) counted() bool {
	if h, n := p.w.Uncounted(); h != nil {
		p.w.Violate(sim.Violation{Rule: "uncounted", Host: h, What: fmt.Sprintf("%s has missed %d messages more than it counts as lost or dropped", h.Name, n)})
		return false
	}
	return true
}
