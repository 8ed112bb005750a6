package check

import (
	"slices"
	"time"

	"hearsay/lab/sim"
)

// stake is what faults took effect, and when, so that a run in which none could have broken a promise is
// known for what it is.
type stake struct {
	faults int
	done   []during
	open   []openFault
}

type during struct{ from, to time.Duration }

// openFault goes on. Partitions are of no pair, and pauses of one peer and nobody.
type openFault struct {
	a, b int
	from time.Duration
}

// after is for how long an end of a peer makes itself felt: a silent one is noticed after three seconds.
const after = 4 * time.Second

// instant notes what happens at once, if it happens.
func (k *stake) instant(w *sim.World, happens bool) {
	if happens {
		k.faults++
		k.done = append(k.done, during{w.Now(), w.Now() + after})
	}
}

func (k *stake) find(a, b int) int {
	return slices.IndexFunc(k.open, func(o openFault) bool { return o.a == a && o.b == b })
}

func (k *stake) begin(w *sim.World, a, b int) {
	if k.find(a, b) < 0 {
		k.faults++
		k.open = append(k.open, openFault{a, b, w.Now()})
	}
}

func (k *stake) end(w *sim.World, a, b int) {
	if i := k.find(a, b); i >= 0 {
		k.done = append(k.done, during{k.open[i].from, w.Now()})
		k.open = slices.Delete(k.open, i, i+1)
	}
}

// endAll is for when everything is healed.
func (k *stake) endAll(w *sim.World) {
	for len(k.open) > 0 {
		k.end(w, k.open[0].a, k.open[0].b)
	}
}

// messages counts those that were published and not yet everywhere while a fault was in effect.
func (k *stake) messages(w *sim.World) (n int) {
	for _, s := range w.Ledger.Speakers {
		for i := range s.Messages {
			m := &s.Messages[i]
			last := m.Last
			if m.Heard == 0 {
				last = w.Now()
			}
			if slices.ContainsFunc(k.done, func(d during) bool { return m.At <= d.to && d.from <= last }) ||
				slices.ContainsFunc(k.open, func(o openFault) bool { return o.from <= last }) {
				n++
			}
		}
	}
	return n
}
