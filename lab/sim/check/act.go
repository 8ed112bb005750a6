package check

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"hearsay/lab/sim"
)

// Options are what a run of a schedule may be given beside it.
type Options struct {
	Watch   []sim.Watcher
	Account *Account    // takes down what happens
	Sampled bool        // messages and discoveries leave spans, for Watchers that make a trace of them
	Stop    func() bool // asked now and then; true ends the run
}

// Outcome is what became of a schedule.
type Outcome struct {
	Violation *sim.Violation // nil if all promises were kept
	Faults    int            // that took effect
	AtStake   int            // messages that were under way while a fault was in effect
	Messages  int
	Events    uint64
	Virtual   time.Duration
	Digest    uint64
	World     *sim.World
	Healed    time.Duration // how long the mesh took to be whole, at most; 0 also if it never was
}

// Idle reports whether nothing was at stake, so that the run proves nothing.
func (o *Outcome) Idle() bool { return o.Faults == 0 || o.AtStake == 0 }

// play is a run of a schedule.
type play struct {
	s      *Schedule
	w      *sim.World
	o      Options
	hosts  []*sim.Host
	wrong  map[[2]int]*sim.Spoiling
	over   bool // act one
	stake  stake
	healed time.Duration
}

// Run carries a schedule out. A panic of the peers' code is a violation of the rule "panic".
func (s *Schedule) Run(o Options) (out *Outcome) {
	cfg := s.config()
	cfg.Sampled = o.Sampled
	p := &play{s: s, w: sim.New(cfg), o: o, wrong: map[[2]int]*sim.Spoiling{}}
	defer func() {
		v := p.w.Failed()
		if r := recover(); r != nil {
			v = &sim.Violation{Rule: "panic", At: p.w.Now(), What: fmt.Sprintf("%v, at %s", r, where(debug.Stack()))}
		}
		out = p.outcome(v)
	}()
	for _, watcher := range o.Watch {
		p.w.Watch(watcher)
	}
	if o.Account != nil {
		p.w.Watch(o.Account)
	}
	p.hire()
	if p.actOne() {
		p.actTwo()
	}
	return nil
}

func (p *play) outcome(v *sim.Violation) *Outcome {
	w := p.w
	return &Outcome{
		Violation: v, Faults: p.stake.faults, AtStake: p.stake.messages(w), Messages: w.Ledger.Published,
		Events: w.Counts.Events, Virtual: w.Now(), Digest: w.Digest(), World: w, Healed: p.healed,
	}
}

// where is the place in the peers' code at which it panicked.
func where(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") {
			for k := i + 2; k+1 < len(lines); k += 2 {
				if strings.HasPrefix(lines[k], "hearsay/") {
					_, place, _ := strings.Cut(strings.TrimSpace(lines[k+1]), "/peer/")
					place, _, _ = strings.Cut(place, " ")
					return "peer/" + place
				}
			}
		}
	}
	return "an unknown place"
}

func (p *play) hire() {
	for n := 1; n <= p.s.Peers; n++ {
		o := sim.Options{Firewalled: slices.Contains(p.s.Siphoners, n), History: slices.Contains(p.s.History, n)}
		if len(p.s.JoinPeers) > 0 {
			o.Join = p.s.JoinPeers
		}
		for _, x := range p.s.Slots {
			if slices.Contains(x.Peers, n) {
				o.Links, o.Serve = x.Links, x.Serve
			}
		}
		p.hosts = append(p.hosts, p.w.Add(o))
	}
}

// note has the account say what is done.
func (p *play) note(what string) {
	if p.o.Account != nil {
		p.o.Account.step(p.w.Now(), what)
	}
}

func (p *play) stopped() bool { return p.o.Stop != nil && p.o.Stop() }

// actOne lets the steps happen.
func (p *play) actOne() bool {
	for i := range p.s.Steps {
		step := &p.s.Steps[i]
		if !p.w.RunTo(step.At) || p.stopped() {
			return false
		}
		p.do(step)
	}
	return p.w.RunTo(p.s.End) && !p.stopped()
}

func (p *play) do(s *Step) {
	if p.o.Account != nil {
		_, what, _ := strings.Cut(s.String(), " ")
		p.note(what)
	}
	switch {
	case s.Verb == Partition:
		p.partition(s.Groups)
	case s.Verb.between():
		p.between(s)
	default:
		for _, n := range s.Peers {
			p.one(s, p.hosts[n-1])
		}
	}
}

// one does to one peer what the step says.
func (p *play) one(s *Step, h *sim.Host) {
	was := h.Alive()
	switch s.Verb {
	case Start:
		h.Start()
	case Stop:
		p.stake.instant(p.w, was)
		h.Stop()
	case Kill:
		p.stake.instant(p.w, was)
		h.Kill()
	case Crash:
		p.stake.instant(p.w, was)
		h.Crash()
	case Restart:
		p.stake.instant(p.w, was)
		h.Kill()
		h.Start()
	case Pause:
		if was && !h.Paused() {
			p.stake.begin(p.w, h.Number, -1)
		}
		h.Pause()
	case Resume:
		h.Resume()
		p.stake.end(p.w, h.Number, -1)
	case Firewall:
		h.Firewall(true)
	case Unfirewall:
		h.Firewall(p.siphoner(h))
	case Skew:
		h.Skew(s.Speed)
	case Send:
		p.send(h, 0, s)
	}
}

func (p *play) siphoner(h *sim.Host) bool { return slices.Contains(p.s.Siphoners, h.Number) }

// send publishes message i of a step, and sees to the next. What a peer refuses was never accepted.
func (p *play) send(h *sim.Host, i int, s *Step) {
	for {
		if p.over {
			return
		}
		h.Publish(text(h, s.At, i, int(s.Bytes)))
		if i++; i >= s.Count {
			return
		}
		if s.Every > 0 {
			p.w.After(s.Every, func() { p.send(h, i, s) })
			return
		}
	}
}

// text is what message i of a step says. No two are alike, so that none is taken for another.
func text(h *sim.Host, at time.Duration, i, size int) []byte {
	b := fmt.Appendf(make([]byte, 0, max(size, 48)), "%s %v %d", h.Name, at, i)
	for len(b) < size {
		b = append(b, '.')
	}
	return b
}
