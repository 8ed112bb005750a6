package sim

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Figures are what a run comes to, under the names that they have everywhere in the lab. Where a figure was
// not measured, or its event did not happen, it is -1.
type Figures struct {
	Peers      int     `json:"peers"`
	Published  int     `json:"published"`
	Delivered  int     `json:"delivered"`
	Lost       int     `json:"lost"`
	Duplicated int     `json:"duplicated"`
	OutOfOrder int     `json:"out_of_order"`
	Unexpected int     `json:"unexpected"`
	NeverRead  int     `json:"never_read"`
	Reliable   float64 `json:"reliability"`    // share of the deliveries that were due, those that were given up among them
	RMR        float64 `json:"rmr"`            // of the steady messages
	LDHMean    float64 `json:"ldh_mean"`       // likewise
	LDHMax     int     `json:"ldh_max"`        // likewise
	LatencyP50 float64 `json:"latency_ms_p50"` // of the steady messages, to the last peer
	LatencyP95 float64 `json:"latency_ms_p95"`
	LatencyMax float64 `json:"latency_ms_max"`
	FormedMS   float64 `json:"formed_ms"` // last start to meshed
	HealedMS   float64 `json:"healed_ms"` // fault, or its end, to meshed
	FlowedMS   float64 `json:"flowed_ms"` // fault, or its end, to the first message published after it being everywhere
	Announce   float64 `json:"announcements_per_s"`
	VirtualMS  float64 `json:"virtual_ms"`
	WallMS     float64 `json:"wall_ms"`
	Events     uint64  `json:"events"`
	RSS        int64   `json:"rss_bytes"`

	// More than every engine of the lab can tell.
	Seed     uint64  `json:"seed"`
	Living   int     `json:"survivors"`
	Parts    int     `json:"parts"`        // at the end of the fault, if there was one
	Largest  int     `json:"largest_part"` // of them
	RMRAfter float64 `json:"rmr_after"`    // of the messages of whoever spoke on when all was well again
	First    First   `json:"first_after"`
	CaughtMS float64 `json:"caught_up_ms"` // fault, or its end, until all that was said until then is everywhere; -1 also if some of it was given up
	Stale    int     `json:"stale"`        // delivered after the time for which they had to be kept
	GivenUp  int     `json:"given_up"`     // deliveries that were due, and cannot be made any more: what was said was not kept for so long
	Churned  int     `json:"churned"`      // peers that were killed by turns and started again
	Bytes    uint64  `json:"bytes"`        // received on connections, by all
	Frames   uint64  `json:"frames"`
	Dials    uint64  `json:"dials"`
	EventsPS float64 `json:"events_per_s"` // of wall time
	Digest   string  `json:"digest"`       // of everything that was sent: same seed, same digest

	Violation   *Broken `json:"violation"`   // the promise that the run broke, with which it ended; or null
	Interrupted bool    `json:"interrupted"` // the figures are what was found until then

	quiet Counts // when the rest began
}

// Broken is a promise that a run broke.
type Broken struct {
	Rule string  `json:"rule"`
	What string  `json:"what"`
	AtMS float64 `json:"at_ms"` // in virtual time
}

// countParts says what a fault has made of the mesh.
func (r *Run) countParts() {
	parts := r.World.Parts()
	r.Figures.Parts = len(parts)
	if len(parts) > 0 {
		r.Figures.Largest = len(parts[0])
	}
}

// count comes to the figures.
func (r *Run) count() {
	w, f, l, t := r.World, &r.Figures, &r.World.Ledger, &r.Times
	f.Seed, f.Peers, f.Living = w.cfg.Seed, r.Plan.Peers, w.living()
	f.Published, f.Delivered = l.Published, l.Delivered
	f.Lost, _ = w.Missing(0)
	f.Duplicated, f.OutOfOrder, f.Unexpected, f.NeverRead = l.Duplicated, l.OutOfOrder, l.Unexpected, l.NeverRead()
	f.Stale, f.GivenUp = l.Stale, w.GivenUp()
	f.Reliable = -1
	if due := f.Delivered + f.Lost + f.GivenUp; due > 0 {
		f.Reliable = float64(f.Delivered) / float64(due)
	}
	f.Interrupted = r.Stopped
	if v := w.Failed(); v != nil {
		f.Violation = &Broken{Rule: v.Rule, What: v.What, AtMS: ms(v.At)}
	}
	f.FormedMS = since(t.Started, t.Formed)
	f.HealedMS = since(t.Ended, t.Healed)
	f.CaughtMS = -1
	if r.GivenUp.CaughtUp == 0 {
		f.CaughtMS = since(t.Ended, t.CaughtUp)
	}
	healed := time.Duration(-1)
	if t.Healed >= 0 {
		healed = t.Healed - t.Ended
	}
	f.First = r.first.figures(healed)
	f.FlowedMS = f.First.MSAll
	f.Announce = -1
	if t.Quiet >= 0 && t.End > t.Quiet {
		n := w.Counts.Announcements + w.Counts.Answers - f.quiet.Announcements - f.quiet.Answers
		f.Announce = float64(n) / (t.End - t.Quiet).Seconds()
	}
	c := &w.Counts
	f.VirtualMS, f.Events, f.Frames, f.Bytes, f.Dials = ms(w.Now()), c.Events, c.Frames, c.Bytes, c.Dials
	f.Digest = fmt.Sprintf("%016x", w.Digest())
	r.countSteady()
}

// countSteady counts the messages of the time before anything broke, and those after all was well again.
func (r *Run) countSteady() {
	f := &r.Figures
	f.RMR, f.LDHMean, f.LDHMax, f.LatencyP50, f.LatencyP95, f.LatencyMax, f.RMRAfter = -1, -1, -1, -1, -1, -1, -1
	if list := r.steady.messages(r); r.Times.Said >= 0 && len(list) > 0 {
		f.steady(list, r.steady.copies)
	}
	if list := r.on.messages(r); r.Times.SaidOn >= 0 && len(list) > 0 {
		f.RMRAfter = rmr(list, r.on.copies)
	}
}

// steady counts messages of which so many copies were received.
func (f *Figures) steady(list []Message, copies uint64) {
	hops := 0
	var took []time.Duration
	f.LDHMax = 0
	for i := range list {
		m := &list[i]
		hops += m.MaxHops
		f.LDHMax = max(f.LDHMax, m.MaxHops)
		took = append(took, max(0, m.Last-m.At))
	}
	f.RMR = rmr(list, copies)
	f.LDHMean = float64(hops) / float64(len(list))
	slices.Sort(took)
	f.LatencyP50, f.LatencyP95, f.LatencyMax = ms(rank(took, 0.5)), ms(rank(took, 0.95)), ms(took[len(took)-1])
}

// rmr is Plumtree's relative message redundancy: copies received for each delivery, minus the one that was
// needed.
func rmr(list []Message, copies uint64) float64 {
	heard := 0
	for i := range list {
		heard += list[i].Heard
	}
	if heard == 0 {
		return -1
	}
	return float64(copies)/float64(heard) - 1
}

func (w *World) living() (n int) {
	for _, h := range w.hosts {
		if h.alive {
			n++
		}
	}
	return n
}

// rank is the value of which a share q is no larger, by nearest rank.
func rank(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}

// since is the milliseconds between two instants, or -1 if one of them never came.
func since(from, to time.Duration) float64 {
	if from < 0 || to < 0 {
		return -1
	}
	return ms(to - from)
}

func ms(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }
