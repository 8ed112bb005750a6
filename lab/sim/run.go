package sim

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Plan is one run: a mesh forms, somebody speaks, something breaks, the mesh heals while people go on
// talking, and everything is counted.
type Plan struct {
	Config
	Peers     int
	Within    time.Duration // the peers start one by one within this time
	Messages  int           // by one peer, while nothing is broken
	Rate      float64       // of them in a second
	Size      int           // of each in bytes
	At        time.Duration // when something breaks; zero is when all the messages are through
	Kill      float64       // the share of the peers that is killed then, at one instant
	Partition bool          // the network is cut into halves then, by number
	For       time.Duration // how long the cut, or the churn, lasts
	Churn     float64       // peers killed in a second, each started again after a while
	Siphoners int           // peers beside the others that nobody can dial
}

// Limits on a plan. Numbers of peers beyond the addresses of 10.0.0.0/8 have none.
const (
	MaxPeers    = 1 << 20
	maxMessages = 1 << 20
)

// The pace of a run.
const (
	formWithin = 30 * time.Second // how long the peers may take to form one mesh after the last has started
	healWithin = 30 * time.Second // and after the last fault
	warmShare  = 4                // one in so many messages is for the tree to form, and not counted in rmr
	afterEvery = 100 * time.Millisecond
	tick       = 5 * time.Millisecond // how exactly times of forming and healing are known
)

// Figures are what a run comes to, under the names that they have everywhere in the lab.
type Figures struct {
	Peers      int     `json:"peers"`
	Published  int     `json:"published"`
	Delivered  int     `json:"delivered"`
	Lost       int     `json:"lost"`
	Duplicated int     `json:"duplicated"`
	OutOfOrder int     `json:"out_of_order"`
	Unexpected int     `json:"unexpected"`
	NeverRead  int     `json:"never_read"`
	Stale      int     `json:"stale"`
	Reliable   float64 `json:"reliability"` // share of the deliveries that were due
	RMR        float64 `json:"rmr"`         // of the steady messages
	LDHMean    float64 `json:"ldh_mean"`
	LDHMax     int     `json:"ldh_max"`
	LatencyP50 float64 `json:"latency_ms_p50"` // of the steady messages, to the last peer
	LatencyP95 float64 `json:"latency_ms_p95"`
	LatencyMax float64 `json:"latency_ms_max"`
	FormedMS   float64 `json:"formed_ms"` // last start to meshed
	HealedMS   float64 `json:"healed_ms"` // fault, or its end, to meshed; negative if there was none
	FlowedMS   float64 `json:"flowed_ms"` // fault, or its end, until all that was said until then is everywhere
	Announce   float64 `json:"announcements_per_s"`
	VirtualMS  float64 `json:"virtual_ms"`
	WallMS     float64 `json:"wall_ms"`
	Events     uint64  `json:"events"`
	RSS        int64   `json:"rss_bytes"`

	Survivors int     `json:"survivors"`
	FirstAt   First   `json:"first_after"` // the first message after the kill
	Parts     int     `json:"parts"`       // at the instant after the fault
	Largest   int     `json:"largest_part"`
	Digest    string  `json:"digest"`
	Seed      uint64  `json:"seed"`
	EventsPS  float64 `json:"events_per_s"`
}

// First is how the first message after a fault fared: by a survivor, published at the very instant, before
// anybody knows that anything has happened.
type First struct {
	Reliable float64 `json:"reliability"`      // at the end
	InSecond float64 `json:"within_1s"`        // share of the survivors that had it a second later
	MS99     float64 `json:"ms_to_99_percent"` // negative: never
	MSAll    float64 `json:"ms_to_all"`
}

// Run carries a plan out.
type Run struct {
	Plan    Plan
	World   *World
	Figures Figures
	Phase   string // what is going on, for whoever waits
	Stages  []Stage

	speaker   *Host
	siphoners []*Host
	stop      func() bool
	steady    [2]Counts // before and after the steady messages that count
	first     *Message
	firstFrom time.Duration
	reached   []time.Duration // when survivors had the first message
}

// Stage is a phase of a run and how long it took in virtual time.
type Stage struct {
	Name string
	Took time.Duration
	Note string
}

// NewRun checks a plan.
func NewRun(p Plan) (*Run, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	p.Sampled = p.Sampled && p.Peers <= 100_000
	r := &Run{Plan: p, World: New(p.Config)}
	r.Figures.HealedMS, r.Figures.FlowedMS, r.Figures.FormedMS = -1, -1, -1
	r.Figures.FirstAt = First{-1, -1, -1, -1}
	return r, nil
}

