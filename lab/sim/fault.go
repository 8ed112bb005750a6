package sim

import (
	"math"
	"time"

	"hearsay/peer/wire"
)

// pair is two hosts by number, in the direction in which something travels.
type pair struct{ from, to int32 }

// rule is what is wrong in one direction between two hosts.
type rule struct {
	Cut       bool // nothing passes
	Clog      bool // streams do not pass; datagrams do
	Delay     time.Duration
	Jitter    time.Duration
	Loss      float64
	Bandwidth float64
}

// rule is what is wrong between two hosts, or nil.
func (w *World) rule(a, b *Host) *rule {
	if !w.ruled {
		return nil
	}
	return w.rules[pair{int32(a.Number), int32(b.Number)}]
}

// cut reports whether nothing passes from a to b.
func (w *World) cut(a, b *Host) bool {
	if w.groups && a.group != b.group {
		return true
	}
	r := w.rule(a, b)
	return r != nil && r.Cut
}

// stopped reports whether streams do not pass from a to b.
func (w *World) stopped(a, b *Host) bool {
	if w.groups && a.group != b.group || a.gone || b.gone {
		return true
	}
	r := w.rule(a, b)
	return r != nil && (r.Cut || r.Clog)
}

func (w *World) lossOf(a, b *Host) float64 {
	if r := w.rule(a, b); r != nil {
		return max(w.cfg.Loss, r.Loss)
	}
	return w.cfg.Loss
}

// Kill ends the host's peer without a word, as SIGKILL does. The kernel closes its connections: what the
// process had not written yet is lost.
func (h *Host) Kill() {
	if !h.alive {
		return
	}
	w := h.w
	w.note(h, "kill")
	h.finish()
	for _, e := range h.ends {
		e.out.burst(w)
		e.out.push(w, nil, wire.ReasonReset)
		e.out.back.kill()
	}
	for _, d := range h.backlog {
		d.out.back.push(w, nil, wire.ReasonReset)
	}
}

// Crash ends the whole machine: nobody is told, and nothing answers for it.
func (h *Host) Crash() {
	if !h.alive {
		return
	}
	h.w.note(h, "crash")
	h.finish()
	h.gone = true
	for _, e := range h.ends {
		e.out.kill()
	}
}

// Stop ends the host's peer as SIGTERM does: it says goodbye.
func (h *Host) Stop() {
	if !h.alive {
		return
	}
	if h.paused {
		h.Resume() // the signal waits until then
	}
	h.w.note(h, "stop")
	h.mesh.Leave(h.local())
	h.perform()
	h.finish()
	for _, e := range h.ends {
		e.out.push(h.w, nil, wire.ReasonEOF)
		e.out.back.kill()
	}
}

func (h *Host) finish() {
	if h.paused {
		h.w.calm.paused--
	}
	h.alive, h.paused, h.down = false, false, true
	h.open()
	h.w.Ledger.end(h, h.w.Now())
	h.links = nil
}

// Pause stops the process, as SIGSTOP does. Its kernel goes on: it acknowledges, accepts and keeps what
// comes.
func (h *Host) Pause() {
	if h.running() {
		h.paused = true
		h.open()
		h.w.calm.paused++
		h.w.note(h, "pause")
	}
}

// Resume lets a paused process go on: it finds everything at once that came meanwhile.
func (h *Host) Resume() {
	if !h.alive || !h.paused {
		return
	}
	w := h.w
	h.paused = false
	h.open()
	w.calm.paused--
	w.note(h, "resume")
	wet, calls, grams, answers, lookups := h.wet, h.backlog, h.inbox, h.answers, h.lookups
	h.wet, h.backlog, h.inbox, h.answers, h.lookups = nil, nil, nil, nil, 0
	// In what order a process finds what waited for it is chance: its goroutines race.
	order := w.rng.Perm(5)
	for _, k := range order {
		switch k {
		case 0:
			for _, p := range wet {
				p.waiting = false
				p.schedule(w)
			}
		case 1:
			for _, d := range calls {
				h.accept(d)
			}
		case 2:
			for _, g := range grams {
				w.Counts.Events++
				h.mesh.Heard(h.local(), g.source, g.announcement)
				h.perform()
			}
		case 3:
			for _, d := range answers {
				if d.out != nil {
					d.opened(w)
				} else {
					d.failed(w)
				}
			}
			for range lookups {
				h.resolved()
			}
		case 4:
			if d := h.mesh.Deadline(); !d.IsZero() && h.global(d) <= w.now {
				w.Counts.Events++
				h.mesh.Advance(h.local())
			}
			h.perform()
		}
	}
	h.wakeAt = 0
	h.arm()
}

// Skew has the host's clock run at speed from now on: 1.01 gains a hundredth.
func (h *Host) Skew(speed float64) {
	gained := h.local().Sub(epoch) - time.Duration(h.w.now)
	h.skew, h.skewAt, h.speed = gained, h.w.now, speed
	h.open()
	h.w.drift = max(h.w.drift, math.Abs(speed-1))
	if h.running() {
		h.wakeAt = 0
		h.arm()
	}
}

// Firewall has nobody dial the host, or ends that. A peer that cannot be dialled is a siphoner.
func (h *Host) Firewall(on bool) { h.firewalled = on }

// Partition cuts the network into groups; whoever is in none is with the first. An empty call makes it whole.
func (w *World) Partition(groups ...[]*Host) {
	w.groups = len(groups) > 1
	for _, h := range w.hosts {
		h.group = 0
	}
	for i, g := range groups {
		for _, h := range g {
			h.group = i
		}
	}
	w.note(nil, "partition")
	w.changed()
}

// Heal makes the network whole: no groups, no rules. Processes stay as they are.
func (w *World) Heal() {
	w.groups, w.ruled = false, false
	clear(w.rules)
	w.note(nil, "heal")
	w.changed()
	w.hasten(nil, nil)
}

// Spoil sets what is wrong from a to b, and only in that direction. The zero value of how is nothing.
func (w *World) Spoil(a, b *Host, how Spoiling) {
	k := pair{int32(a.Number), int32(b.Number)}
	old := w.rules[k]
	if how == (Spoiling{}) {
		delete(w.rules, k)
	} else {
		r := rule(how)
		w.rules[k] = &r
	}
	w.ruled = len(w.rules) > 0
	w.changed()
	if old.slows() {
		w.hasten(a, b)
	}
}

func (r *rule) slows() bool { return r != nil && (r.Bandwidth > 0 || r.Delay > 0) }

// hasten has what is under way from a to b, or from anybody to anybody, arrive when it would if it were sent now,
// where that is sooner: what had queued for a slow link does not go on at its pace when it is slow no more. Its
// writer may have gone meanwhile.
func (w *World) hasten(a, b *Host) {
	keep := w.slow[:0]
	for _, p := range w.slow {
		if a == nil || p.from == a && p.to == b {
			p.hasten(w)
		}
		if p.slow = !p.dead && p.head < len(p.segments) && w.rule(p.from, p.to).slows(); p.slow {
			keep = append(keep, p)
		}
	}
	clear(w.slow[len(keep):])
	w.slow = keep
}

// Spoiling is what can be wrong in one direction between two hosts.
type Spoiling rule

// changed lets pass what may pass now. What must not any more is held when it is next looked at.
func (w *World) changed() {
	w.disturb()
	keep := w.held[:0]
	for _, p := range w.held {
		switch {
		case p.dead:
		case w.stopped(p.from, p.to):
			keep = append(keep, p)
		default:
			p.release(w)
		}
	}
	clear(w.held[len(keep):])
	w.held = keep
}
