package sim

import (
	"math"
	"slices"
	"time"

	"hearsay/peer/plumtree"
	"hearsay/peer/wire"
)

// First is how the first message after a fault fared: by a survivor, published at the instant at which the
// fault ended, which for deaths is when it began. Shares are of the survivors that can be dialled; -1 stands
// for what was not measured, and for a time that did not come.
type First struct {
	Reliable float64 `json:"reliability"`      // at the end
	InSecond float64 `json:"within_1s"`        // that had it a second later
	Before   float64 `json:"before_healed"`    // that had it before the mesh was whole again
	MS99     float64 `json:"ms_to_99_percent"` // of them
	MSAll    float64 `json:"ms_to_all"`
}

// first follows that message.
type first struct {
	origin  wire.Origin
	seq     uint64 // 0: there is none
	from    time.Duration
	due     int             // peers
	reached []time.Duration // after how long they had it, in order
}

func (f *first) heard(w *World, d *plumtree.Delivery) {
	if d.Seq == f.seq && d.Origin == f.origin {
		f.reached = append(f.reached, w.Now()-f.from)
	}
}

// figures are what it came to, if the mesh was whole after the given time (negative: it was not).
func (f *first) figures(healed time.Duration) First {
	if f.seq == 0 || f.due < 1 {
		return First{-1, -1, -1, -1, -1}
	}
	share := func(n int) float64 { return float64(n) / float64(f.due) }
	within := func(d time.Duration) int {
		n, _ := slices.BinarySearch(f.reached, d+1)
		return n
	}
	x := First{Reliable: share(len(f.reached)), InSecond: share(within(time.Second)), MS99: f.until(0.99), MSAll: f.until(1)}
	x.Before = x.Reliable
	if healed >= 0 {
		x.Before = share(within(healed - 1))
	}
	return x
}

// until is after how many milliseconds a share of those to whom it was due had it.
func (f *first) until(share float64) float64 {
	n := int(math.Ceil(share * float64(f.due)))
	if n > len(f.reached) {
		return -1
	}
	return ms(f.reached[n-1])
}
