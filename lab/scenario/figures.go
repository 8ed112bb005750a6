package scenario

import (
	"math"
	"runtime"
	"slices"
	"time"

	"hearsay/lab/sim"
)

// Figures are what a run comes to, under the names that they have everywhere in the lab. A negative time or
// ratio was not measured: nothing happened that it could be measured by.
type Figures struct {
	Peers        int     `json:"peers"` // that ever were, however often each was started
	Published    int     `json:"published"`
	Delivered    int     `json:"delivered"`
	Lost         int     `json:"lost"`
	Duplicated   int     `json:"duplicated"`
	OutOfOrder   int     `json:"out_of_order"`
	Unexpected   int     `json:"unexpected"`
	NeverRead    int     `json:"never_read"`
	Reliability  float64 `json:"reliability"`    // share of the deliveries that were owed
	RMR          float64 `json:"rmr"`            // while nothing was broken
	LDHMean      float64 `json:"ldh_mean"`       // of the messages of that time, or of all if there was none
	LDHMax       int     `json:"ldh_max"`        // likewise
	LatencyP50   float64 `json:"latency_ms_p50"` // of all messages that came everywhere, whatever was broken: to the last peer
	LatencyP95   float64 `json:"latency_ms_p95"`
	LatencyMax   float64 `json:"latency_ms_max"`
	FormedMS     float64 `json:"formed_ms"` // last start to meshed
	HealedMS     float64 `json:"healed_ms"` // fault to meshed, of the fault that took longest
	FlowedMS     float64 `json:"flowed_ms"` // fault to the first message after it being everywhere, likewise
	AnnouncePerS float64 `json:"announcements_per_s"`

	// Of the simulator alone.
	VirtualMS float64 `json:"virtual_ms,omitempty"`
	WallMS    float64 `json:"wall_ms,omitempty"`
	Events    uint64  `json:"events,omitempty"`
	RSS       int64   `json:"rss_bytes,omitempty"`
}

func (r *run) figures(wall time.Duration) Figures {
	j, l := r.judged, r.ledger
	f := Figures{
		Peers: len(r.fleet.Peers()), Published: len(l.said), Delivered: j.delivered, Lost: j.lost, NeverRead: j.neverRead,
		Duplicated: l.wrong[duplicated].count, OutOfOrder: l.wrong[outOfOrder].count, Unexpected: l.wrong[unexpected].count,
		Reliability: -1, RMR: round(r.watch.calm.total.rmr()), FormedMS: r.formed(), HealedMS: -1, FlowedMS: -1, AnnouncePerS: -1,
	}
	if j.owed > 0 {
		f.Reliability = float64(j.owed-j.lost) / float64(j.owed)
	}
	if c := &r.watch.calm; c.lasted > 0 {
		f.AnnouncePerS = round(float64(c.total.announced) / c.lasted.Seconds())
	}
	r.timesOfMessages(&f)
	r.timesOfMarks(&f)
	if s, ok := r.fleet.(interface{ World() *sim.World }); ok {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		f.VirtualMS, f.WallMS, f.Events, f.RSS = ms(r.lasted), ms(wall), s.World().Counts.Events, int64(m.Sys-m.HeapReleased)
	}
	return f
}

// mended is how long the mesh took to be whole after what shook it last, as the figures have it, once it is.
func (r *run) mended() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.marks) == 1 {
		return r.forming()
	}
	return r.marks[len(r.marks)-1].Meshed
}

// formed is how long after the last of the first peers was started the mesh was whole.
func (r *run) formed() float64 {
	if len(r.marks) == 0 || r.marks[0].Meshed < 0 {
		return -1
	}
	return ms(r.forming())
}

// forming is formed where it is known.
func (r *run) forming() time.Duration {
	var last time.Time
	for _, l := range r.ledger.lives {
		if l.peer <= r.sc.Peers && l.run == 1 {
			last = later(last, l.started)
		}
	}
	return max(0, r.began.Add(r.marks[0].From()+r.marks[0].Meshed).Sub(last))
}

// timesOfMessages are of those that came to all whom they were owed to. How long they took is of them all: whoever builds
// on the mesh waits for the slow ones too. How many links they went is a measure of the tree, as rmr is.
func (r *run) timesOfMessages(f *Figures) {
	var took []time.Duration
	var all, steady []int // hops
	for i, s := range r.ledger.said {
		fate := &r.judged.fates[i]
		if fate.owed == 0 || fate.made < fate.owed {
			continue
		}
		took, all = append(took, fate.last.Sub(s.begun)), append(all, fate.hops)
		if s.steady {
			steady = append(steady, fate.hops)
		}
	}
	if len(took) == 0 {
		f.LDHMean, f.LDHMax, f.LatencyP50, f.LatencyP95, f.LatencyMax = -1, -1, -1, -1, -1
		return
	}
	hops := steady
	if len(hops) == 0 {
		hops = all
	}
	sum := 0
	for _, h := range hops {
		sum += h
	}
	slices.Sort(took)
	f.LDHMean, f.LDHMax = round(float64(sum)/float64(len(hops))), slices.Max(hops)
	f.LatencyP50, f.LatencyP95, f.LatencyMax = ms(rank(took, 0.5)), ms(rank(took, 0.95)), ms(took[len(took)-1])
}

func (r *run) timesOfMarks(f *Figures) {
	for i := range r.marks[min(1, len(r.marks)):] {
		m := &r.marks[i+1]
		if m.Meshed >= 0 {
			f.HealedMS = max(f.HealedMS, ms(m.Meshed))
		}
		if m.Flowed >= 0 {
			f.FlowedMS = max(f.FlowedMS, ms(m.Flowed))
		}
	}
	if n := len(r.marks); n > 0 && r.marks[n-1].Meshed < 0 {
		f.HealedMS = -1
	}
}

// rank is the value of which a share q is no larger, by nearest rank: one that was measured.
func rank(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}

func ms(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }
