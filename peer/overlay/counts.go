package overlay

import (
	"maps"
	"time"

	"hearsay/peer/wire"
)

// Stats is a copy of what a peer counted since it started.
type Stats struct {
	Slots    wire.Slots
	Passive  int // entries of the passive view
	Pending  int // connections that are dialling or shaking hands
	Patience time.Duration

	Refused      map[wire.Reason]uint64 // handshakes that we refused or referred
	Turned       map[wire.Reason]uint64 // dials of ours that were refused, referred or failed
	ClosedOurs   map[wire.Reason]uint64 // links that we ended
	ClosedTheirs map[wire.Reason]uint64 // links that the neighbor ended, or that broke
	Limits       map[string]uint64      // limits reached, by what they limit

	Healed     uint64        // losses made good
	HealedLast time.Duration // how long the last one took
	Bridges    uint64        // links that joined two parts
	Probes     uint64
	Rooted     uint64 // changes of root
}

type counts struct {
	refused, turned, ours, theirs map[wire.Reason]uint64
	limits                        map[string]uint64
	bridges, probes, rooted       uint64
}

// The reasons are a closed set, and so are the limits: none of the maps can grow from outside.
func (n *counts) init() {
	n.refused, n.turned = map[wire.Reason]uint64{}, map[wire.Reason]uint64{}
	n.ours, n.theirs = map[wire.Reason]uint64{}, map[wire.Reason]uint64{}
	n.limits = map[string]uint64{}
}

func (n *counts) limit(what string) { n.limits[what]++ }

func (n *counts) closed(v verdict) {
	if v.ours {
		n.ours[v.reason]++
	} else {
		n.theirs[v.reason]++
	}
}

// Stats returns a copy of the counters.
func (o *Overlay) Stats() Stats {
	if o.ears.strange > 0 {
		o.counts.limits["newcomers"] = o.ears.strange
	}
	return Stats{
		Slots: o.Slots(), Passive: len(o.view.list), Pending: len(o.order) - o.in - o.out, Patience: o.patience(),
		Refused: maps.Clone(o.counts.refused), Turned: maps.Clone(o.counts.turned),
		ClosedOurs: maps.Clone(o.counts.ours), ClosedTheirs: maps.Clone(o.counts.theirs),
		Limits: maps.Clone(o.counts.limits),
		Healed: o.heal.count, HealedLast: o.heal.last,
		Bridges: o.counts.bridges, Probes: o.counts.probes, Rooted: o.counts.rooted,
	}
}

// bucket is a token bucket: it holds a burst and fills at a rate.
type bucket struct {
	rate, burst float64
	level       float64
	filled      time.Time
}

// take takes one, if there is one.
func (b *bucket) take(now time.Time) bool {
	if !b.ready(now) {
		return false
	}
	b.level--
	return true
}

// ready reports whether there is one.
func (b *bucket) ready(now time.Time) bool {
	if b.filled.IsZero() {
		b.level = b.burst
	} else {
		// The conversion keeps the product from being fused with the sum, which some processors round otherwise
		// (Go spec, Floating-point operators): the same seed is the same run on all of them.
		b.level = min(b.burst, b.level+float64(b.rate*now.Sub(b.filled).Seconds()))
	}
	b.filled = now
	return b.level >= 1
}

// next is when there is one again.
func (b *bucket) next() time.Time {
	return b.filled.Add(time.Duration((1-b.level)/b.rate*float64(time.Second)) + time.Millisecond)
}

func perSecond(n int) bucket { return bucket{rate: float64(n), burst: float64(n)} }