func (p *Plan) check() error {
	switch {
	case p.Peers < 2 || p.Peers > MaxPeers:
		return fmt.Errorf("--peers %d: a mesh has 2 to %d peers", p.Peers, MaxPeers)
	case p.Messages < 0 || p.Messages > maxMessages:
		return fmt.Errorf("--messages %d: 0 to %d", p.Messages, maxMessages)
	case p.Kill < 0 || p.Kill >= 1 || math.IsNaN(p.Kill):
		return fmt.Errorf("--kill: a share of the peers, 0%% to 99%%")
	case p.Kill > 0 && p.Peers-int(math.Round(float64(p.Peers)*p.Kill)) < 2:
		return fmt.Errorf("--kill: of %d peers fewer than two would be left", p.Peers)
	case (p.Partition || p.Churn > 0) && p.For <= 0:
		return fmt.Errorf("--for: how long the partition or the churn lasts")
	case p.For > 0 && !p.Partition && p.Churn == 0:
		return fmt.Errorf("--for %v: nothing lasts so long: say --partition half or --churn too", p.For)
	case p.For >= p.Retain && p.Retain > 0:
		return fmt.Errorf("--for %v: what is said is kept for %v only (--retain)", p.For, p.Retain)
	case p.Loss < 0 || p.Loss > 0.9 || math.IsNaN(p.Loss):
		return fmt.Errorf("--loss: 0%% to 90%%")
	case p.Rate <= 0 || p.Rate > 100_000 || math.IsNaN(p.Rate):
		return fmt.Errorf("--rate %g: more than 0 and at most 100000 messages a second", p.Rate)
	case p.Links != 0 && p.Serve != 0 && p.Serve < p.Links:
		return fmt.Errorf("--serve %d is below --links %d: a mesh of such peers runs out of slots", p.Serve, p.Links)
	case p.Churn < 0 || p.Churn > 1000:
		return fmt.Errorf("--churn %g/s: at most 1000 a second", p.Churn)
	}
	return nil
}

// Do carries the plan out. It stops early if a promise is broken, or when stop says so; stop is asked at
// every so many events, and may be nil. Either way the figures hold what was found so far.
func (r *Run) Do(stop func() bool) error {
	r.stop = stop
	steps := []struct {
		name string
		do   func() bool
	}{
		{"peers start and find each other", r.form},
		{"one peer speaks", r.speak},
		{"something breaks", r.breakIt},
		{"the mesh heals", r.heal},
	}
	for _, s := range steps {
		r.Phase = s.name
		begin := r.World.Now()
		n := len(r.Stages)
		ok := s.do()
		if len(r.Stages) == n && r.World.Now() > begin {
			r.Stages = append(r.Stages, Stage{Name: s.name, Took: r.World.Now() - begin})
		}
		if !ok {
			break
		}
	}
	r.count()
	if v := r.World.Failed(); v != nil {
		return v
	}
	return nil
}

func (r *Run) stopped() bool { return r.stop != nil && r.stop() }

// wait lets time pass until done, in small steps.
func (r *Run) wait(most, every time.Duration, done func() bool) (time.Duration, bool) {
	stopped := false
	took := r.World.Until(most, every, func() bool {
		stopped = r.stopped()
		return stopped || done()
	})
	return took, took >= 0 && !stopped
}

// form starts the peers, and waits until they are one mesh.
func (r *Run) form() bool {
	w, p := r.World, &r.Plan
	total := p.Peers + p.Siphoners
	for i := range total {
		o := Options{}
		if i >= p.Peers {
			o.Firewalled = true
		}
		h := w.Add(o)
		if o.Firewalled {
			r.siphoners = append(r.siphoners, h)
		}
		if i == 0 || p.Within == 0 {
			h.Start()
		} else {
			w.After(w.between(0, p.Within), h.Start)
		}
	}
	if _, ok := r.wait(p.Within+time.Millisecond, 100*time.Millisecond, func() bool { return w.Now() >= p.Within }); !ok {
		return false
	}
	took, ok := r.wait(formWithin, tickFor(total), func() bool { return w.Meshed() == "" })
	if !ok {
		if w.failure == nil && !r.stopped() {
			w.violate("whole", fmt.Sprintf("%v after the last start: %s", formWithin, w.Meshed()))
		}
		return false
	}
	r.Figures.FormedMS = ms(took)
	r.Stages = append(r.Stages, Stage{"peers started and formed one mesh", w.Now(), fmt.Sprintf("%v after the last start", round(took))})
	return true
}

// tickFor is how often to look at the whole mesh, which takes time that grows with it.
func tickFor(peers int) time.Duration { return tick * time.Duration(1+peers/2000) }

