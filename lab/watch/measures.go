package watch

import (
	"math"
	"slices"
	"time"
)

const (
	// maxSamples is over how many of the newest messages latencies and hops are counted, and maxCopied over how many
	// copies: while the tree forms there are many more of them than ever after.
	maxSamples = 1000
	maxCopied  = 100
	// rateFor is over how long the rate of messages is counted.
	rateFor = 5 * time.Second
)

// Figures are what the lab can say in numbers, under the names that they have everywhere. Those that are not known
// are negative.
type Figures struct {
	Peers      int     `json:"peers"` // that live
	Links      int     `json:"links"`
	Parts      int     `json:"parts"`
	Meshed     bool    `json:"meshed"`
	Why        string  `json:"why,omitempty"` // it is not meshed
	Roots      []int   `json:"roots"`
	Published  int     `json:"published"`
	Delivered  int     `json:"delivered"`
	Missing    int     `json:"missing"` // deliveries that are due
	Lost       int     `json:"lost"`    // those of them that can no longer be had
	Duplicated int     `json:"duplicated"`
	OutOfOrder int     `json:"out_of_order"`
	NeverRead  int     `json:"never_read"` // messages that died with their publisher
	Reliable   float64 `json:"reliability"`
	RMR        float64 `json:"rmr"` // of the newest messages that were traced
	LDHMean    float64 `json:"ldh_mean"`
	LDHMax     int     `json:"ldh_max"`
	LatencyP50 float64 `json:"latency_ms_p50"`
	LatencyP95 float64 `json:"latency_ms_p95"`
	LatencyMax float64 `json:"latency_ms_max"`
	FormedMS   float64 `json:"formed_ms"`
	HealedMS   float64 `json:"healed_ms"` // of the last fault
	FlowedMS   float64 `json:"flowed_ms"`
	Announce   float64 `json:"announcements_per_s"`
	Rate       float64 `json:"messages_per_s"`
	Forgotten  uint64  `json:"forgotten"` // messages, for those after them
	Untold     uint64  `json:"untold"`    // events that peers had no room to tell of: then some of the above may be wrong
}

// measures is what is counted as it happens.
type measures struct {
	published, delivered, duplicated, outOfOrder int
	neverRead                                    int // of closed messages

	startedAt time.Time // the last start
	shaken    time.Time // the last change of the topology
	formed    float64   // negative until the mesh was whole for the first time
	wasFormed bool
	healed    float64 // of the fault that was mended last, if one was
	mended    bool
	flowed    float64 // likewise
	flows     bool

	samples []sample // a circle, of closed messages
	next    int
}

// sample is what one message came to.
type sample struct {
	took   float64 // negative: nobody heard it
	hops   int
	copies int // received; traced messages only
	heard  int // by which traced peers
	due    int
}

func (x *measures) started(at time.Time) {
	if at.After(x.startedAt) {
		x.startedAt = at
	}
}

// forming reports whether the mesh was never whole yet.
func (x *measures) forming() bool { return !x.wasFormed }

func (x *measures) topology(at time.Time) {
	if at.After(x.shaken) {
		x.shaken = at
	}
}

// whole says that the mesh is. One peer alone is none.
func (x *measures) whole(m *Model, at time.Time) {
	if x.wasFormed || m.Running() < 2 {
		return
	}
	x.wasFormed, x.formed = true, sinceMS(x.startedAt, at)
}

func (x *measures) add(s sample) {
	if len(x.samples) < maxSamples {
		x.samples = append(x.samples, s)
		return
	}
	x.samples[x.next] = s
	x.next = (x.next + 1) % maxSamples
}

// spread fills in what the newest messages came to.
func (x *measures) spread(f *Figures) {
	var took []float64
	copies, heard, hops := 0, 0, 0
	for i, s := range x.samples {
		if age := (x.next - 1 - i + 2*len(x.samples)) % len(x.samples); age < maxCopied {
			copies += s.copies
			heard += s.heard
		}
		if s.took >= 0 {
			took = append(took, s.took)
			hops += s.hops
			f.LDHMax = max(f.LDHMax, s.hops)
		}
	}
	f.RMR, f.LDHMean, f.LatencyP50, f.LatencyP95, f.LatencyMax = -1, -1, -1, -1, -1
	if heard > 0 {
		f.RMR = round3(float64(copies)/float64(heard) - 1)
	}
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	f.LDHMean = round3(float64(hops) / float64(len(took)))
	f.LatencyP50, f.LatencyP95, f.LatencyMax = rank(took, 0.5), rank(took, 0.95), took[len(took)-1]
}

// rank is the value of which a share q is no larger, by nearest rank.
func rank(sorted []float64, q float64) float64 {
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}

func round3(x float64) float64 { return math.Round(x*1000) / 1000 }

// Figures counts everything.
func (m *Model) Figures() Figures {
	x := &m.measures
	f := Figures{
		Links: len(m.links.up), Parts: len(m.Parts()), Roots: []int{}, Published: x.published, Delivered: x.delivered,
		Duplicated: x.duplicated, OutOfOrder: x.outOfOrder, NeverRead: x.neverRead, FormedMS: -1, HealedMS: -1, FlowedMS: -1, Reliable: -1, Forgotten: m.forgotten, Untold: m.missedEvents,
	}
	if f.Why = m.meshed(); f.Why == "" {
		f.Meshed = true
	}
	for _, p := range m.places {
		if !p.Alive {
			continue
		}
		f.Peers++
		f.Announce += p.said.rate
		if m.isRoot(p) {
			f.Roots = append(f.Roots, p.Number)
		}
	}
	f.Announce = round3(f.Announce)
	for _, msg := range m.messages.open {
		_, due := m.coverage(msg)
		f.Missing += due
		if m.unread(msg) {
			f.NeverRead++
		}
		if due > 0 && m.kept(msg).until.IsZero() {
			f.Lost += due
		}
	}
	if f.Delivered > 0 {
		f.Reliable = round3(float64(f.Delivered) / float64(f.Delivered+f.Missing))
	}
	for i := len(m.messages.order) - 1; i >= 0 && m.now.Sub(m.messages.order[i].heardOf) < rateFor; i-- {
		f.Rate += 1 / rateFor.Seconds()
	}
	f.Rate = round3(f.Rate)
	if x.wasFormed {
		f.FormedMS = x.formed
	}
	if x.mended {
		f.HealedMS = x.healed
	}
	if x.flows {
		f.FlowedMS = x.flowed
	}
	x.spread(&f)
	return f
}
