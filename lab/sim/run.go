package sim

import (
	"fmt"
	"time"
)

// The pace of a run.
const (
	formWithin = 30 * time.Second // how long the peers may take to form one mesh after the last has started
	healWithin = 30 * time.Second // and after the last fault
	saidWithin = 10 * time.Second // how long a message may take to everybody while nothing is broken
	stillFor   = 2 * time.Second  // after so long without a copy nothing goes round any more
	warmShare  = 4                // one in so many messages is for the tree to form, and not counted in rmr
	afterEvery = 100 * time.Millisecond
	speakOnFor = 2 * time.Second // how long somebody speaks when all is well again
	// quietAfter is how long a mesh that has just changed goes on saying so: Trickle doubles its interval to a
	// minute, which takes two. Announcements at rest are counted from then on.
	quietAfter = 2 * time.Minute
	// look is how often somebody looks whether a wait is over, and asks whether to stop.
	look = 50 * time.Millisecond
)

// A peer that churn has killed is started again after so long.
const (
	RestartFrom = time.Second
	RestartTo   = 5 * time.Second
)

// Run carries a plan out.
type Run struct {
	Plan    Plan
	World   *World
	Figures Figures
	Phase   string // what is going on, for whoever waits
	Stopped bool   // somebody wanted it to end early
	Times   Times

	// GivenUp is how many deliveries were given up until Times.Said, and until Times.CaughtUp.
	GivenUp struct{ Said, CaughtUp int }

	stop     func() bool
	gone     int   // deliveries that were given up, when nothing went round any more
	starting int   // peers that churn killed and that are to start again
	speaker  *Host // of the steady messages; later of those during the fault
	steady   steady
	on       steady // of whoever speaks on after the fault
	first    first
	whole    *whole // nil while nobody waits for it
	record   *Recording
}

// Times are the instants of a run in virtual time, in their order. Those that were not reached are negative.
type Times struct {
	Started  time.Duration // the last peer
	Formed   time.Duration
	Said     time.Duration // the steady messages were everywhere
	Broke    time.Duration // the first fault
	Ended    time.Duration // the last fault; what was cut is whole, and who should live lives
	Healed   time.Duration // one mesh again
	CaughtUp time.Duration // all that had been said until Ended was everywhere
	SaidOn   time.Duration // likewise the messages of whoever spoke on after that
	Quiet    time.Duration // from when on announcements were counted
	End      time.Duration
}

// NewRun checks a plan.
func NewRun(p Plan) (*Run, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	r := &Run{Plan: p, World: New(p.Config), Times: Times{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}}
	r.Figures.Parts, r.Figures.Largest, r.Figures.Churned = -1, -1, -1
	if p.Record {
		r.record = &Recording{}
	}
	return r, nil
}

// Do carries the plan out. It stops early if a promise is broken, or when stop says so, which may be nil and
// is asked every few milliseconds of virtual time. Either way the figures hold what was found so far.
func (r *Run) Do(stop func() bool) error {
	r.stop = stop
	for _, step := range []struct {
		phase string
		do    func() bool
	}{
		{"peers find each other", r.form},
		{"one peer speaks", r.speak},
		{"something breaks", r.breakIt},
		{"the mesh heals", r.heal},
		{"one peer speaks on", r.speakOn},
		{"the mesh rests", r.rest},
	} {
		r.Phase = step.phase
		if !step.do() {
			break
		}
	}
	r.Times.End = r.World.Now()
	r.count()
	if v := r.World.Failed(); v != nil {
		return v
	}
	return nil
}

// Observe is a Watcher's.
func (r *Run) Observe(w *World, h *Host, o *Observation) {
	if r.whole != nil {
		r.whole.observe(h, o)
	}
	if d := o.Delivery; d != nil && !h.firewalled { // a siphoner hears what it can, and is owed nothing
		r.first.heard(w, d)
		if r.record != nil {
			r.record.heard(r, d)
		}
	}
}

func (r *Run) stopped() bool {
	r.Stopped = r.Stopped || r.stop != nil && r.stop()
	return r.Stopped
}

// wait lets time pass until done, which is asked now and then, or for most. False says that it did not happen:
// somebody wants to stop, a promise was broken, or it took too long, which is then a broken promise too, unless
// no rule says so.
func (r *Run) wait(most time.Duration, rule string, done func() (bool, string)) bool {
	w, why, stopped := r.World, "", false
	took := w.Until(most, min(look, most/200+time.Millisecond), func() (ok bool) {
		if stopped = r.stopped(); stopped {
			return true
		}
		ok, why = done()
		return ok
	})
	if stopped || w.failure != nil {
		return false
	}
	if took < 0 && rule != "" {
		w.violate(rule, fmt.Sprintf("after %v %s", most, why))
	}
	return took >= 0
}

// pass lets time pass until an instant, and all of it happen that is to happen at that instant.
func (r *Run) pass(at time.Duration) bool {
	w := r.World
	for {
		if r.stopped() || !w.RunTo(min(w.Now()+look, at)) {
			return false
		}
		if w.Now() >= at {
			return true
		}
	}
}

// every calls f every so often, from now on, until the returned function is called.
func (w *World) every(gap time.Duration, f func()) (cancel func()) {
	on := true
	var tick func()
	tick = func() {
		if on {
			f()
			w.After(gap, tick)
		}
	}
	tick()
	return func() { on = false }
}

// form starts the peers, and waits until they are one mesh.
func (r *Run) form() bool {
	w, p := r.World, &r.Plan
	last := time.Duration(0)
	for i := range p.Peers + p.Siphoners {
		h := w.Add(Options{Firewalled: i >= p.Peers})
		at := time.Duration(0)
		if i > 0 {
			at = w.between(0, p.Within)
		}
		last = max(last, at)
		w.After(at, h.Start)
	}
	if !r.pass(last) {
		return false
	}
	r.Times.Started = last
	w.Watch(r)
	at, ok := r.untilWhole(formWithin)
	r.Times.Formed = at
	return ok
}