// speak has one peer speak while nothing is broken.
func (r *Run) speak() bool {
	w, p := r.World, &r.Plan
	r.speaker = w.hosts[w.rng.IntN(p.Peers)]
	gap := time.Duration(1e9 / p.Rate)
	warm := p.Messages / warmShare
	for i := range p.Messages {
		if i == warm {
			if !r.through(r.speaker, 5*time.Second) {
				return false
			}
			r.steady[0] = w.Counts
		}
		if _, err := r.speaker.Publish(p.text(r.speaker, i)); err != nil {
			w.After(gap, func() {}) // it is busy: what is refused was never accepted
		}
		if !w.Run(gap) || r.stopped() {
			return false
		}
	}
	if p.Messages > 0 && !r.through(r.speaker, 10*time.Second) {
		return false
	}
	r.steady[1] = w.Counts
	if p.At > w.Now() {
		_, ok := r.wait(p.At-w.Now()+time.Millisecond, 100*time.Millisecond, func() bool { return w.Now() >= p.At })
		return ok
	}
	return true
}

// text is what message i of a host says.
func (p *Plan) text(h *Host, i int) []byte {
	b := fmt.Appendf(nil, "%s says number %d ", h.Name, i+1)
	for len(b) < p.Size {
		b = append(b, '.')
	}
	return b
}

// through waits until all that was said is everywhere.
func (r *Run) through(_ *Host, most time.Duration) bool {
	_, ok := r.wait(most, tickFor(r.Plan.Peers), func() bool { n, _ := r.World.Missing(0); return n == 0 })
	if !ok && !r.stopped() && r.World.failure == nil {
		n, list := r.World.Missing(1)
		r.World.violate("lost", fmt.Sprintf("%d deliveries are missing %v after the last message: %v", n, most, list))
	}
	return ok
}

// breakIt does what the plan says.
func (r *Run) breakIt() bool {
	w, p := r.World, &r.Plan
	switch {
	case p.Kill > 0:
		n := int(math.Round(float64(p.Peers) * p.Kill))
		order := w.rng.Perm(p.Peers)
		victims, left := order[:n], order[n:]
		// The speaker speaks as it dies, too: what it got out to one survivor, every survivor gets.
		if _, err := r.speaker.Publish(p.text(r.speaker, p.Messages)); err == nil {
			w.Run(w.cfg.LatencyMin)
		}
		for _, i := range victims {
			w.hosts[i].Kill()
		}
		r.speakFirst(w.hosts[left[0]])
	case p.Partition:
		half := w.hosts[:p.Peers/2]
		w.Partition(half, w.hosts[p.Peers/2:])
		end := w.Now() + p.For
		a, b := half[w.rng.IntN(len(half))], w.hosts[p.Peers/2+w.rng.IntN(p.Peers-p.Peers/2)]
		gap := max(p.For/time.Duration(max(1, p.Messages)), time.Duration(1e9/p.Rate))
		for i := 0; w.Now() < end; i++ {
			a.Publish(p.text(a, i))
			b.Publish(p.text(b, i))
			if !w.Run(min(gap, end-w.Now())) || r.stopped() {
				return false
			}
		}
		r.parts()
		w.Heal()
	case p.Churn > 0:
		end := w.Now() + p.For
		gap := time.Duration(1e9 / p.Churn)
		for i := 0; w.Now() < end; i++ {
			h := w.hosts[w.rng.IntN(p.Peers)]
			if h.alive && h != r.speaker {
				h.Kill()
				w.After(w.between(time.Second, 5*time.Second), h.Start)
			}
			r.speaker.Publish(p.text(r.speaker, p.Messages+i))
			if !w.Run(min(gap, end-w.Now())) || r.stopped() {
				return false
			}
		}
		r.wait(6*time.Second, time.Second, func() bool { return w.Now() >= end+5*time.Second })
	}
	return true
}

// speakFirst has a survivor speak before anybody knows that anything has happened, and follows its message.
func (r *Run) speakFirst(h *Host) {
	w := r.World
	r.parts()
	r.firstFrom = w.Now()
	if _, err := h.Publish(r.Plan.text(h, 0)); err != nil {
		return
	}
	s := w.Ledger.Speakers[w.Ledger.runs[h.origin].speaker]
	r.first = &s.Messages[len(s.Messages)-1]
	w.Watch(&firstWatch{r: r, h: h, seq: uint64(len(s.Messages))})
}

type firstWatch struct {
	r   *Run
	h   *Host
	seq uint64
}

// Observe notes when survivors get the first message after the fault.
func (f *firstWatch) Observe(w *World, _ *Host, o *Observation) {
	if d := o.Delivery; d != nil && d.Seq == f.seq && d.Origin == w.Ledger.runs[f.h.origin].Origin {
		f.r.reached = append(f.r.reached, w.Now()-f.r.firstFrom)
	}
}

