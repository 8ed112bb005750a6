package sim

import (
	"math"
	"slices"
	"time"

	"hearsay/peer/plumtree"
)

// Recording is what pictures of a run are drawn from.
type Recording struct {
	Steady Delays          // of the steady messages, from publishing to each delivery
	Due    int             // such deliveries
	First  []time.Duration // when each survivor had the first message after the fault, in order
	Among  int             // survivors
	Hops   []int           // deliveries of steady messages, by links travelled
	Out    []int           // living peers by outgoing links, in the end
	In     []int           // and by incoming ones
	Copies []CopySample
	Mend   []MendSample
}

// CopySample is what was received in one piece of time.
type CopySample struct {
	Until             time.Duration
	Copies, Delivered uint64
}

// MendSample is into what the living peers' links made the mesh, so long after the fault.
type MendSample struct {
	After          time.Duration
	Parts, Largest int
	Living         int
}

const (
	copyEvery  = 250 * time.Millisecond
	maxCopies  = 20_000 // samples; the rest of a longer run is not drawn
	mendFirst  = 200 * time.Microsecond
	mendGrowth = 1.15 // each sample is so much later than the one before: healing has no scale of its own
	mendMost   = healWithin
)

// Recording is what was kept for pictures, if the plan asked for it.
func (r *Run) Recording() *Recording {
	x := r.record
	if x == nil {
		return nil
	}
	x.First, x.Among = r.first.reached, r.first.due
	x.Due = r.steady.count * (r.Plan.Peers - 1)
	x.Out, x.In = nil, nil
	for _, h := range r.World.hosts {
		if h.alive && !h.firewalled {
			out, in := h.Degree()
			x.Out, x.In = tally(x.Out, out), tally(x.In, in)
		}
	}
	return x
}

// begin counts copies from now on.
func (x *Recording) begin(r *Run) {
	w := r.World
	last, delivered := w.Counts, w.Ledger.Delivered
	var sample func()
	sample = func() {
		x.Copies = append(x.Copies, CopySample{w.Now(), w.Counts.Copies - last.Copies, uint64(w.Ledger.Delivered - delivered)})
		last, delivered = w.Counts, w.Ledger.Delivered
		if len(x.Copies) < maxCopies {
			w.After(copyEvery, sample)
		}
	}
	w.After(copyEvery, sample)
}

// heard takes in a delivery, if it is of a steady message.
func (x *Recording) heard(r *Run, d *plumtree.Delivery) {
	l, s := &r.World.Ledger, &r.steady
	if r.Times.Said >= 0 || r.speaker == nil || d.Seq <= uint64(s.first) {
		return
	}
	life := l.runs[s.life]
	if life.speaker < 0 || life.Origin != d.Origin {
		return
	}
	x.Steady.Add(r.World.Now() - l.Speakers[life.speaker].Messages[d.Seq-1].At)
	x.Hops = tally(x.Hops, d.Hops)
}

// mend looks at the parts of the mesh from now on, until it is whole.
func (x *Recording) mend(r *Run) {
	w := r.World
	ended := w.Now()
	var sample func()
	sample = func() {
		parts := w.Parts()
		s := MendSample{After: w.Now() - ended, Parts: len(parts), Living: w.living()}
		if len(parts) > 0 {
			s.Largest = len(parts[0])
		}
		x.Mend = append(x.Mend, s)
		if next := max(mendFirst, time.Duration(float64(s.After)*(mendGrowth-1))); r.Times.Healed < 0 && s.After < mendMost {
			w.After(next, sample)
		}
	}
	sample()
}

// tally counts one more of n.
func tally(counts []int, n int) []int {
	for len(counts) <= n {
		counts = append(counts, 0)
	}
	counts[n]++
	return counts
}

// Delays is many durations, each to within two percent. The zero value is none.
type Delays struct {
	counts map[int]int
	n      int
}

// delayStep is how much longer each class of durations is than the one before.
const delayStep = 1.02

// Add adds one.
func (d *Delays) Add(t time.Duration) {
	if d.counts == nil {
		d.counts = map[int]int{}
	}
	d.counts[int(math.Round(math.Log(float64(max(t, 1)))/math.Log(delayStep)))]++
	d.n++
}

// Len is how many there are.
func (d *Delays) Len() int { return d.n }

// Each calls f for each class, the shortest first: how many are no longer than that.
func (d *Delays) Each(f func(at time.Duration, upTo int)) {
	var classes []int
	for c := range d.counts {
		classes = append(classes, c)
	}
	slices.Sort(classes)
	sum := 0
	for _, c := range classes {
		sum += d.counts[c]
		f(time.Duration(math.Pow(delayStep, float64(c))), sum)
	}
}