// untilWhole waits until the mesh is whole, and returns the instant at which it was.
func (r *Run) untilWhole(most time.Duration) (at time.Duration, ok bool) {
	r.whole = newWhole(r.World)
	ok = r.wait(most, "whole", func() (bool, string) {
		if r.whole.at >= 0 {
			return true, ""
		}
		return false, r.World.Meshed()
	})
	at = r.whole.at
	r.whole = nil
	return at, ok
}

// speak has one peer speak while nothing is broken.
func (r *Run) speak() bool {
	w, p := r.World, &r.Plan
	r.speaker = w.hosts[w.rng.IntN(p.Peers)]
	if r.record != nil {
		r.record.begin(r)
	}
	if !r.steady.speak(r, r.speaker, p.Messages, p.Messages/warmShare) {
		return false
	}
	r.Times.Said, r.GivenUp.Said = w.Now(), w.GivenUp()
	return r.pass(p.At)
}

// speakOn has one peer speak when all is well again, to see what a message costs then.
func (r *Run) speakOn() bool {
	w, p := r.World, &r.Plan
	if !p.broken() || p.Messages == 0 {
		return true
	}
	n := min(p.Messages, int(p.Rate*speakOnFor.Seconds()))
	if !r.on.speak(r, r.someone(w.hosts[:p.Peers], (*Host).running), n, n/2) {
		return false
	}
	r.Times.SaidOn = w.Now()
	return true
}

// say publishes message i of a host. A peer that is busy is asked again: what it refuses it never promised.
func (r *Run) say(h *Host, i int) bool {
	text := r.Plan.text(h, i)
	return r.wait(saidWithin, "busy", func() (bool, string) {
		_, err := h.Publish(text)
		if err != nil {
			return false, err.Error()
		}
		return true, ""
	})
}

// text is what message i of a host says.
func (p *Plan) text(h *Host, i int) []byte {
	b := fmt.Appendf(nil, "%s says number %d ", h.Name, i+1)
	for len(b) < p.Size {
		b = append(b, '.')
	}
	return b
}

// through waits until all that was said is everywhere. Of what was more than peers keep nothing is owed, so that is
// waited for until it is everywhere too, or nothing has moved for a while.
func (r *Run) through(most time.Duration) bool {
	w := r.World
	if !r.wait(most, "lost", w.allHeard) {
		return false
	}
	if w.Ledger.unsettled() > w.cfg.RetainBytes {
		copies, since := w.Counts.Copies, w.Now()
		r.wait(most, "", func() (bool, string) {
			if w.Counts.Copies != copies {
				copies, since = w.Counts.Copies, w.Now()
			}
			return w.Now()-since >= stillFor || w.GivenUp() <= r.gone, ""
		})
		if r.Stopped || w.failure != nil {
			return false
		}
		r.gone = w.GivenUp()
	}
	w.Ledger.Through()
	return true
}

// settle notes that all that was said so far is everywhere, if it is. It is asked for before more was said than peers
// keep: from then on nobody could say.
func (r *Run) settle() {
	w := r.World
	if n := w.Ledger.unsettled(); n < w.cfg.RetainBytes/2 || n > w.cfg.RetainBytes {
		return
	}
	if n, _ := w.Missing(0); n == 0 {
		w.Ledger.Through()
	}
}

// allHeard says whether everybody has heard everything that is owed to them, and who has not.
func (w *World) allHeard() (bool, string) {
	n, list := w.Missing(1)
	if n == 0 {
		return true, ""
	}
	return false, fmt.Sprintf("%d deliveries are missing: %v", n, list[0])
}

// heal waits until the mesh is whole, and everything that is owed is delivered, while survivors go on
// talking.
func (r *Run) heal() bool {
	w, p := r.World, &r.Plan
	if !p.broken() {
		return true
	}
	talk := w.every(afterEvery, func() {
		if h := w.hosts[w.rng.IntN(p.Peers)]; h.running() {
			h.Publish(p.text(h, r.World.Ledger.Published))
		}
	})
	at, ok := r.untilWhole(healWithin)
	talk()
	r.Times.Healed = at
	if !ok {
		return false
	}
	if !r.through(healWithin) {
		return false
	}
	r.Times.CaughtUp, r.GivenUp.CaughtUp = w.Ledger.everywhere(r.Times.Ended), w.GivenUp()
	return true
}

// everywhere is when the last of what had been said until an instant came to the last who lacked it then.
func (l *Ledger) everywhere(until time.Duration) (last time.Duration) {
	last = until
	for _, s := range l.Speakers {
		for i := range s.Messages {
			if m := &s.Messages[i]; m.At <= until {
				last = max(last, m.Last)
			}
		}
	}
	return last
}

// rest lets nothing happen, and counts the announcements.
func (r *Run) rest() bool {
	w, p := r.World, &r.Plan
	if p.Rest == 0 {
		return true
	}
	if !r.pass(w.Now() + quietAfter) {
		return false
	}
	r.Times.Quiet = w.Now()
	r.Figures.quiet = w.Counts
	return r.pass(w.Now() + p.Rest)
}

// Progress is about how much of the run is done, from 0 to 1: of the virtual time that it takes at least.
func (r *Run) Progress() float64 {
	p := &r.Plan
	all := max(p.spoken(), p.At) + p.For
	if p.Rest > 0 {
		all += quietAfter + p.Rest
	}
	if all == 0 {
		return 0
	}
	return min(1, float64(r.World.Now())/float64(all))
}
