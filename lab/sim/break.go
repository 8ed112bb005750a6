package sim

import (
	"slices"
	"time"
)

// churnLeaves is how many peers always live while others come and go: a mesh.
const churnLeaves = 2

// breakIt does to the mesh what the plan says.
func (r *Run) breakIt() bool {
	w, p := r.World, &r.Plan
	if !p.broken() {
		return true
	}
	if p.Kill > 0 && !r.kill() {
		return false
	}
	if r.Times.Broke < 0 {
		r.Times.Broke = w.Now()
	}
	var a, b []*Host
	if p.Partition {
		a, b = w.hosts[:p.Peers/2], w.hosts[p.Peers/2:]
		w.Partition(a, b)
	} else {
		a = w.hosts[:p.Peers]
	}
	if p.For > 0 && !r.endure(a, b) {
		return false
	}
	r.countParts()
	if p.Partition {
		w.Heal()
	}
	r.Times.Ended = w.Now()
	r.speakFirst()
	if r.record != nil {
		r.record.mend(r)
	}
	return true
}

// kill ends a share of the peers at one instant. The speaker speaks just before: what it gets out to one
// survivor, every survivor gets, should it die too.
func (r *Run) kill() bool {
	w, p := r.World, &r.Plan
	order := w.rng.Perm(p.Peers)
	if !r.say(r.speaker, p.Messages) || !w.Run(w.cfg.LatencyMin) {
		return false
	}
	r.Times.Broke = w.Now()
	for _, i := range order[:p.victims()] {
		if p.Silent {
			w.hosts[i].Crash()
		} else {
			w.hosts[i].Kill()
		}
	}
	return true
}

// endure lets the fault last, while a peer of each side speaks.
func (r *Run) endure(sides ...[]*Host) bool {
	w, p := r.World, &r.Plan
	end := w.Now() + p.For
	// About as many messages as before, on each side, but none faster than then.
	gap := max(p.For/time.Duration(max(1, p.Messages)), time.Duration(float64(time.Second)/p.Rate))
	speakers := make([]*Host, len(sides))
	talk := w.every(gap, func() {
		r.settle()
		for i, side := range sides {
			if s := speakers[i]; len(side) > 0 && (s == nil || !s.running()) {
				speakers[i] = r.someone(side, (*Host).running)
			}
			if s := speakers[i]; s != nil {
				s.Publish(p.text(s, w.Ledger.Published)) // an error: it is busy, and nothing was promised
			}
		}
	})
	churn := func() {}
	if p.Churn > 0 {
		r.Figures.Churned = 0
		churn = w.every(time.Duration(float64(time.Second)/p.Churn), func() {
			if w.Now() < end {
				r.churn(speakers)
			}
		})
	}
	ok := r.pass(end)
	talk()
	churn()
	return ok && r.wait(RestartTo+time.Second, "", func() (bool, string) { return r.starting == 0, "" })
}

// someone is a random one of some peers of whom fit holds, or nil.
func (r *Run) someone(hosts []*Host, fit func(*Host) bool) *Host {
	for range 64 {
		if h := hosts[r.World.rng.IntN(len(hosts))]; fit(h) {
			return h
		}
	}
	for _, h := range hosts {
		if fit(h) {
			return h
		}
	}
	return nil
}

// churn kills one living peer that is not speaking, and has it started again later. Two always stay.
func (r *Run) churn(speaking []*Host) {
	w, p := r.World, &r.Plan
	if r.starting >= p.Peers-p.victims()-churnLeaves {
		return
	}
	h := r.someone(w.hosts[:p.Peers], func(h *Host) bool { return h.running() && !slices.Contains(speaking, h) })
	if h == nil {
		return
	}
	h.Kill()
	r.Figures.Churned++
	r.starting++
	w.After(w.between(RestartFrom, RestartTo), func() {
		r.starting--
		h.Start()
	})
}

// speakFirst has a survivor speak at the instant at which the last fault ends, before anybody can know that
// anything has happened, and follows its message.
func (r *Run) speakFirst() {
	w := r.World
	r.first.due = w.honest() - 1
	h := r.someone(w.hosts[:r.Plan.Peers], (*Host).running)
	if h == nil {
		return
	}
	seq, err := h.Publish(r.Plan.text(h, w.Ledger.Published))
	if err != nil {
		return // it is busy: there is no first message to follow
	}
	r.first.from, r.first.origin, r.first.seq = w.Now(), w.Ledger.runs[h.origin].Origin, seq
}

// honest is how many peers live that can be dialled.
func (w *World) honest() (n int) {
	for _, h := range w.hosts {
		if h.alive && !h.firewalled {
			n++
		}
	}
	return n
}