func (r *Run) parts() {
	parts := r.World.Parts()
	r.Figures.Parts = len(parts)
	if len(parts) > 0 {
		r.Figures.Largest = len(parts[0])
	}
}

// heal waits until the mesh is whole, and everything that is owed is delivered, while survivors go on
// talking.
func (r *Run) heal() bool {
	w, p := r.World, &r.Plan
	if p.Kill == 0 && !p.Partition && p.Churn == 0 {
		return true
	}
	began := w.Now()
	talking := true
	var talk func()
	talk = func() {
		if !talking {
			return
		}
		if h := w.hosts[w.rng.IntN(p.Peers)]; h.running() {
			h.Publish(p.text(h, 0))
		}
		w.After(afterEvery, talk)
	}
	talk()
	every := tickFor(w.living())
	took, ok := r.wait(healWithin, every, func() bool { return w.Meshed() == "" })
	talking = false
	if !ok {
		if w.failure == nil && !r.stopped() {
			w.violate("whole", fmt.Sprintf("%v after the fault: %s", healWithin, w.Meshed()))
		}
		return false
	}
	r.Figures.HealedMS = ms(took)
	if _, ok = r.wait(healWithin, every, func() bool { n, _ := w.Missing(0); return n == 0 }); !ok {
		if w.failure == nil && !r.stopped() {
			n, list := w.Missing(1)
			w.violate("lost", fmt.Sprintf("%v after the fault %d deliveries are missing: %v", healWithin, n, list))
		}
		return false
	}
	r.Figures.FlowedMS = ms(w.Now() - began)
	return true
}

func (w *World) living() (n int) {
	for _, h := range w.hosts {
		if h.alive {
			n++
		}
	}
	return n
}

// count comes to the figures.
func (r *Run) count() {
	w, f, l := r.World, &r.Figures, &r.World.Ledger
	f.Seed = w.cfg.Seed
	f.Peers, f.Survivors = r.Plan.Peers, w.living()
	f.Published, f.Delivered = l.Published, l.Delivered
	f.Lost, _ = w.Missing(0)
	f.Duplicated, f.OutOfOrder, f.Unexpected, f.Stale, f.NeverRead = l.Duplicated, l.OutOfOrder, l.Unexpected, l.Stale, l.NeverRead()
	f.Reliable = 1
	if all := f.Delivered + f.Lost; all > 0 {
		f.Reliable = float64(f.Delivered) / float64(all)
	}
	f.VirtualMS, f.Events, f.Digest = ms(w.Now()), w.Counts.Events, fmt.Sprintf("%016x", w.Digest())
	r.countSteady()
	r.countFirst()
}

func (r *Run) countSteady() {
	w, f, p := r.World, &r.Figures, &r.Plan
	if r.speaker == nil || r.steady[1].Copies == 0 {
		return
	}
	s := w.Ledger.runs[r.speaker.origin].speaker
	if s < 0 {
		return
	}
	list := w.Ledger.Speakers[s].Messages[p.Messages/warmShare : p.Messages]
	needed, hops := 0, 0.0
	var took []time.Duration
	for i := range list {
		needed += list[i].Heard
		hops += float64(list[i].MaxHops)
		f.LDHMax = max(f.LDHMax, list[i].MaxHops)
		took = append(took, list[i].Last-list[i].At)
	}
	if needed == 0 {
		return
	}
	f.RMR = float64(r.steady[1].Copies-r.steady[0].Copies)/float64(needed) - 1
	f.LDHMean = hops / float64(len(list))
	slices.Sort(took)
	f.LatencyP50, f.LatencyP95, f.LatencyMax = ms(rank(took, 0.5)), ms(rank(took, 0.95)), ms(took[len(took)-1])
}

func (r *Run) countFirst() {
	if r.first == nil {
		return
	}
	f := &r.Figures
	due := f.Survivors - len(r.siphoners) - 1
	if due < 1 {
		return
	}
	slices.Sort(r.reached)
	in := 0
	for _, d := range r.reached {
		if d <= time.Second {
			in++
		}
	}
	f.FirstAt = First{Reliable: float64(len(r.reached)) / float64(due), InSecond: float64(in) / float64(due), MS99: -1, MSAll: -1}
	if k := int(math.Ceil(0.99 * float64(due))); k <= len(r.reached) {
		f.FirstAt.MS99 = ms(r.reached[k-1])
	}
	if due <= len(r.reached) {
		f.FirstAt.MSAll = ms(r.reached[due-1])
	}
}

// rank is the value of which a share q is no larger, by nearest rank.
func rank(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}

func ms(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
